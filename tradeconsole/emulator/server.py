"""The emulator as a program: one ready line, then it serves until it is told to stop."""

import asyncio
import importlib.util
import signal
import sys
from collections.abc import Callable
from typing import IO, Any, TextIO

import msgspec

from tradeconsole.emulator.home import Endpoint, Home
from tradeconsole.emulator.leases import holders
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.runtime import Emulator
from tradeconsole.errors import TradeConsoleError

USERS_EVERY_SECONDS = 1.0
GRACE_SECONDS = 5.0
"""How long a shared emulator outlives its last user, so that a quick restart finds it warm."""


def run_emulator(options: EmulatorOptions) -> int:
    """Run an emulator until SIGINT or SIGTERM, or until nobody uses it; returns the process's exit code.

    When it is ready one line goes to standard output: url, user and key. Errors are one line on standard error.
    """
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(options, sys.stdout))
    except TradeConsoleError as error:
        sys.stderr.write(f"tradeconsole emulator: {error}\n")
        return error.exit_code
    return 0


async def _serve(options: EmulatorOptions, output: TextIO) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # held until this process is gone: who starts the next emulator waits for it
    last_word: list[IO[str]] = []
    async with Emulator(options) as emulator:
        output.write(ready_line(emulator.endpoint, as_json=options.json) + "\n")
        output.flush()
        ends: list[asyncio.Task[Any]] = [
            asyncio.create_task(stop.wait()),
            asyncio.create_task(emulator.failed()),
        ]
        if options.shared and options.state_dir is not None:
            ends.append(asyncio.create_task(_until_unused(Home(options.state_dir), last_word)))
        done, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()


async def _until_unused(home: Home, last_word: list[IO[str]]) -> bool:
    """Return when nobody has claimed the emulator for a while, and nobody can any more."""
    loop = asyncio.get_running_loop()
    used = loop.time()
    while True:
        await asyncio.sleep(USERS_EVERY_SECONDS)
        if holders(home.users):
            used = loop.time()
        elif loop.time() - used >= GRACE_SECONDS and (lock := home.try_lock_start()) is not None:
            last_word.append(lock)
            if not holders(home.users):
                return True
            last_word.pop().close()


def ready_line(endpoint: Endpoint, *, as_json: bool) -> str:
    """What tells a person, or a program, that the emulator is ready."""
    if as_json:
        return msgspec.json.encode(endpoint).decode()
    return f"ProjectX gateway emulator ready: url {endpoint.url}  user {endpoint.user}  key {endpoint.key}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop where it is installed, else the standard one."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    uvloop = importlib.import_module("uvloop")
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
