"""The emulator as a process of its own that several consoles of one user share."""

import http.client
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tradeconsole.credentials import without_secrets
from tradeconsole.emulator.home import Endpoint, Home
from tradeconsole.emulator.leases import Lease, holders
from tradeconsole.errors import BrokerUnavailable, RequestRefused

START_SECONDS = 120.0
"""Patience: a start takes well under a second, unless months of market have to be caught up with."""

STOP_SECONDS = 10.0


class EmulatorProcess:
    """This process's claim on the emulator of a folder.

    The emulator ends by itself a few seconds after the last claim is gone, however its holder died.
    Calls block; use a thread where that matters.
    """

    def __init__(self, state_dir: Path) -> None:
        self._home = Home(state_dir)
        self._lease: Lease | None = None

    def start_or_attach(self) -> Endpoint:
        """Claim the emulator and return where it answers; starts one unless it is alive.

        Safe to repeat: an emulator that has died is started again, on its old port if that is free.

        Raises:
            BrokerUnavailable: it does not start; the message names its log.
            ConfigError: the folder cannot be used.
        """
        self._home.create()
        if self._lease is None:
            self._lease = Lease(self._home.users)
        with self._home.lock_start():
            if self._home.runner() is not None:
                return self._wait_until_alive()
            return self._start()

    def release(self) -> None:
        """Give the claim up; harmless when repeated."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _wait_until_alive(self) -> Endpoint:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            endpoint = self._home.endpoint()
            if endpoint is not None and _answers(endpoint):
                return endpoint
            if self._home.runner() is None:
                return self._start()
            time.sleep(0.02)
        raise BrokerUnavailable(
            f"the gateway emulator of {self._home.folder} runs but does not answer; see {self._home.log}"
        )

    def _start(self) -> Endpoint:
        pid, output = self._spawn()
        try:
            return msgspec.json.decode(_first_line(output, START_SECONDS), type=Endpoint)
        except msgspec.MsgspecError:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise BrokerUnavailable(f"the gateway emulator does not start: {self._last_words()}") from None
        finally:
            os.close(output)

    def _spawn(self) -> tuple[int, int]:
        """Start the process; its id and the reading end of its standard output.

        Spawned bare, because the process is meant to outlive this one and nobody here waits for it.
        """
        reading, writing = os.pipe()
        folder = str(self._home.folder.absolute())
        arguments = [
            sys.executable,
            "-P",
            "-m",
            "tradeconsole.emulator",
            "--state",
            folder,
            "--shared",
            "--json",
        ]
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            pid = os.posix_spawn(
                sys.executable,
                arguments,
                without_secrets(os.environ),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, writing, 1),
                    (os.POSIX_SPAWN_OPEN, 2, str(self._home.log), append, 0o600),
                ],
            )
        finally:
            os.close(writing)
        return pid, reading

    def _last_words(self) -> str:
        lines = self._home.log.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1]} (log: {self._home.log})" if lines else f"see {self._home.log}"


def reset(state_dir: Path) -> None:
    """Forget the accounts, orders and market of a folder.

    Raises:
        RequestRefused: somebody uses it; the message says who.
    """
    home = Home(state_dir)
    if not state_dir.is_dir():
        return
    with home.lock_start():
        if users := holders(home.users):
            raise RequestRefused(f"the emulator is in use by {', '.join(users)}: quit that first")
        if (runner := home.runner()) is not None:
            if not runner.leased:
                raise RequestRefused(f"the emulator is run by process {runner.pid}: stop that first")
            _stop(home, runner.pid)
        home.wipe()


def _stop(home: Home, pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while home.runner() is not None:
        if time.monotonic() > deadline:
            raise RequestRefused(f"the emulator (process {pid}) does not stop: end it and try again")
        time.sleep(0.02)


def _answers(endpoint: Endpoint) -> bool:
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=2)
    try:
        connection.request("GET", "/api/Status/ping")
        return connection.getresponse().read() == b'"pong"'
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _first_line(output: int, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(output, 4096) if ready else b""
        if not piece:
            break
        line += piece
    return line
