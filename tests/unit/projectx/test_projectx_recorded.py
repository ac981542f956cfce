"""Payloads recorded from the live gateway, through the code that reads them from bytes to domain."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tradeconsole.brokers.projectx import translate
from tradeconsole.brokers.projectx.endpoints import ORDER_SEARCH, TRADES
from tradeconsole.brokers.projectx.hub_connection import Handler
from tradeconsole.brokers.projectx.market import MarketStream
from tradeconsole.brokers.projectx.products import Commissions, load_products
from tradeconsole.brokers.projectx.signalr import HubProtocol, Invocation
from tradeconsole.brokers.projectx.stamps import VenueStamps
from tradeconsole.brokers.projectx.user import UserStream
from tradeconsole.domain.events import (
    AccountReported,
    BrokerEvent,
    DepthReceived,
    FillReported,
    OrderReported,
    PositionReported,
    QuoteReceived,
    TickReceived,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Aggressor, DepthLevel
from tradeconsole.domain.orders import OrderRole, OrderStatus, OrderType, Side

DATA = Path(__file__).parents[2] / "data" / "projectx"


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 8, 19, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def play(name: str, handlers: Mapping[str, Handler]) -> None:
    """Feed a recording of hub records, one a line, as the bytes that a socket brings."""
    protocol = HubProtocol()
    protocol.receive(b"{}\x1e")
    for frame in protocol.receive((DATA / name).read_bytes().replace(b"\n", b"\x1e")):
        assert isinstance(frame, Invocation)
        handlers[frame.target.lower()](frame.arguments)


def index(contract: str) -> Instrument:
    return Instrument(
        instrument_id=contract,
        symbol="",
        name=contract,
        description="",
        tick_size=Decimal("0.25"),
        tick_value=Decimal("0.5"),
    )


def test_a_bracket_that_was_stopped_out() -> None:
    reply = ORDER_SEARCH.decode((DATA / "rest_orders_bracket.json").read_bytes())
    entry, stop, target = map(translate.order_report, reply.orders or ())
    assert (entry.role, entry.parent_broker_id, entry.status) == (None, None, OrderStatus.FILLED)
    assert (entry.side, stop.side, entry.average_price) == (Side.BUY, Side.SELL, Decimal("30199.25"))
    assert (stop.role, stop.type, stop.stop_price) == (
        OrderRole.STOP_LOSS,
        OrderType.STOP,
        Decimal("30196.75"),
    )
    assert stop.average_price == Decimal("30196.25")
    assert (target.role, target.status) == (OrderRole.TAKE_PROFIT, OrderStatus.CANCELLED)
    assert stop.parent_broker_id == target.parent_broker_id == entry.broker_order_id


def test_a_round_turn_whose_rows_leave_out_the_commission() -> None:
    reply = TRADES.decode((DATA / "rest_trades.json").read_bytes())
    opening, closing = translate.fills(reply.trades or (), Commissions(load_products()))
    assert opening.gross_pnl is None
    assert closing.gross_pnl is not None
    # the account's own balance moved by this: 6.50 gross, less two sides of 0.36 fees and 0.25 commission
    assert closing.gross_pnl - opening.fees - closing.fees == Decimal("5.28")


def test_what_the_user_hub_said() -> None:
    told: list[BrokerEvent] = []
    met: list[str] = []
    play("hub_user.jsonl", UserStream(told.append, met.append, Commissions(load_products())).handlers)
    account, pending, rejected, fill, opened, flat = told
    assert isinstance(account, AccountReported)
    assert account.account.balance == Decimal("149848.64")
    assert isinstance(pending, OrderReported)
    assert (pending.report.status, pending.report.tag) == (OrderStatus.PENDING, None)
    assert isinstance(rejected, OrderReported)
    assert (rejected.report.status, rejected.report.tag) == (OrderStatus.REJECTED, "glt-33fa8e1e")
    assert isinstance(fill, FillReported)
    assert (fill.fill.fees, fill.fill.gross_pnl) == (Decimal("0.61"), Decimal(-49))
    assert fill.fill.time == datetime(2026, 8, 19, 14, 16, 1, 406129, UTC)
    assert isinstance(opened, PositionReported)
    assert (opened.position.size, opened.position.average_price) == (15, Decimal(49909))
    assert isinstance(flat, PositionReported)
    assert flat.position.size == 0
    assert set(met) == {"CON.F.US.MYM.M26", "CON.F.US.MNQ.U26"}


def test_what_the_market_hub_said() -> None:
    told: list[BrokerEvent] = []
    stamps = VenueStamps(lambda _: None)
    play("hub_market.jsonl", MarketStream(told.append, index, StoppedClock(), stamps).handlers)
    quote, tick, depth = told
    assert isinstance(quote, QuoteReceived)
    assert (quote.quote.bid, quote.quote.ask, quote.quote.last) == (29547.0, 29547.5, None)
    assert quote.quote.time == datetime(2026, 8, 19, 20, 51, 31, 348000, UTC)
    assert isinstance(tick, TickReceived)
    assert (tick.tick.price, tick.tick.size, tick.tick.aggressor) == (7730.5, 1, Aggressor.SELL)
    assert isinstance(depth, DepthReceived)
    assert depth.depth.bids == (DepthLevel(29547.0, 2),)
