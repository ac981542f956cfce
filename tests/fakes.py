"""Stand-ins for the seams of the console: a session that plays a script and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from tradeconsole.domain.commands import Command
from tradeconsole.domain.instruments import Instrument
from tradeconsole.errors import InvalidRequest, TradeConsoleError
from tradeconsole.views.models import Frame, PreviewView
from tradeconsole.views.session import Bars, Focus, History, Preview, Receipt, Search

OnSend = Callable[["ScriptedSession", Command], Receipt | TradeConsoleError | None]


class ScriptedSession:
    """Plays frames as they are pushed and records commands, focuses and watchlist changes.

    Args:
        frames: played first, in order.
        on_send: what becomes of a command: a receipt, an error to raise, or None for a plain receipt. It may
            push frames.
        preview: the answer to every preview, or a function of the query.
        instruments: what a search finds.
    """

    def __init__(
        self,
        frames: Iterable[Frame] = (),
        *,
        on_send: OnSend | None = None,
        preview: PreviewView | Callable[[Preview], PreviewView] | None = None,
        instruments: Iterable[Instrument] = (),
    ) -> None:
        self.commands: list[Command] = []
        self.focuses: list[Focus] = []
        self.previews: list[Preview] = []
        self.watched: list[tuple[str, str]] = []
        self.closed = False
        self._on_send = on_send
        self._preview = preview
        self._instruments = tuple(instruments)
        self._queue: asyncio.Queue[Frame | BaseException | None] = asyncio.Queue()
        for frame in frames:
            self._queue.put_nowait(frame)

    def push(self, frame: Frame) -> None:
        """Play one more frame."""
        self._queue.put_nowait(frame)

    def fail(self, error: BaseException) -> None:
        """Let the stream of frames die of an error."""
        self._queue.put_nowait(error)

    def end(self) -> None:
        """Let the stream of frames end."""
        self._queue.put_nowait(None)

    async def frames(self) -> AsyncGenerator[Frame]:
        while (item := await self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    async def watch(self, focus: Focus) -> None:
        self.focuses.append(focus)

    async def send(self, command: Command) -> Receipt:
        self.commands.append(command)
        answer = self._on_send(self, command) if self._on_send is not None else None
        if isinstance(answer, TradeConsoleError):
            raise answer
        return answer if answer is not None else Receipt(message=f"{type(command).__name__} taken")

    async def preview(self, query: Preview) -> PreviewView:
        self.previews.append(query)
        if self._preview is None:
            raise InvalidRequest("this script answers no preview")
        return self._preview if isinstance(self._preview, PreviewView) else self._preview(query)

    async def search(self, query: Search) -> tuple[Instrument, ...]:
        wanted = query.text.lower()
        return tuple(
            found
            for found in self._instruments
            if wanted in f"{found.symbol} {found.name} {found.description} {found.instrument_id}".lower()
        )

    async def history(self, query: History) -> Bars:
        raise InvalidRequest(f"this script has no history of {query.symbol}")

    async def add_symbol(self, symbol: str) -> None:
        self.watched.append(("add", symbol))

    async def remove_symbol(self, symbol: str) -> None:
        self.watched.append(("remove", symbol))

    async def close(self) -> None:
        self.closed = True

    def opener(self) -> Callable[[], Awaitable["ScriptedSession"]]:
        """This session as a factory that hands it over at once."""

        async def hand_over() -> ScriptedSession:
            return self

        return hand_over
