"""A desk in a process of its own, which a drill kills as rudely as the system can.

It reads one instruction a line from its standard input and answers each with a line; it ends by itself when nobody
is left to give any.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from tradeconsole.drills.desk import Desk, Stalled
from tradeconsole.drills.storage import make_store
from tradeconsole.emulator.home import Endpoint
from tradeconsole.errors import TradeConsoleError

PATIENCE: Final = 30.0
READY: Final = "ready"


class Post(msgspec.Struct, frozen=True):
    """Where the victim trades, and where it remembers; travels through its standard input, for it holds a key."""

    endpoint: Endpoint
    account_id: str
    spool: str


class Victim:
    """The process, seen from the drill."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, post: Post) -> "Victim":
        """Start it, and wait until it can trade.

        Raises:
            Stalled: it cannot.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "tradeconsole.drills.victim", stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        victim = cls(process)
        try:
            victim._write(msgspec.json.encode(post).decode())
            await victim._answers(READY)
        except BaseException:
            await victim.kill()
            raise
        return victim

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, instruction: str) -> None:
        """Let it do something without waiting for it."""
        self._write(instruction)

    async def do(self, instruction: str) -> None:
        """Let it do something, and wait until it is done; raises `Stalled`."""
        self._write(instruction)
        await self._answers(instruction)

    async def kill(self) -> None:
        """Kill it (SIGKILL), and wait until it is gone."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        # reads what is left, so that the pipes are closed
        await self._process.communicate()

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())

    async def _answers(self, wanted: str) -> None:
        if self._process.stdout is None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                said = (await self._process.stdout.readline()).decode().strip()
        except TimeoutError:
            said = f"nothing for {PATIENCE:g} s"
        if said != wanted:
            raise Stalled(f"the process to be killed answered '{said or 'nothing'}' instead of '{wanted}'")


# -- inside the process ----------------------------------------------------------------------------------------

Deed = Callable[[Desk], Awaitable[object]]

DEEDS: Final[dict[str, Deed]] = {
    "buy": lambda desk: desk.buy(),
    "buy protected": lambda desk: desk.buy_protected(),
    "rest": lambda desk: desk.rest(),
    "flatten": lambda desk: desk.flatten(),
}
"""What it can be told to do."""


async def _live() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    post = msgspec.json.decode(await reader.readline(), type=Post)
    store = make_store(Path(post.spool), None)
    await store.open()
    desk = Desk(post.endpoint, post.account_id)
    await desk.open(store.journal)
    try:
        await desk.ready(seconds=PATIENCE)
        _say(READY)
        while line := (await reader.readline()).decode().strip():
            _say(await _do(desk, line))
    finally:
        await desk.close()
        await store.close()


async def _do(desk: Desk, line: str) -> str:
    try:
        await DEEDS[line](desk)
    except (TradeConsoleError, Stalled) as error:
        return f"{type(error).__name__}: {error}"
    return line


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_live())
