"""The folder of one emulator: who runs it, where it answers, what it must remember about itself."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO

import msgspec

from tradeconsole.emulator.leases import try_lock
from tradeconsole.errors import ConfigError


class Endpoint(msgspec.Struct, frozen=True):
    """Where an emulator answers and as whom to log in."""

    url: str
    user: str
    key: str


class Runner(msgspec.Struct, frozen=True):
    """The process that runs the emulator of a folder."""

    pid: int
    leased: bool


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What makes an emulator itself over restarts. Never leaves the folder, except the key in the ready line."""

    number: int
    key: str
    secret: bytes
    seed: int
    port: int = 0

    @classmethod
    def fresh(cls, *, key: str | None = None, seed: int | None = None) -> "Installation":
        """A new one; a seed fixes the number from which account ids derive."""
        return cls(
            number=secrets.randbelow(10**8) if seed is None else seed % 10**8,
            key=key or secrets.token_urlsafe(32),
            secret=secrets.token_bytes(32),
            seed=secrets.randbelow(2**31) if seed is None else seed,
        )


class Home:
    """Names and access rules of the files in an emulator's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users = folder / "users"
        self.log = folder / "emulator.log"
        self.journal = folder / "state.log"
        self.snapshot = folder / "state.snapshot"
        self._start = folder / "start.lock"
        self._runner = folder / "runner.lock"
        self._endpoint = folder / "endpoint.json"
        self._installation = folder / "installation.json"

    def create(self) -> None:
        """Make the folder, for its owner alone.

        Raises:
            ConfigError: it cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"cannot create the emulator's folder {self.folder}: {error.strerror}"
            ) from error

    def lock_start(self) -> IO[str]:
        """Wait for the right to start, stop or judge the emulator; closing the file gives it back."""
        file = self._start.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def try_lock_start(self) -> IO[str] | None:
        """The same right, if nobody has it now."""
        file = self._start.open("w")
        if try_lock(file):
            return file
        file.close()
        return None

    def run(self, *, leased: bool) -> IO[str]:
        """Become the process that runs this folder's emulator, until the file is closed.

        Raises:
            ConfigError: another process does already.
        """
        file = self._runner.open("a+")
        if not try_lock(file):
            file.close()
            runner = self.runner()
            raise ConfigError(
                f"an emulator already runs in {self.folder}"
                + (f" (process {runner.pid})" if runner else "")
                + ": stop it or choose another --state folder"
            )
        file.truncate(0)
        file.write(msgspec.json.encode(Runner(os.getpid(), leased)).decode())
        file.flush()
        return file

    def runner(self) -> Runner | None:
        """The process that runs the emulator now, if one does."""
        try:
            with self._runner.open("r+") as file:
                if try_lock(file):
                    return None
                return msgspec.json.decode(file.read(), type=Runner)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def announce(self, endpoint: Endpoint) -> None:
        """Tell other processes of this user where the emulator answers."""
        write_private(self._endpoint, msgspec.json.encode(endpoint))

    def endpoint(self) -> Endpoint | None:
        """Where the emulator said that it answers."""
        try:
            return msgspec.json.decode(self._endpoint.read_bytes(), type=Endpoint)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def withdraw(self) -> None:
        """The emulator answers no more."""
        self._endpoint.unlink(missing_ok=True)

    def installation(self) -> Installation | None:
        """What was remembered.

        Raises:
            ConfigError: the file is damaged.
        """
        try:
            return msgspec.json.decode(self._installation.read_bytes(), type=Installation)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"{self._installation} is damaged ({error}): `tradeconsole sim reset` starts afresh"
            ) from error

    def remember(self, installation: Installation) -> None:
        """Keep what makes this emulator itself."""
        write_private(self._installation, msgspec.json.encode(installation))

    def wipe(self) -> None:
        """Forget everything but who may start."""
        for path in (self.journal, self.snapshot, self._endpoint, self._installation, self.log):
            path.unlink(missing_ok=True)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file at once with one that only its owner can read."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)
