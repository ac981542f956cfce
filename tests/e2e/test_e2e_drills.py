"""The installed command plays drills: really, alone, and without leaving anything behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
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


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


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


def test_ctrl_c_in_the_middle_of_a_drill_leaves_no_process_and_no_folder(home: Home) -> None:
    folder = temporary(home)
    process = subprocess.Popen(
        [TRADECONSOLE, "drill", "run", "kill-flatten", "--seed", "5"],
        env={**home.environment(), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: children(process.pid) and list(folder.glob("*/spool/drill/*")))
        (victim,) = children(process.pid)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    until(lambda: not is_alive(victim))
    assert list(folder.iterdir()) == []
