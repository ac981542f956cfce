"""The calendar of a gateway of which only the address is known: its stamps tell whether it replays the past."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.sessions import Calendar, Session
from tradeconsole.engine.clock import VenueClock


class VenueCalendar:
    """`Calendar` that keeps real sessions while the venue lives in another time (a replay), else the demo's."""

    def __init__(self, clock: VenueClock, demo: Calendar, real: Calendar) -> None:
        self._clock = clock
        self._demo = demo
        self._real = real

    @property
    def _calendar(self) -> Calendar:
        return self._real if self._clock.is_elsewhere else self._demo

    @property
    def name(self) -> str:
        return self._calendar.name

    @property
    def zone(self) -> ZoneInfo:
        return self._calendar.zone

    def is_open(self, group: ProductGroup, time: datetime) -> bool:
        return self._calendar.is_open(group, time)

    def session_at(self, group: ProductGroup, time: datetime) -> Session | None:
        return self._calendar.session_at(group, time)

    def next_change(self, group: ProductGroup, time: datetime) -> datetime | None:
        return self._calendar.next_change(group, time)

    def trading_day(self, group: ProductGroup, time: datetime) -> date:
        return self._calendar.trading_day(group, time)

    def day_start(self, group: ProductGroup, time: datetime) -> datetime:
        return self._calendar.day_start(group, time)

    def sessions(self, group: ProductGroup, first: date, last: date) -> tuple[Session, ...]:
        return self._calendar.sessions(group, first, last)
