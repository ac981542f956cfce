"""Terminals for benchmarks, and what the processes in them cost."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# the terminal of the end-to-end tests
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from terminal import Terminal

__all__ = ["BIN", "Terminal", "cpu_seconds", "environment", "share_of_core"]

BIN: Final = Path(sys.executable).parent

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def environment(home: Path) -> Mapping[str, str]:
    """An environment with folders of its own and no keyring."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "TRADECONSOLE_CONFIG_DIR": str(home / "config"),
        "TRADECONSOLE_DATA_DIR": str(home / "data"),
    }


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
