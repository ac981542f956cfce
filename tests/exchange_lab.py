"""An exchange over a market that the test dictates, and short words for what it says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from tradeconsole.domain.market import Aggressor, BarSeries, Depth, Quote, Tick, Timeframe
from tradeconsole.domain.orders import OrderType, Side
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.market import Interest
from tradeconsole.exchange.records import (
    AccountChanged,
    ExchangeEvent,
    ExchangeOptions,
    Leg,
    MarketEvent,
    OrderChanged,
    Outcome,
    PlaceRequest,
    PositionChanged,
    TradeReported,
    VenueAccount,
    VenueOrder,
)
from tradeconsole.exchange.session_end import EndOf
from tradeconsole.exchange.venue import Exchange

CATALOGUE = Catalogue.load()
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MNQ = "CON.F.US.MNQ.Z26"
ES = "CON.F.US.EP.Z26"
ACCOUNT = 7


class DictatedMarket:
    """A market that says what it was told to say, when it was told to."""

    def __init__(
        self, contract_id: str, bid: float, ask: float, last: float, start: datetime = START
    ) -> None:
        self.now = start
        self.open = True
        self.quotes: dict[str, Quote] = {
            contract_id: Quote(contract_id, start, bid=bid, ask=ask, last=last, bid_size=10, ask_size=10)
        }
        self._script: list[MarketEvent] = []

    def add(self, event: MarketEvent) -> None:
        self._script.append(event)

    def serves(self, contract_id: str) -> bool:
        return contract_id in self.quotes

    def is_open(self, contract_id: str, time: datetime) -> bool:
        return self.open and self.serves(contract_id)

    def watch(self, contract_id: str, interest: Interest) -> None:
        pass

    def advance(self, to: datetime, quiet_until: datetime | None = None) -> Iterator[MarketEvent]:
        while self._script and self._script[0].time <= to:
            event = self._script.pop(0)
            self.now = event.time
            before = self.quotes[event.instrument_id]
            if isinstance(event, Quote):
                self.quotes[event.instrument_id] = msgspec.structs.replace(event, last=before.last)
            elif isinstance(event, Tick):
                self.quotes[event.instrument_id] = msgspec.structs.replace(before, last=event.price)
            yield event
        self.now = max(self.now, to)

    def next_event(self) -> datetime | None:
        return self._script[0].time if self._script else None

    def quote(self, contract_id: str) -> Quote | None:
        return self.quotes.get(contract_id)

    def depth(self, contract_id: str) -> Depth:
        return Depth(contract_id, self.now)

    def profile(self, contract_id: str) -> list[tuple[float, int]]:
        return []

    def bars(
        self,
        contract_id: str,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        limit: int,
        *,
        include_partial: bool = False,
    ) -> BarSeries:
        return BarSeries.empty()

    def prints(self, contract_id: str, start: datetime, end: datetime, limit: int) -> list[Tick]:
        return []

    def move(self, contract_id: str, ticks: int) -> None:
        raise NotImplementedError

    def snapshot(self) -> bytes:
        return b""

    def restore(self, state: bytes) -> None:
        pass


class Lab:
    """An exchange with one account, and a market at 28000.00 / 28000.25, last 28000.00."""

    def __init__(
        self,
        options: ExchangeOptions | None = None,
        *,
        start: datetime = START,
        end_of: EndOf = lambda _group, _now: None,
        **account: object,
    ) -> None:
        self.market = DictatedMarket(MNQ, 28000.0, 28000.25, 28000.0, start)
        self.exchange = Exchange(CATALOGUE, self.market, options, end_of=end_of)
        self.exchange.open_account(make_account(**account))
        self.now = start

    def place(self, kind: OrderType | None, side: Side | None, size: int = 1, **fields: object) -> Outcome:
        request = msgspec.convert(
            {"contract_id": MNQ, "type": kind, "side": side, "size": size, **fields}, PlaceRequest
        )
        return self.exchange.place(ACCOUNT, request, self.now)

    def bracket(self, side: Side, size: int, stop: int, target: int, tag: str | None = None) -> int:
        """A market entry with both legs; its order id."""
        outcome = self.place(
            OrderType.MARKET,
            side,
            size,
            tag=tag,
            stop_loss=Leg(stop, OrderType.STOP),
            take_profit=Leg(target, OrderType.LIMIT),
        )
        assert outcome.success, outcome
        assert outcome.order_id is not None
        return outcome.order_id

    def wait(self, milliseconds: float = 0) -> list[ExchangeEvent]:
        """What happens while that time passes."""
        self.now += timedelta(milliseconds=milliseconds)
        return self.exchange.advance(self.now)

    def wait_until(self, time: datetime) -> list[ExchangeEvent]:
        """What happens until a moment."""
        self.now = time
        return self.exchange.advance(time)

    def settle(self) -> list[ExchangeEvent]:
        """Let every delay of the venue run out."""
        return self.wait(1000)

    def quote(self, bid: float, ask: float, size: int = 10) -> list[ExchangeEvent]:
        """A quote one millisecond from now, and what it does at once."""
        time = self.now + timedelta(milliseconds=1)
        self.market.add(Quote(MNQ, time, bid=bid, ask=ask, bid_size=size, ask_size=size))
        return self.wait(1)

    def trade(self, price: float, size: int = 1) -> list[ExchangeEvent]:
        """A print one millisecond from now, and what it does at once."""
        self.market.add(Tick(MNQ, self.now + timedelta(milliseconds=1), price, size, Aggressor.BUY))
        return self.wait(1)

    def order(self, order_id: int | None) -> VenueOrder:
        order = self.exchange.order(ACCOUNT, order_id or 0)
        assert order is not None
        return order

    def position(self) -> int:
        return sum(position.size for position in self.exchange.positions(ACCOUNT))

    def balance(self) -> Decimal:
        account = self.exchange.account(ACCOUNT)
        assert account is not None
        return account.balance


def make_account(**fields: object) -> VenueAccount:
    """A practice account with 150,000."""
    values = {
        "id": ACCOUNT,
        "user": "demo",
        "name": "PRAC-V2-1-1",
        "balance": Decimal(150_000),
        "start_balance": Decimal(150_000),
        **fields,
    }
    return msgspec.convert(values, VenueAccount)


def told(events: list[ExchangeEvent], since: datetime = START) -> list[str]:
    """Each account event as one line: milliseconds after `since`, what, and its main facts."""
    return [f"{_milliseconds(event.time - since)} {_words(event)}" for event in events if _words(event)]


def _milliseconds(span: timedelta) -> str:
    return f"{span / timedelta(milliseconds=1):g}"


def _words(event: ExchangeEvent) -> str:
    match event:
        case OrderChanged(order=order):
            price = order.limit_price if order.limit_price is not None else order.stop_price
            return f"order {order.type} {order.status}" + (f" {price:.2f}" if price is not None else "")
        case TradeReported(trade=trade, again=again):
            pnl = "" if trade.gross_pnl is None else f" pnl {trade.gross_pnl:.2f}"
            return f"trade {trade.side} {trade.size} at {trade.price:.2f}{pnl}{' again' if again else ''}"
        case PositionChanged(position=position):
            return f"position {position.size:+d} at {position.average_price:.2f}"
        case AccountChanged(account=account):
            return f"account {account.balance:.2f}"
        case _:
            return ""
