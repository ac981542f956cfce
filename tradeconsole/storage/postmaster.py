"""What a PostgreSQL server process tells about itself: its socket, its pid files, its log."""

import os
import socket
from enum import Enum, auto
from pathlib import Path
from typing import Final

from tradeconsole.storage.binaries import run

_STARTUP_BODY: Final = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0"  # protocol 3.0
_STARTUP: Final = (len(_STARTUP_BODY) + 4).to_bytes(4, "big") + _STARTUP_BODY
_TERMINATE: Final = b"X\0\0\0\x04"
_CANNOT_CONNECT_NOW: Final = b"C57P03\0"  # starting up, shutting down, recovering


class Answer(Enum):
    """What knocking at a server's socket yields."""

    READY = auto()
    BUSY = auto()  # somebody is there, not taking queries now
    NOBODY = auto()


def probe(path: Path) -> Answer:
    """Knock at a Unix socket with PostgreSQL's start-up packet; takes at most two seconds."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
            client.sendall(_STARTUP)
            reply = client.recv(1024)
            client.sendall(_TERMINATE)
        except (FileNotFoundError, ConnectionRefusedError):
            return Answer.NOBODY
        except OSError:
            return Answer.BUSY
    return Answer.BUSY if not reply or _CANNOT_CONNECT_NOW in reply else Answer.READY


def drop_stale_pid_files(data: Path, socket_path: Path) -> None:
    """Remove pid files whose number now belongs to some other program; PostgreSQL would refuse to start.

    To be called only while nobody answers at the socket and nobody else can start the server. A file whose
    process is gone is left alone: PostgreSQL itself then checks that no orphan still uses the cluster.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if _runs(pid) and not _is_postgres(pid):
        pid_file.unlink(missing_ok=True)
        socket_path.with_name(f"{socket_path.name}.lock").unlink(missing_ok=True)


def last_complaint(log: Path) -> str:
    """The newest FATAL or PANIC line of a server log, with its explanation; empty if there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-50:]
    except OSError:
        return ""
    for index in range(len(lines) - 1, -1, -1):
        for word in ("FATAL:", "PANIC:"):
            if word in lines[index]:
                detail = [
                    line.split("DETAIL:", 1)[1] for line in lines[index + 1 : index + 2] if "DETAIL:" in line
                ]
                return "; ".join(part.strip() for part in (lines[index].split(word, 1)[1], *detail))
    return ""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_postgres(pid: int) -> bool:
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.joinpath("self").exists():
        try:
            return b"postgres" in proc.read_bytes().split(b"\0", 1)[0]
        except OSError:
            return False
    return "postgres" in run(["ps", "-o", "comm=", "-p", str(pid)]).stdout
