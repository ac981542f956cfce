"""A market over a source of bars, synthetic or recorded: many contracts' paths merged in order of time."""

from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush

import msgspec

from tradeconsole.domain.market import Aggressor, BarSeries, BarUnit, Depth, Quote, Tick, Timeframe
from tradeconsole.errors import InvalidRequest
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.contract_path import ContractPath, Move
from tradeconsole.exchange.days import from_us, to_us
from tradeconsole.exchange.history import bars_at
from tradeconsole.exchange.ladder import LEVELS
from tradeconsole.exchange.market import BarSource, Interest
from tradeconsole.exchange.records import MarketEvent
from tradeconsole.exchange.stream import NEVER, Stream


class _State(msgspec.Struct, frozen=True):
    now: int
    moves: dict[str, list[Move]]


class PathMarket:
    """The `Market` of bars that are known beforehand: past and future are computed, so history is what was lived.

    Args:
        source: the bars.
        start: where time begins; before it there is only history.
        seed: decides what happens inside the bars.
        levels: of the book per side.
    """

    def __init__(
        self, catalogue: Catalogue, source: BarSource, start: datetime, seed: int = 0, *, levels: int = LEVELS
    ) -> None:
        self._levels = levels
        self._catalogue = catalogue
        self._source = source
        self._seed = seed
        self._now = to_us(start)
        self._quiet_until = 0
        self._streams: dict[str, Stream] = {}
        self._heap: list[tuple[int, int, str]] = []

    @property
    def now(self) -> datetime:
        return from_us(self._now)

    def serves(self, contract_id: str) -> bool:
        contract = self._catalogue.contract(contract_id)
        return contract is not None and self._source.serves(contract)

    def is_open(self, contract_id: str, time: datetime) -> bool:
        contract = self._catalogue.contract(contract_id)
        return contract is not None and self._source.is_open(contract, to_us(time) // 1_000_000)

    def watch(self, contract_id: str, interest: Interest) -> None:
        stream = self._stream(contract_id)
        if stream.take_interest(interest, self._now, self._quiet_until):
            self._queue(stream)

    def advance(self, to: datetime, quiet_until: datetime | None = None) -> Iterator[MarketEvent]:
        end = to_us(to)
        self._quiet_until = to_us(quiet_until) if quiet_until is not None else 0
        heap = self._heap
        while heap and heap[0][0] <= end:
            wake, serial, contract_id = heappop(heap)
            stream = self._streams[contract_id]
            if serial != stream.serial:
                continue
            self._now = max(self._now, wake)
            events = stream.proceed(self._quiet_until)
            self._queue(stream)
            yield from events
        self._now = max(self._now, end)
        self._quiet_until = 0

    def next_event(self) -> datetime | None:
        while self._heap and self._heap[0][1] != self._streams[self._heap[0][2]].serial:
            heappop(self._heap)
        return from_us(self._heap[0][0]) if self._heap else None

    def quote(self, contract_id: str) -> Quote | None:
        return self._stream(contract_id).quote_at(self._now)

    def depth(self, contract_id: str) -> Depth:
        return self._stream(contract_id).depth_at(self._now)

    def profile(self, contract_id: str) -> list[tuple[float, int]]:
        path = self._stream(contract_id).path
        volumes = path.profile(self._now)
        return [(path.contract.product.price_of(price), volumes[price]) for price in sorted(volumes)]

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
        return bars_at(
            self._stream(contract_id).path,
            timeframe,
            -(-to_us(start) // 1_000_000),
            -(-to_us(end) // 1_000_000),
            limit,
            self._now,
            include_partial=include_partial,
        )

    def prints(self, contract_id: str, start: datetime, end: datetime, limit: int) -> list[Tick]:
        stream = self._stream(contract_id)
        contract = stream.path.contract
        now = self._now // 1_000_000
        first = max(-(-to_us(start) // 1_000_000), self._source.first_start(contract, BarUnit.SECOND, now))
        last = min(-(-to_us(end) // 1_000_000), now + 1)
        if last <= first or limit < 1:
            return []
        return [
            Tick(
                contract_id,
                from_us(step[0]),
                contract.product.price_of(step[5]),
                step[6],
                Aggressor.BUY if step[7] > 0 else Aggressor.SELL,
            )
            for step in stream.path.prints(first, last, limit, self._now)
        ]

    def move(self, contract_id: str, ticks: int) -> None:
        if not ticks:
            return
        stream = self._stream(contract_id)
        stream.take_up(self._now)
        stream.path.move(self._now, ticks)
        if stream.move():
            self._queue(stream)

    def snapshot(self) -> bytes:
        moves = {key: stream.path.moves for key, stream in self._streams.items() if stream.path.moves}
        return msgspec.msgpack.encode(_State(self._now, moves))

    def restore(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._now = saved.now
        self._streams.clear()
        self._heap.clear()
        for contract_id, moves in saved.moves.items():
            self._stream(contract_id).path.moves.extend(moves)

    def _stream(self, contract_id: str) -> Stream:
        stream = self._streams.get(contract_id)
        if stream is None:
            contract = self._catalogue.contract(contract_id)
            if contract is None or not self._source.serves(contract):
                raise InvalidRequest(f"this market has no prices for '{contract_id}'")
            stream = self._streams[contract_id] = Stream(
                ContractPath(contract, self._source, self._seed, levels=self._levels)
            )
        return stream

    def _queue(self, stream: Stream) -> None:
        if stream.wake < NEVER:
            heappush(self._heap, (stream.wake, stream.serial, stream.path.contract.id))
