"""Writes what must survive into the journal, as it happens."""

import logging
from collections.abc import Callable

from tradeconsole.domain.events import (
    AccountChanged,
    CancelAsked,
    FillBooked,
    InstrumentResolved,
    NotificationRaised,
    OrderChanged,
    OrderIntended,
    PositionChanged,
    RoundTripClosed,
    RoundTripVoided,
    WorkspaceChanged,
)
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.engine.bus import Bus
from tradeconsole.errors import StorageError
from tradeconsole.ports import Journal, JournalRecord, PositionCleared

log = logging.getLogger(__name__)


class Recorder:
    """Turns events into journal records.

    `on_trouble` is told when one cannot be written. A `quiet` engine remembers nothing from before, so that what it
    works out of a day's fills may be wrong: it records nothing but the orders that it sent itself, and of others that it
    has asked for their cancel.
    """

    def __init__(
        self, bus: Bus, journal: Journal, on_trouble: Callable[[str], None], *, quiet: bool = False
    ) -> None:
        self._journal = journal
        self._on_trouble = on_trouble
        self._own: set[str] = set()
        if quiet:
            bus.subscribe(self._intended, OrderIntended)
            bus.subscribe(self._own_order, OrderChanged)
            bus.subscribe(self._cancel_asked, CancelAsked)
            return
        bus.subscribe(self._order, OrderChanged)
        bus.subscribe(self._fill, FillBooked)
        bus.subscribe(self._position, PositionChanged)
        bus.subscribe(self._round_trip, RoundTripClosed)
        bus.subscribe(self._voided, RoundTripVoided)
        bus.subscribe(self._account, AccountChanged)
        bus.subscribe(self._instrument, InstrumentResolved)
        bus.subscribe(self._notification, NotificationRaised)
        bus.subscribe(self._workspace, WorkspaceChanged)

    def _write(self, record: JournalRecord) -> None:
        try:
            self._journal.append(record)
        except StorageError as error:
            log.warning("a record is lost if this process dies: %s", error)
            self._on_trouble(str(error))

    def _intended(self, event: OrderIntended) -> None:
        self._own.add(event.order.order_id)

    def _own_order(self, event: OrderChanged) -> None:
        if event.order.order_id in self._own:
            self._order(event)

    def _cancel_asked(self, event: CancelAsked) -> None:
        if event.order_id not in self._own:
            self._write(event)

    def _order(self, event: OrderChanged) -> None:
        # the intent is written before the order is sent, by whoever sends it
        if event.order.status is not OrderStatus.INTENDED:
            self._write(event.order)

    def _fill(self, event: FillBooked) -> None:
        self._write(event.fill)

    def _position(self, event: PositionChanged) -> None:
        self._write(event.position or PositionCleared(event.account_id, event.instrument_id))

    def _round_trip(self, event: RoundTripClosed) -> None:
        self._write(event.round_trip)

    def _voided(self, event: RoundTripVoided) -> None:
        self._write(event)

    def _account(self, event: AccountChanged) -> None:
        self._write(event.account)

    def _instrument(self, event: InstrumentResolved) -> None:
        self._write(event.instrument)

    def _notification(self, event: NotificationRaised) -> None:
        self._write(event)

    def _workspace(self, event: WorkspaceChanged) -> None:
        self._write(event.workspace)
