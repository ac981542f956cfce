"""What the spool alone remembers, for a start without a database."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import CancelAsked, NotificationRaised, RoundTripVoided
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Order
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip
from tradeconsole.domain.workspace import Workspace
from tradeconsole.ports import EquityPoint, JournalRecord, PositionCleared, Restored
from tradeconsole.storage.records import Entry

Identity = tuple[Any, ...]
T = TypeVar("T")

_IDENTITIES: Final[dict[type[JournalRecord], tuple[str, tuple[str, ...]]]] = {
    Instrument: ("instrument", ("instrument_id",)),
    Account: ("account", ("account_id",)),
    Order: ("order", ("order_id",)),
    Fill: ("fill", ("account_id", "fill_id")),
    Position: ("position", ("account_id", "instrument_id")),
    PositionCleared: ("position", ("account_id", "instrument_id")),
    RoundTrip: ("round trip", ("account_id", "round_trip_id")),
    RoundTripVoided: ("round trip", ("account_id", "round_trip_id")),
    NotificationRaised: ("notification", ("notification_id",)),
    EquityPoint: ("equity", ("account_id", "time")),
}


def recall(entries: Iterable[Entry]) -> Restored:
    """The newest record of each identity, in the order in which `Restored` is used: oldest first."""
    newest: dict[Identity, Entry] = {}
    workspaces: list[tuple[int, Workspace]] = []
    cancels: list[tuple[int, CancelAsked]] = []
    for entry in entries:
        if isinstance(entry.record, Workspace):
            workspaces.append((entry.stamp, entry.record))
        if isinstance(entry.record, CancelAsked):
            cancels.append((entry.stamp, entry.record))
        known = _IDENTITIES.get(type(entry.record))
        if known is None:
            continue
        kind, fields = known
        identity = (kind, *(getattr(entry.record, field) for field in fields))
        if identity not in newest or newest[identity].stamp <= entry.stamp:
            newest[identity] = entry
    _note_cancels(newest, cancels)
    records = [entry.record for entry in newest.values()]
    points = sorted(_of(EquityPoint, records), key=lambda point: (point.account_id, point.time))
    return Restored(
        instruments=tuple(_of(Instrument, records)),
        accounts=tuple(_of(Account, records)),
        orders=tuple(sorted(_of(Order, records), key=lambda order: (order.created_at, order.order_id))),
        fills=tuple(
            sorted(_of(Fill, records), key=lambda fill: (fill.time, len(fill.fill_id), fill.fill_id))
        ),
        positions=tuple(position for position in _of(Position, records) if position.size),
        round_trips=tuple(sorted(_of(RoundTrip, records), key=lambda trip: trip.closed_at)),
        notifications=tuple(sorted(_of(NotificationRaised, records), key=lambda raised: raised.time)),
        equity=tuple((point.account_id, point.time, point.equity) for point in points),
        workspace=_laid_over_each_other(workspaces),
    )


def _note_cancels(newest: dict[Identity, Entry], cancels: list[tuple[int, CancelAsked]]) -> None:
    """Note cancels on the orders that they are of, where nothing newer is known of those."""
    for stamp, cancel in sorted(cancels, key=lambda pair: pair[0]):
        identity = ("order", cancel.order_id)
        known = newest.get(identity)
        if known is not None and known.stamp <= stamp:
            order = msgspec.structs.replace(known.record, cancel_by=cancel.by, cancel_asked_at=cancel.time)
            newest[identity] = Entry(known.stamp, order)


def _laid_over_each_other(workspaces: list[tuple[int, Workspace]]) -> Workspace:
    """All that workspaces with their stamps say: each may know nothing of those before."""
    whole = Workspace()
    for _, workspace in sorted(workspaces, key=lambda pair: pair[0]):
        whole = workspace.over(whole)
    return whole


def _of(cls: type[T], records: list[JournalRecord]) -> list[T]:
    return [record for record in records if isinstance(record, cls)]
