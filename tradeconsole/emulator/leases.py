"""Who uses a shared process: one locked file per user process, which the kernel frees even on SIGKILL."""

import fcntl
import os
import secrets
import sys
from pathlib import Path
from typing import IO


class Lease:
    """One process's claim; it lasts until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        pending = folder / f".{name}"
        self._path = folder / name
        self._file: IO[str] | None = pending.open("w")
        self._file.write(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]).strip() or "python")
        self._file.flush()
        # locked before it has its name: nobody ever sees the claim unlocked
        fcntl.flock(self._file, fcntl.LOCK_EX)
        pending.rename(self._path)

    def release(self) -> None:
        """Give the claim up; harmless when repeated."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()
            self._file = None


def holders(folder: Path) -> list[str]:
    """Living users as `process 1234 (tradeconsole run)`; claims of dead ones are cleared away."""
    alive = []
    for path in sorted(folder.glob("[0-9]*")) if folder.is_dir() else ():
        try:
            with path.open() as file:
                if try_lock(file):
                    path.unlink(missing_ok=True)
                else:
                    alive.append(f"process {path.name.partition('-')[0]} ({file.read()})")
        except FileNotFoundError:
            continue
    return alive


def try_lock(file: IO[str]) -> bool:
    """Take an exclusive lock on an open file if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
