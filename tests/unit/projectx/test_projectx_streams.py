"""What hub events become: sparse quotes merged, prints, depth, and everything about our own orders."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.brokers.projectx import market, user
from tradeconsole.brokers.projectx.hub_connection import Handler
from tradeconsole.brokers.projectx.market import MarketStream
from tradeconsole.brokers.projectx.order_book import LEVELS, OrderBook
from tradeconsole.brokers.projectx.products import Commissions, load_products
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
from tradeconsole.domain.market import Aggressor, Depth, DepthLevel, Quote, Tick
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.ports import MarketSubscription

MNQ_ID = "CON.F.US.MNQ.U26"
MNQ = Instrument(
    instrument_id=MNQ_ID,
    symbol="MNQ",
    name="MNQU6",
    description="",
    tick_size=Decimal("0.25"),
    tick_value=Decimal("0.5"),
)
NOON = datetime(2026, 8, 19, 12, tzinfo=UTC)


def call(handler: Handler, *arguments: object) -> None:
    handler(msgspec.Raw(json.dumps(arguments).encode()))


def stamp(seconds: float = 0.0) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


class StoppedClock:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


class Feed:
    """A market stream with what it published."""

    def __init__(self) -> None:
        self.told: list[BrokerEvent] = []
        self.times: list[datetime] = []
        self.stamps = VenueStamps(self.times.append)
        known = {MNQ_ID: MNQ}
        self.stream = MarketStream(self.told.append, known.get, StoppedClock(), self.stamps)

    def quote(self, **fields: object) -> None:
        call(
            self.stream.handlers["gatewayquote"],
            MNQ_ID,
            {"symbol": "F.US.MNQ", "timestamp": stamp(), **fields},
        )

    def prints(self, payload: object) -> None:
        call(self.stream.handlers["gatewaytrade"], MNQ_ID, payload)

    def depth(self, *rows: object) -> None:
        call(self.stream.handlers["gatewaydepth"], MNQ_ID, list(rows))

    @property
    def last_quote(self) -> Quote:
        return [event.quote for event in self.told if isinstance(event, QuoteReceived)][-1]

    @property
    def ticks(self) -> list[Tick]:
        return [event.tick for event in self.told if isinstance(event, TickReceived)]

    @property
    def book(self) -> Depth:
        return [event.depth for event in self.told if isinstance(event, DepthReceived)][-1]


# -- quotes ------------------------------------------------------------------------------------------------------


def test_sparse_quotes_merge_and_missing_is_not_zero() -> None:
    feed = Feed()
    feed.quote(
        lastPrice=29547, bestBid=29546.75, bestAsk=29547.25, open=29500, high=29600, low=29400, volume=1200
    )
    feed.quote(bestBid=29547, timestamp=stamp(1))
    assert feed.last_quote == Quote(
        MNQ_ID,
        NOON + timedelta(seconds=1),
        bid=29547.0,
        ask=29547.25,
        last=29547.0,
        open=29500.0,
        high=29600.0,
        low=29400.0,
        volume=1200,
    )


FIELDS = {
    "bestBid": "bid",
    "bestAsk": "ask",
    "lastPrice": "last",
    "open": "open",
    "high": "high",
    "low": "low",
    "change": "change",
    "changePercent": "change_percent",
}


@settings(max_examples=80)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(list(FIELDS)), st.integers(1, 400).map(lambda n: n / 4) | st.none()),
        min_size=1,
        max_size=12,
    )
)
def test_the_merged_quote_is_the_last_value_of_each_field(deltas: list[dict[str, float | None]]) -> None:
    feed = Feed()
    expected: dict[str, float] = {}
    for delta in deltas:
        feed.quote(**delta)
        expected |= {FIELDS[name]: value for name, value in delta.items() if value is not None}
    quote = feed.last_quote
    assert {
        name: getattr(quote, name) for name in FIELDS.values() if getattr(quote, name) is not None
    } == expected


def test_prices_are_freed_of_noise() -> None:
    feed = Feed()
    feed.quote(bestBid=29546.750000000004)
    assert feed.last_quote.bid == 29546.75


def test_a_new_connection_forgets_what_the_old_one_said() -> None:
    feed = Feed()
    feed.quote(bestBid=1, bestAsk=2)
    feed.stream.reset()
    assert feed.stream.quote(MNQ_ID) is None
    feed.quote(bestBid=3)
    assert feed.last_quote.ask is None


def test_a_quote_of_an_unknown_contract_is_left_alone() -> None:
    feed = Feed()
    call(feed.stream.handlers["gatewayquote"], "CON.F.US.EP.U26", {"bestBid": 1, "timestamp": stamp()})
    assert feed.told == []


def test_an_unreadable_quote_is_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        Feed().quote(bestBid={"price": 1})


# -- prints ------------------------------------------------------------------------------------------------------

PRINT = {"symbolId": "F.US.MNQ", "price": 29548.5, "timestamp": stamp(2), "type": 1, "volume": 3}


@pytest.mark.parametrize("payload", [PRINT, [PRINT], [None, PRINT]])
def test_prints_come_alone_or_in_arrays_with_nulls(payload: object) -> None:
    feed = Feed()
    feed.prints(payload)
    assert feed.ticks == [Tick(MNQ_ID, NOON + timedelta(seconds=2), 29548.5, 3, Aggressor.SELL)]


def test_prints_move_the_last_price_that_later_quotes_build_on() -> None:
    feed = Feed()
    feed.quote(lastPrice=29547, high=29548, low=29500, bestBid=29546)
    feed.prints([PRINT])
    assert len(feed.told) == 2  # the quote and the print, which tells its price itself
    feed.quote(bestBid=29546.5, timestamp=stamp(3))
    assert (feed.last_quote.last, feed.last_quote.high, feed.last_quote.bid) == (29548.5, 29548.5, 29546.5)


def test_a_late_print_does_not_turn_the_last_price_back() -> None:
    feed = Feed()
    feed.quote(lastPrice=29547, timestamp=stamp(10))
    feed.prints([PRINT])
    quote = feed.stream.quote(MNQ_ID)
    assert quote is not None
    assert quote.last == 29547.0


# -- depth -------------------------------------------------------------------------------------------------------


def row(kind: int, price: float, volume: int = 0) -> dict[str, object]:
    return {"type": kind, "price": price, "volume": volume, "currentVolume": 0, "timestamp": stamp(3)}


def test_the_book_is_built_from_reset_snapshot_and_increments() -> None:
    feed = Feed()
    feed.depth(row(6, 0))
    feed.depth(
        row(5, 29540, 900), row(7, 29400), row(2, 29546, 5), row(2, 29546.5, 7), row(1, 29547.5, 4), None
    )
    feed.depth(row(1, 29547, 2), row(2, 29546, 0))
    assert feed.book == Depth(
        MNQ_ID,
        NOON + timedelta(seconds=3),
        bids=(DepthLevel(29546.5, 7),),
        asks=(DepthLevel(29547.0, 2), DepthLevel(29547.5, 4)),
    )


def test_rows_that_are_not_about_the_book_publish_nothing() -> None:
    feed = Feed()
    feed.depth(row(5, 29540, 900), row(8, 29600), row(11, 29540, 1), row(0, 1, 1))
    assert feed.told == []


def test_without_levels_only_the_best_prices_stand() -> None:
    book = OrderBook()
    for price in (100.0, 101.0, 99.0):
        book.apply(4, price, 3)
        book.apply(3, price + 1, 2)
    assert book.depth("x", NOON) == Depth("x", NOON, (DepthLevel(99.0, 3),), (DepthLevel(100.0, 2),))


def test_a_best_price_takes_better_ones_away() -> None:
    book = OrderBook()
    for price in (100.0, 99.0, 98.0):
        book.apply(2, price, 5)
    book.apply(4, 99.0, 6)
    assert book.depth("x", NOON).bids == (DepthLevel(99.0, 6), DepthLevel(98.0, 5))


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2]), st.integers(90, 120).map(float), st.integers(0, 5)), max_size=60
    )
)
def test_the_book_shows_the_last_size_of_each_level_best_first(rows: list[tuple[int, float, int]]) -> None:
    book = OrderBook()
    sizes: dict[tuple[int, float], int] = {}
    for kind, price, size in rows:
        book.apply(kind, price, size)
        sizes[kind, price] = size
    asks = sorted((price, size) for (kind, price), size in sizes.items() if kind == 1 and size)
    bids = sorted(
        ((price, size) for (kind, price), size in sizes.items() if kind == 2 and size), reverse=True
    )
    depth = book.depth("x", NOON)
    assert [(level.price, level.size) for level in depth.asks] == asks[:LEVELS]
    assert [(level.price, level.size) for level in depth.bids] == bids[:LEVELS]


# -- subscriptions and time --------------------------------------------------------------------------------------


def test_subscriptions_are_a_function_of_what_is_wanted() -> None:
    wanted = frozenset(
        {MarketSubscription("B", depth=True), MarketSubscription("B"), MarketSubscription("A")}
    )
    assert market.subscriptions(wanted) == [
        ("SubscribeContractQuotes", "A"),
        ("SubscribeContractTrades", "A"),
        ("SubscribeContractQuotes", "B"),
        ("SubscribeContractTrades", "B"),
        ("SubscribeContractMarketDepth", "B"),
    ]
    assert user.subscriptions([7]) == [
        ("SubscribeAccounts",),
        ("SubscribeOrders", 7),
        ("SubscribePositions", 7),
        ("SubscribeTrades", 7),
    ]


def test_an_old_quote_does_not_turn_the_venue_clock_back() -> None:
    feed = Feed()
    feed.stamps.answered(NOON)
    feed.quote(timestamp=stamp(-86_400))
    feed.quote(timestamp=stamp(0.1))
    feed.quote(timestamp=stamp(60))
    assert feed.times == [NOON, NOON + timedelta(seconds=60)]


def test_market_events_tell_no_time_before_the_gateway_did() -> None:
    feed = Feed()
    feed.quote(timestamp=stamp(60))
    assert feed.times == []


def test_a_quote_without_a_stamp_is_stamped_by_its_arrival() -> None:
    feed = Feed()
    feed.quote(timestamp=None, bestBid=1)
    assert feed.last_quote.time == NOON
    feed.quote(timestamp=None, lastUpdated=stamp(5))
    assert feed.last_quote.time == NOON + timedelta(seconds=5)


# -- the user stream ---------------------------------------------------------------------------------------------

ORDER = {
    "id": 3425270858,
    "accountId": 26282486,
    "contractId": MNQ_ID,
    "symbolId": "F.US.MNQ",
    "creationTimestamp": "2026-08-19T20:49:25.3938333+00:00",
    "updateTimestamp": "2026-08-19T20:49:25.3962105+00:00",
    "status": 5,
    "type": 2,
    "side": 1,
    "size": 1,
    "fillVolume": 0,
    "customTag": "glt-33fa8e1e",
}
TRADE = {
    "id": 3004518356,
    "accountId": 26282486,
    "contractId": MNQ_ID,
    "creationTimestamp": "2026-08-19T14:16:01.4061289+00:00",
    "price": 29423,
    "profitAndLoss": -49,
    "fees": 0.36,
    "commissions": 0.25,
    "side": 0,
    "size": 1,
    "voided": False,
    "orderId": 3423462488,
}
FLAT = {
    "id": 825245547,
    "accountId": 26282486,
    "contractId": MNQ_ID,
    "contractDisplayName": "MNQU26",
    "creationTimestamp": "2026-08-19T14:15:48.611387+00:00",
    "type": 0,
    "size": 0,
    "averagePrice": 29398.5,
}
ACCOUNT = {
    "id": 26282486,
    "name": "PRAC-V2-645601-47191819",
    "balance": 149848.64,
    "canTrade": True,
    "isVisible": True,
    "simulated": True,
}


class Own:
    """A user stream with what it published and met, in order."""

    def __init__(self) -> None:
        self.told: list[BrokerEvent | str] = []
        self.stream = UserStream(self.told.append, self.told.append, Commissions(load_products()))

    def event(self, name: str, *arguments: object) -> None:
        call(self.stream.handlers[name], *arguments)


def pascal(entity: dict[str, object]) -> dict[str, object]:
    return {key[0].upper() + key[1:]: value for key, value in entity.items()}


SHAPES: dict[str, Callable[[dict[str, object]], object]] = {
    "wrapped": lambda data: {"action": 1, "data": data},
    "flat": lambda data: data,
    "wrapped array": lambda data: [{"action": 1, "data": data}],
    "pascal": lambda data: {"Action": 1, "Data": pascal(data)},
    "string ids": lambda data: {"action": 1, "data": data | {"id": str(data["id"])}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_an_event_that_was_ever_seen_is_read(shape: str) -> None:
    own = Own()
    own.event("gatewayuserorder", SHAPES[shape](ORDER))
    meeting, report = own.told
    assert meeting == MNQ_ID
    assert isinstance(report, OrderReported)
    assert (report.report.broker_order_id, report.report.status) == ("3425270858", OrderStatus.REJECTED)
    assert report.report.tag == "glt-33fa8e1e"


def test_a_fill_carries_everything_that_was_charged() -> None:
    own = Own()
    own.event("gatewayusertrade", {"action": 0, "data": TRADE})
    fill = own.told[-1]
    assert isinstance(fill, FillReported)
    assert (fill.fill.fees, fill.fill.gross_pnl, fill.fill.price) == (
        Decimal("0.61"),
        Decimal(-49),
        Decimal(29423),
    )


def test_a_voided_fill_is_not_told() -> None:
    own = Own()
    own.event("gatewayusertrade", {"action": 0, "data": TRADE | {"voided": True}})
    assert own.told == []


def test_money_is_exact() -> None:
    own = Own()
    own.event("gatewayuseraccount", {"action": 1, "data": ACCOUNT})
    account = own.told[-1]
    assert isinstance(account, AccountReported)
    assert account.account.balance == Decimal("149848.64")


@pytest.mark.parametrize(("action", "kind", "size"), [(2, 0, 0), (2, 1, 3), (1, 0, 0)])
def test_a_position_that_is_deleted_or_undefined_is_flat(action: int, kind: int, size: int) -> None:
    own = Own()
    own.event("gatewayuserposition", {"action": action, "data": FLAT | {"type": kind, "size": size}})
    position = own.told[-1]
    assert isinstance(position, PositionReported)
    assert position.position.size == 0


def test_a_deleted_account_can_no_longer_trade() -> None:
    own = Own()
    own.event("gatewayuseraccount", {"action": 2, "data": ACCOUNT})
    account = own.told[-1]
    assert isinstance(account, AccountReported)
    assert not account.account.can_trade


@pytest.mark.parametrize("argument", ["text", 5, None, {"action": 1, "data": {"id": 1}}, {}])
def test_what_is_no_entity_is_a_decode_error(argument: object) -> None:
    with pytest.raises(msgspec.DecodeError):
        Own().event("gatewayuserorder", argument)
