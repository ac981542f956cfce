"""What the exchange has set itself to do later, in order of time."""

from datetime import datetime
from enum import StrEnum
from heapq import heapify, heappop, heappush

import msgspec


class Duty(StrEnum):
    """What is to be done with an order."""

    MATCH = "match"  # a market order or marketable limit has come to its turn
    ACTIVATE = "activate"  # the legs of an entry that has filled
    UNWIND = "unwind"  # what a filled leg leaves over: its sibling and the rest of the entry
    GUARD = "guard"  # the platform's own stop and target follow a position
    REPORT = "report"  # say how the order stands
    REJECT = "reject"  # an order that was taken is refused after all


class Due(msgspec.Struct, frozen=True, order=True):
    """One entry; `serial` keeps entries of the same time in the order in which they were made."""

    time: datetime
    serial: int
    duty: Duty
    order_id: int


class Agenda:
    """A queue by time, first come first served within a moment; counts what waits per contract."""

    def __init__(self) -> None:
        self._heap: list[tuple[Due, str]] = []
        self._serial = 0
        self._waiting: dict[str, int] = {}

    def add(self, time: datetime, duty: Duty, order_id: int, contract_id: str) -> None:
        self._serial += 1
        heappush(self._heap, (Due(time, self._serial, duty, order_id), contract_id))
        self._waiting[contract_id] = self._waiting.get(contract_id, 0) + 1

    @property
    def next_time(self) -> datetime | None:
        return self._heap[0][0].time if self._heap else None

    def take(self) -> Due:
        """The earliest entry, which is no longer in the queue."""
        due, contract_id = heappop(self._heap)
        self._waiting[contract_id] -= 1
        return due

    def waits_for(self, contract_id: str) -> bool:
        return self._waiting.get(contract_id, 0) > 0

    def entries(self) -> list[tuple[Due, str]]:
        """All entries in order, to be kept."""
        return sorted(self._heap)

    def load(self, entries: list[tuple[Due, str]]) -> None:
        """Fill an empty agenda."""
        self._heap = list(entries)
        heapify(self._heap)
        self._serial = max((due.serial for due, _ in entries), default=0)
        for _, contract_id in entries:
            self._waiting[contract_id] = self._waiting.get(contract_id, 0) + 1
