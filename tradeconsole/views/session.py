"""All that a front end may know of the engine: frames out, commands in."""

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from tradeconsole.domain.commands import Command, PlaceOrder
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import BarSeries
from tradeconsole.views.models import Frame, PreviewView


class Focus(msgspec.Struct, frozen=True, kw_only=True):
    """What one subscriber looks at; frames hold only what follows from it."""

    account_id: str | None = None
    """None: the engine's default account."""
    symbol: str | None = None
    """Instrument of ticket and chart; None: the first of the watchlist."""
    timeframe: str = "1m"
    bars: int = 1500
    """How many closed bars the chart wants; scrolling left asks for more."""
    chart: bool = True
    """Whether a chart is on screen at all."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A command was taken on; what became of it comes in frames.

    `order_ids` are ours. `message` is one line for the user.
    """

    message: str
    order_ids: tuple[str, ...] = ()


class Preview(msgspec.Struct, frozen=True):
    """Ask what an order would do."""

    order: PlaceOrder


class Search(msgspec.Struct, frozen=True):
    """Find instruments by symbol, name or description."""

    text: str


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Bars of a symbol over a span; `limit` keeps the newest."""

    symbol: str
    timeframe: str = "1m"
    start: datetime | None = None
    end: datetime | None = None
    limit: int | None = None


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `History`, oldest bar first."""

    instrument: Instrument
    timeframe: str
    bars: BarSeries
    tick_size: Decimal


class Session(Protocol):
    """One front end's connection to an engine, in this process or another."""

    def frames(self) -> AsyncGenerator[Frame]:
        """Frames as things change, capped in rate; the first one is complete. Close it with `aclosing`.

        A slow reader loses intermediate pictures, never the newest, and never an event.
        """

    async def watch(self, focus: Focus) -> None:
        """Replace what this front end looks at; the sections that follow from it come in the next frame.

        Raises:
            InvalidRequest: the symbol or timeframe does not exist.
        """

    async def send(self, command: Command) -> Receipt:
        """Hand over a command.

        Raises:
            RequestRefused: refused here, nothing sent.
            BrokerRejected: the broker said no.
            BrokerError: otherwise failed; `OrderInDoubt` means watch the order's row.
        """

    async def preview(self, query: Preview) -> PreviewView: ...

    async def search(self, query: Search) -> tuple[Instrument, ...]: ...

    async def history(self, query: History) -> Bars: ...

    async def add_symbol(self, symbol: str) -> None:
        """Put a symbol on the watchlist. Raises `InvalidRequest` if the venue does not have it."""

    async def remove_symbol(self, symbol: str) -> None: ...

    async def close(self) -> None: ...
