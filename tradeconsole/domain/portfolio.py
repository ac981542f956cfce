"""Portfolio arithmetic: fills become positions, positions become round trips; average-cost, to the cent.

Gross P&L of a closing fill = (exit − average entry) / tick size × tick value × size, signed by direction.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Side

ZERO: Final = Decimal(0)


class Fill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution. `fees` is everything charged for it; `gross_pnl` is the broker's own figure, if it gave one."""

    fill_id: str
    account_id: str
    instrument_id: str
    broker_order_id: str
    side: Side
    size: int
    price: Decimal
    time: datetime
    fees: Decimal = ZERO
    gross_pnl: Decimal | None = None
    order_id: str | None = None


class Position(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An open position and the sums of the round trip that it is in.

    `size` is signed: positive long, negative short. `entered`, `exited` count contracts; the `_points` sums
    are price × contracts, so that averages never accumulate rounding.
    """

    account_id: str
    instrument_id: str
    size: int
    average_price: Decimal
    opened_at: datetime
    round_trip_id: str
    entered: int
    entry_points: Decimal
    exited: int = 0
    exit_points: Decimal = ZERO
    gross_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    peak_size: int = 0

    @property
    def side(self) -> Side:
        return Side.BUY if self.size > 0 else Side.SELL

    @property
    def direction(self) -> str:
        return "LONG" if self.size > 0 else "SHORT"


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """From flat to flat. `size` is the largest size held; `net_pnl` is after all fees."""

    round_trip_id: str
    account_id: str
    instrument_id: str
    side: Side
    size: int
    entry_price: Decimal
    exit_price: Decimal
    opened_at: datetime
    closed_at: datetime
    gross_pnl: Decimal
    fees: Decimal

    @property
    def net_pnl(self) -> Decimal:
        return self.gross_pnl - self.fees


class FillOutcome(msgspec.Struct, frozen=True, gc=False):
    """What a fill did: the position after it (None when flat) and the round trip that it finished, if any."""

    position: Position | None
    closed: RoundTrip | None
    realised: Decimal


def apply_fill(position: Position | None, fill: Fill, instrument: Instrument) -> FillOutcome:
    """Book one fill. A fill larger than the opposite position closes it and opens the rest."""
    if position is None or position.side is fill.side:
        return FillOutcome(_increase(position, fill, fill.size, fill.fees), None, ZERO)
    closing = min(fill.size, abs(position.size))
    fees = fill.fees * closing / fill.size
    reduced, realised = _reduce(position, fill, closing, fees, instrument)
    if reduced.size:
        return FillOutcome(reduced, None, realised)
    finished = _finish(reduced, fill, instrument)
    if closing == fill.size:
        return FillOutcome(None, finished, realised)
    return FillOutcome(_increase(None, fill, fill.size - closing, fill.fees - fees), finished, realised)


def open_pnl(position: Position, price: float | Decimal, instrument: Instrument) -> Decimal:
    """Unrealised P&L at a market price, before fees."""
    points = instrument.quantize(price) - position.average_price
    return instrument.money(points, position.size)


def _increase(position: Position | None, fill: Fill, size: int, fees: Decimal) -> Position:
    if position is None:
        return Position(
            account_id=fill.account_id,
            instrument_id=fill.instrument_id,
            size=size * fill.side.sign,
            average_price=fill.price,
            opened_at=fill.time,
            round_trip_id=f"{fill.account_id}.{fill.fill_id}",
            entered=size,
            entry_points=fill.price * size,
            fees=fees,
            peak_size=size,
        )
    held = abs(position.size) + size
    average = (position.average_price * abs(position.size) + fill.price * size) / held
    return msgspec.structs.replace(
        position,
        size=held * fill.side.sign,
        average_price=average,
        entered=position.entered + size,
        entry_points=position.entry_points + fill.price * size,
        fees=position.fees + fees,
        peak_size=max(position.peak_size, held),
    )


def _reduce(
    position: Position, fill: Fill, size: int, fees: Decimal, instrument: Instrument
) -> tuple[Position, Decimal]:
    points = (fill.price - position.average_price) * position.side.sign
    realised = instrument.money(points, size)
    reduced = msgspec.structs.replace(
        position,
        size=position.size - size * position.side.sign,
        exited=position.exited + size,
        exit_points=position.exit_points + fill.price * size,
        gross_pnl=position.gross_pnl + realised,
        fees=position.fees + fees,
    )
    return reduced, realised


def _finish(position: Position, fill: Fill, instrument: Instrument) -> RoundTrip:
    side = fill.side.opposite
    return RoundTrip(
        round_trip_id=position.round_trip_id,
        account_id=position.account_id,
        instrument_id=position.instrument_id,
        side=side,
        size=position.peak_size,
        entry_price=position.entry_points / position.entered,
        exit_price=position.exit_points / position.exited,
        opened_at=position.opened_at,
        closed_at=fill.time,
        # from the sums, which are exact; what was realised on the way went over averages, which may have no end
        gross_pnl=instrument.money((position.exit_points - position.entry_points) * side.sign, 1),
        fees=position.fees,
    )
