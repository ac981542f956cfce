"""A user's home for tests: folders and environment of its own, and the servers that live in it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from terminal import Terminal

BIN: Final = Path(sys.executable).parent
"""Where the installed commands are."""

TRADECONSOLE: Final = str(BIN / "tradeconsole")

PATIENCE: Final = 30.0


class Home:
    """A folder that stands for a user's home. Leaving the `with` block ends its servers and removes it.

    Others may enter the folder (the files in it stay private where they must be), because root's PostgreSQL runs
    as somebody else.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tradeconsole-"))
        self.folder.chmod(0o755)
        self.config = self.folder / "config"
        self.data = self.folder / "data"
        for made in (self.config, self.data):
            made.mkdir()

    def environment(self, **more: str) -> Mapping[str, str]:
        """What commands get to know: no keyring, no settings of whoever runs the tests."""
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONWARNINGS": "error",
            "TRADECONSOLE_CONFIG_DIR": str(self.config),
            "TRADECONSOLE_DATA_DIR": str(self.data),
            **more,
        }

    def configure(self, text: str) -> None:
        """Write the user's own settings."""
        (self.config / "config.toml").write_text(text)

    def run(
        self, *arguments: str, timeout: float = PATIENCE, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb of `tradeconsole` to its end, without a terminal."""
        return subprocess.run(
            [TRADECONSOLE, *arguments],
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=self.folder,
        )

    def python(self, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a Python script that lies in the home to its end, without a terminal."""
        return subprocess.run(
            [sys.executable, script, *arguments],
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.folder,
        )

    def json(self, *arguments: str, **more: str) -> Any:
        """What a verb that succeeds prints with `--json`."""
        done = self.run(*arguments, "--json", **more)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def console(self, *arguments: str, size: tuple[int, int] = (120, 40), **more: str) -> Terminal:
        """Open the console in a terminal."""
        return Terminal(
            [TRADECONSOLE, "run", *arguments],
            size=size,
            env=self.environment(**more),
            cwd=str(self.folder),
        )

    # -- servers

    @property
    def postgres_pid(self) -> int | None:
        """The embedded PostgreSQL, if one runs."""
        return _alive(_first_number(self.data / "postgres" / "data" / "postmaster.pid"))

    @property
    def emulator_pid(self) -> int | None:
        """The emulator of the `sim` profile, if one runs."""
        try:
            return _alive(json.loads((self.data / "emulator" / "sim" / "runner.lock").read_text())["pid"])
        except (FileNotFoundError, ValueError):
            return None

    @property
    def endpoint(self) -> dict[str, Any]:
        """Where the emulator of the `sim` profile answers, and as whom."""
        return dict(json.loads((self.data / "emulator" / "sim" / "endpoint.json").read_text()))

    def stop_postgres(self) -> None:
        """End the database as a crash of its machine would, and wait until it is gone."""
        _end(lambda: self.postgres_pid, signal.SIGQUIT)

    def end_process(self, pid_file: Path) -> None:
        """End the process whose id a file begins with, at once, and wait until it is gone."""
        _end(lambda: _alive(_first_number(pid_file)), signal.SIGQUIT)

    def stop_emulator(self) -> None:
        """Stop the gateway properly, and wait until it is gone."""
        _end(lambda: self.emulator_pid, signal.SIGTERM)

    def kill_emulator(self) -> None:
        """End the gateway as rudely as the system can."""
        _end(lambda: self.emulator_pid, signal.SIGKILL)

    def close(self) -> None:
        """End what lives here and remove it all; what was just being started is waited for."""
        deadline = time.monotonic() + PATIENCE
        while self.folder.exists() and time.monotonic() < deadline:
            self.stop_emulator()
            self.stop_postgres()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end(find: Callable[[], int | None], number: int) -> None:
    pid = find()
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    deadline = time.monotonic() + PATIENCE
    while _alive(pid) is not None:
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.02)


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _alive(pid: int | None) -> int | None:
    """The process id, if such a process runs (a dead one that nobody has waited for does not)."""
    if pid is None:
        return None
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return None
    except (ProcessLookupError, FileNotFoundError):
        return None
    except PermissionError:
        return pid
    return pid
