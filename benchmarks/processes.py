"""Terminals for benchmarks, and what the processes in them cost."""

import os
import sys
import time
from pathlib import Path
from typing import Final

# terminals and homes of the end-to-end tests
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from homes import TRADECONSOLE, Home
from terminal import Terminal

__all__ = ["TRADECONSOLE", "Home", "Sink", "Terminal", "cpu_seconds", "share_of_core"]


class Sink(Terminal):
    """A terminal that takes what is drawn and throws it away, so that it costs the console no processor."""

    def _feed(self, data: bytes) -> None:
        pass


_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process with all its threads."""
    return _seconds(Path(f"/proc/{pid}/stat"))


def thread_seconds(pid: int) -> dict[int, float]:
    """Processor time by thread; the one whose id is the process's is the front end's."""
    return {int(task.name): _seconds(task / "stat") for task in Path(f"/proc/{pid}/task").iterdir()}


def share_of_core(pid: int, seconds: float) -> tuple[float, float]:
    """Percent of a core used by a process, and by its first thread, over some seconds."""
    began, process, thread = time.monotonic(), cpu_seconds(pid), thread_seconds(pid)[pid]
    time.sleep(seconds)
    passed = time.monotonic() - began
    return 100 * (cpu_seconds(pid) - process) / passed, 100 * (thread_seconds(pid)[pid] - thread) / passed


def _seconds(stat: Path) -> float:
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS
