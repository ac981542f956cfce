"""An embedded PostgreSQL with a life cycle of its own: started by whoever comes first, stopped after the last.

Nothing here trusts a pid file: a server lives when its socket answers. Every process that uses the cluster holds a
shared lock that the kernel drops at its death, SIGKILL included; a detached guard waits for the last of them.
"""

import fcntl
import hashlib
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tradeconsole.credentials import without_secrets
from tradeconsole.errors import StorageError
from tradeconsole.storage import guard
from tradeconsole.storage.binaries import (
    BINARIES_VARIABLE,
    Owner,
    find_binaries,
    is_public,
    major_version,
    public_root,
    published,
    run,
)
from tradeconsole.storage.postmaster import Answer, drop_stale_pid_files, last_complaint, probe

_PORT: Final = 5432  # only names the socket file; the server never listens on TCP
_SOCKET: Final = f".s.PGSQL.{_PORT}"
_LONGEST_SOCKET_PATH: Final = 103  # sun_path is 104 bytes on macOS, 108 on Linux, with its final zero
_START_SECONDS: Final = 60.0
_LOG_BYTES: Final = 1_000_000

_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class EmbeddedServer:
    """One cluster of this user, in `home`, or for root in a public place if `nobody` cannot reach `home`.

    Args:
        home: folder for the cluster; made if need be.
        grace: seconds for which a server that nobody uses is kept, so that a restart is warm.
    """

    def __init__(self, home: Path, *, grace: float = 10.0) -> None:
        self.home = _reachable(home.absolute()) if os.geteuid() == 0 else home.absolute()
        self._grace = grace
        self._claim: int | None = None

    @property
    def data(self) -> Path:
        """The folder with the database's files."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.data / "server.log"

    @property
    def sockets(self) -> Path:
        """The folder with the server's socket; elsewhere if `home` is too long for one."""
        inside = self.home / "run"
        if len(os.fsencode(inside / _SOCKET)) <= _LONGEST_SOCKET_PATH:
            return inside
        # not TMPDIR: all processes must agree on the place
        return Path("/tmp") / f"tradeconsole-{os.geteuid()}-{_short_hash(self.home)}"  # noqa: S108 -- its owner is checked

    @property
    def dsn(self) -> str:
        """How to connect, once it runs."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets))}&port={_PORT}"

    def start(self) -> str:
        """Claim the cluster for this process and make sure that its server answers; blocks, usually 0.1 s.

        May be called again at any time: a server that died meanwhile is started anew.

        Returns:
            The DSN.

        Raises:
            StorageError: no binaries, no room, no right to write, or the server does not come up.
        """
        try:
            self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
            if self._claim is None:
                claim = _open_lock(self.home / "users.lock")
                fcntl.flock(claim, fcntl.LOCK_SH)  # waits while a guard is stopping the server
                self._claim = claim
            with _exclusive(self.home / "start.lock"):
                self._start()
        except subprocess.TimeoutExpired as error:
            raise StorageError(
                f"the embedded PostgreSQL in {self.home} took more than {error.timeout:.0f} s to start"
            ) from error
        except OSError as error:
            raise StorageError(f"the embedded PostgreSQL in {self.home} cannot start: {error}") from error
        return self.dsn

    def release(self) -> None:
        """Drop this process's claim; the guard stops the server when it was the last."""
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _start(self) -> None:
        binaries = find_binaries()
        owner = None
        if os.geteuid() == 0:
            binaries, owner = published(binaries), _unprivileged(self.data)
        self._make_socket_folder(owner)
        launcher = self._launch_guard(binaries, owner)
        try:
            if probe(self.sockets / _SOCKET) is not Answer.READY:
                if not (self.data / "PG_VERSION").exists():
                    self._make_cluster(binaries, owner)
                self._bring_up(binaries, owner)
        finally:
            launcher.wait(_START_SECONDS)

    def _make_socket_folder(self, owner: Owner) -> None:
        folder = self.sockets
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if owner:
                os.chown(folder, *owner)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != (owner[0] if owner else os.geteuid()):
            raise StorageError(f"{folder} belongs to somebody else: remove it")

    def _make_cluster(self, binaries: Path, owner: Owner) -> None:
        # made aside and renamed, so that an interrupted initdb is never taken for a cluster
        aside = self.home / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        if owner:
            os.chown(aside, *owner)
        command: list[str | Path] = [binaries / "initdb", "-D", aside, "-U", "postgres", "--auth=trust"]
        made = run([*command, "--encoding=UTF8", "--locale=C", "--no-instructions"], owner)
        if made.returncode:
            raise StorageError(f"initdb failed in {self.home}: {_last_line(made.stderr)}")
        aside.rename(self.data)
        _sync_folder(self.home)

    def _bring_up(self, binaries: Path, owner: Owner) -> None:
        """Start the server, or wait for one that is starting, recovering or stopping."""
        self._check_version(binaries)
        deadline = time.monotonic() + _START_SECONDS
        complaint = "it does not answer"
        while time.monotonic() < deadline:
            answer = probe(self.sockets / _SOCKET)
            if answer is Answer.READY:
                return
            if answer is Answer.BUSY:
                time.sleep(0.02)
                continue
            drop_stale_pid_files(self.data, self.sockets / _SOCKET)
            launched = self._launch_server(binaries, owner)
            if launched.returncode == 0:
                return
            complaint = last_complaint(self.log) or _last_line(launched.stderr)
            if "in use" not in complaint and "already exists" not in complaint:
                break
            time.sleep(0.1)  # orphans of a killed server are about to notice and leave
        raise StorageError(f"the embedded PostgreSQL does not start: {complaint} (see {self.log})")

    def _check_version(self, binaries: Path) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        ours = major_version(binaries)
        if made_by != ours:
            raise StorageError(
                f"the database in {self.data} was made by PostgreSQL {made_by}, the programs are {ours}: "
                f"set {BINARIES_VARIABLE} to programs of version {made_by}"
            )

    def _launch_server(self, binaries: Path, owner: Owner) -> subprocess.CompletedProcess[str]:
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > _LOG_BYTES:
                os.truncate(self.log, 0)
        settings = {**_SETTINGS, "unix_socket_directories": str(self.sockets)}
        options = shlex.join(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
        command: list[str | Path] = [
            binaries / "pg_ctl",
            "-D",
            self.data,
            "-w",
            "-t",
            str(int(_START_SECONDS)),
            "-s",
        ]
        return run([*command, "-l", self.log, "-o", options, "start"], owner)

    def _launch_guard(self, binaries: Path, owner: Owner) -> subprocess.Popen[bytes]:
        stop: list[str | Path] = [
            binaries / "pg_ctl",
            "-D",
            self.data,
            "-m",
            "fast",
            "-w",
            "-t",
            "60",
            "stop",
        ]
        identity = f"{owner[0]}:{owner[1]}" if owner else ""
        python = [sys.executable, "-I", "-S", guard.__file__]
        return subprocess.Popen(  # noqa: S603 -- our own script
            [*python, self.home, str(self._grace), identity, *stop],
            cwd="/",
            env=without_secrets(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _reachable(home: Path) -> Path:
    existing = next(folder for folder in (home, *home.parents) if folder.is_dir())
    return home if is_public(existing) else public_root() / f"cluster-{_short_hash(home)}"


def _unprivileged(data: Path) -> tuple[int, int]:
    """Who runs the server for root, which PostgreSQL refuses: the owner of the cluster, else `nobody`."""
    with suppress(FileNotFoundError):
        found = data.stat()
        if found.st_uid:
            return found.st_uid, found.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    lock = _open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no reason given"
