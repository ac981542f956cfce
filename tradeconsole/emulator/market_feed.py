"""Quotes, prints and depth as the market hub sends them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from tradeconsole.domain.market import Aggressor, Quote, Tick
from tradeconsole.domain.orders import Side
from tradeconsole.emulator.formats import hub_time, milli_time, number
from tradeconsole.emulator.hubs import Channel, HubConnection, Hubs, Key
from tradeconsole.emulator.switches import Switches
from tradeconsole.exchange.catalogue import Contract
from tradeconsole.exchange.records import DepthChanged, MarketEvent
from tradeconsole.exchange.venue import Exchange

MAX_QUOTES_PER_BATCH: Final = 64
"""Of more quotes of a contract at once (a fast replay, 1,280 a second at the usual pace) only the newest are sent."""

_ASK, _BID, _BEST_ASK, _BEST_BID, _TRADE, _RESET, _LOW, _HIGH = 1, 2, 3, 4, 5, 6, 7, 8
"""Depth row types (`DomType`)."""

_FIELDS: Final = (
    ("last", "lastPrice"),
    ("bid", "bestBid"),
    ("ask", "bestAsk"),
    ("change", "change"),
    ("change_percent", "changePercent"),
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("volume", "volume"),
)


class MarketFeed:
    """Turns market events into records for those who listen.

    Quotes are sparse: each carries what changed since the one before it, and a new listener first gets a full one.
    """

    def __init__(
        self,
        hubs: Hubs,
        exchange: Exchange,
        find: Callable[[str], Contract | None],
        switches: Switches,
    ) -> None:
        self._hubs = hubs
        self._exchange = exchange
        self._find = find
        self._switches = switches
        self._told: dict[str, Quote] = {}
        self._profiles: dict[str, dict[float, int]] = {}

    def greet(self, connection: HubConnection, channel: Channel, key: Key) -> None:
        """What a new listener of a contract is told at once."""
        contract = self._find(str(key))
        quote = self._exchange.quote(str(key)) if contract is not None else None
        if contract is None or quote is None:
            return
        if channel is Channel.QUOTES:
            self._told.setdefault(contract.id, quote)
            connection.send(_quote_record(contract, quote, None))
        elif channel is Channel.DEPTH:
            self._profiles[contract.id] = dict(self._exchange.profile(contract.id))
            for record in self._depth_snapshot(contract, quote):
                connection.send(record)

    def forget(self, contract_id: str) -> None:
        """Nobody listens to the contract any more."""
        self._told.pop(contract_id, None)
        self._profiles.pop(contract_id, None)

    def publish(self, events: Iterable[MarketEvent]) -> None:
        """Send a batch of market events, in order within each contract and channel."""
        quotes: defaultdict[str, list[Quote]] = defaultdict(list)
        ticks: defaultdict[str, list[Tick]] = defaultdict(list)
        depth: defaultdict[str, list[DepthChanged]] = defaultdict(list)
        for event in events:
            match event:
                case Quote():
                    quotes[event.instrument_id].append(event)
                case Tick():
                    ticks[event.instrument_id].append(event)
                case DepthChanged():
                    depth[event.instrument_id].append(event)
        for contract_id in {**ticks, **quotes, **depth}:
            contract = self._find(contract_id)
            if contract is not None:
                self._publish_prints(contract, ticks[contract_id])
                self._publish_depth(contract, ticks[contract_id], depth[contract_id], quotes[contract_id])
                self._publish_quotes(contract, quotes[contract_id])

    def _publish_quotes(self, contract: Contract, quotes: list[Quote]) -> None:
        listeners = self._hubs.listeners(Channel.QUOTES, contract.id)
        for quote in quotes[-MAX_QUOTES_PER_BATCH:]:
            told = self._told.get(contract.id) if self._switches.sparse_quotes else None
            record = _quote_record(contract, quote, told)
            self._told[contract.id] = quote
            if record:
                _send(listeners, record)

    def _publish_prints(self, contract: Contract, ticks: list[Tick]) -> None:
        listeners = self._hubs.listeners(Channel.PRINTS, contract.id)
        if ticks and listeners:
            symbol_id = contract.product.symbol_id
            rows = [
                f'{{"symbolId":"{symbol_id}","price":{number(tick.price)},"timestamp":"{milli_time(tick.time)}",'
                f'"type":{int(tick.aggressor is Aggressor.SELL)},"volume":{tick.size},'
                f'"contractId":"{contract.id}"}}'
                for tick in ticks
            ]
            _send(listeners, self._records("GatewayTrade", contract, rows))

    def _publish_depth(
        self, contract: Contract, ticks: list[Tick], changes: list[DepthChanged], quotes: list[Quote]
    ) -> None:
        listeners = self._hubs.listeners(Channel.DEPTH, contract.id)
        if not listeners:
            return
        if quotes and self._is_new_session(contract, quotes[-1]):
            self._profiles[contract.id] = dict(self._exchange.profile(contract.id))
            for record in self._depth_snapshot(contract, quotes[-1]):
                _send(listeners, record)
            return
        rows = self._trade_rows(contract, ticks)
        if quotes:
            rows += self._best_rows(contract, self._told.get(contract.id), quotes[-1])
        # levels last: where a quote is older than they are, they say what stands now
        rows += self._level_rows(contract, changes)
        if rows:
            _send(listeners, self._records("GatewayDepth", contract, rows))

    def _is_new_session(self, contract: Contract, quote: Quote) -> bool:
        told = self._told.get(contract.id)
        return told is not None and (quote.volume or 0) < (told.volume or 0)

    def _trade_rows(self, contract: Contract, ticks: list[Tick]) -> list[str]:
        profile = self._profiles.setdefault(contract.id, {})
        rows = []
        for tick in ticks:
            volume = profile[tick.price] = profile.get(tick.price, 0) + tick.size
            rows.append(_depth_row(contract, hub_time(tick.time), _TRADE, tick.price, volume, tick.size))
        return rows

    def _level_rows(self, contract: Contract, changes: list[DepthChanged]) -> list[str]:
        if not self._switches.depth_levels:
            return []
        return [
            _depth_row(
                contract, hub_time(change.time), _BID if row.side is Side.BUY else _ASK, row.price, row.size
            )
            for change in changes
            for row in change.rows
        ]

    @staticmethod
    def _best_rows(contract: Contract, told: Quote | None, quote: Quote) -> list[str]:
        at = hub_time(quote.time)
        rows = []
        for kind, name in ((_BEST_BID, "bid"), (_BEST_ASK, "ask")):
            price, size = getattr(quote, name), getattr(quote, f"{name}_size")
            before = None if told is None else (getattr(told, name), getattr(told, f"{name}_size"))
            if price is not None and size is not None and before != (price, size):
                rows.append(_depth_row(contract, at, kind, price, size))
        return rows

    def _depth_snapshot(self, contract: Contract, quote: Quote) -> list[str]:
        """A reset, and then everything that is known, in one event each."""
        at = hub_time(quote.time)
        rows = [
            _depth_row(contract, at, _TRADE, price, volume)
            for price, volume in self._profiles[contract.id].items()
        ]
        for kind, price in ((_LOW, quote.low), (_HIGH, quote.high)):
            if price is not None:
                rows.append(_depth_row(contract, at, kind, price, 0))
        rows += self._best_rows(contract, None, quote)
        if self._switches.depth_levels:
            book = self._exchange.depth(contract.id)
            for kind, levels in ((_ASK, book.asks), (_BID, book.bids)):
                rows += [_depth_row(contract, at, kind, level.price, level.size) for level in levels]
        reset = self._records("GatewayDepth", contract, [_depth_row(contract, at, _RESET, 0, 0)])
        return [reset, self._records("GatewayDepth", contract, rows)]

    def _records(self, target: str, contract: Contract, rows: list[str]) -> str:
        if self._switches.market_arrays:
            return _record(target, contract, f"[{','.join(rows)}]")
        return "".join(_record(target, contract, row) for row in rows)


def _quote_record(contract: Contract, quote: Quote, told: Quote | None) -> str:
    """A quote with what differs from the one told before; empty if nothing does."""
    changed = []
    for name, key in _FIELDS:
        value = getattr(quote, name)
        if value is not None and (told is None or value != getattr(told, name)):
            changed.append(f'"{key}":{number(round(value, 4) if name == "change_percent" else value)}')
    if not changed:
        return ""
    if told is None:
        changed.insert(0, f'"symbolName":"/{contract.product.symbol}"')
    return _record(
        "GatewayQuote",
        contract,
        f'{{"symbol":"{contract.product.symbol_id}",{",".join(changed)},"lastUpdated":"{hub_time(quote.time)}",'
        f'"timestamp":"{milli_time(quote.time)}","contract":"{contract.id}"}}',
    )


def _depth_row(
    contract: Contract, at: str, kind: int, price: float, volume: int, current_volume: int = 0
) -> str:
    return (
        f'{{"contractId":"{contract.id}","timestamp":"{at}","type":{kind},"price":{number(price)},'
        f'"volume":{volume},"currentVolume":{current_volume}}}'
    )


def _record(target: str, contract: Contract, payload: str) -> str:
    return f'{{"type":1,"target":"{target}","arguments":["{contract.id}",{payload}]}}\x1e'


def _send(listeners: Iterable[HubConnection], record: str) -> None:
    for connection in listeners:
        connection.send(record)
