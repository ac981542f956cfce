"""The installed command plays drills: really, alone, and without leaving anything behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from homes import TRADECONSOLE, Home

PATIENCE = 60.0


def temporary(home: Home) -> Path:
    folder = home.folder / "tmp"
    folder.mkdir()
    return folder


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(pid: int) -> set[int]:
    """Ids of a process's living children."""
    if not Path("/proc/self").exists():
        found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
        return {int(line) for line in found.stdout.split()}
    found_here: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while the others were read
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found_here.add(int(stat.parent.name))
    return found_here


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_drill_needs_no_account_no_database_and_touches_nothing_of_the_users(home: Home) -> None:
    folder = temporary(home)
    done = home.run("drill", "run", "error-after-accept", "--seed", "5", timeout=PATIENCE, TMPDIR=str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert "everything held" in done.stdout
    assert list(folder.iterdir()) == []
    assert [path.name for path in home.data.iterdir()] == ["log"]
    log = (home.data / "log" / "drill.log").read_text()
    assert "apiKey" not in log
    assert "eyJ" not in log


def desks_of(process: "subprocess.Popen[str]", folder: Path) -> set[int]:
    """Ids of the desks that a drill has started, once there is one with a spool, or the drill is over."""
    desks: set[int] = set()

    def has_one() -> bool:
        # the drill kills its desk and starts another: any of them may be there, or none
        desks.update(children(process.pid))
        return bool(desks and list(folder.glob("*/spool/drill/*")))

    until(lambda: has_one() or process.poll() is not None)
    return desks


def interrupted_drill(home: Home, folder: Path) -> tuple[int, str, set[int]]:
    """A drill that Ctrl+C met in its middle: its exit code, what it said on stderr, and its desks."""
    for _ in range(10):
        process = subprocess.Popen(
            [TRADECONSOLE, "drill", "run", "kill-flatten", "--seed", "5"],
            env={**home.environment(), "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # tests that were started in the background of a shell ignore Ctrl+C, and so would all their children
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            desks = desks_of(process, folder)
            process.send_signal(signal.SIGINT)
            told, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        if "everything held" not in told:  # else it was over before the signal came
            return process.returncode, errors, desks
    raise AssertionError("no drill was met in its middle")


def test_ctrl_c_in_the_middle_of_a_drill_leaves_no_process_and_no_folder(home: Home) -> None:
    folder = temporary(home)
    exit_code, errors, desks = interrupted_drill(home, folder)
    assert exit_code == 130
    assert "Traceback" not in errors
    assert desks
    until(lambda: not any(map(is_alive, desks)))
    assert list(folder.iterdir()) == []
