"""Which table takes which record, and what all of them say together."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, Final

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import CancelAsked, NotificationRaised, RoundTripVoided
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Order
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip
from tradeconsole.domain.workspace import Workspace
from tradeconsole.ports import AuditEntry, EquityPoint, JournalRecord, PositionCleared, Restored
from tradeconsole.storage.accounts import load_accounts, load_equity, save_accounts, save_equity
from tradeconsole.storage.instruments import load_instruments, save_instruments
from tradeconsole.storage.notices import load_notifications, save_audit, save_notifications
from tradeconsole.storage.orders import load_orders, save_cancels, save_orders
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.portfolio import (
    load_fills,
    load_positions,
    load_round_trips,
    save_fills,
    save_positions,
    save_round_trips,
)
from tradeconsole.storage.records import Entry
from tradeconsole.storage.workspaces import load_workspace, save_workspaces

Save = Callable[[Connection, str, Iterable[tuple[int, Any]]], Awaitable[None]]

_SAVES: Final[dict[type[JournalRecord], Save]] = {
    Instrument: save_instruments,
    Account: save_accounts,
    Order: save_orders,
    Fill: save_fills,
    Position: save_positions,
    PositionCleared: save_positions,
    RoundTrip: save_round_trips,
    RoundTripVoided: save_round_trips,
    NotificationRaised: save_notifications,
    EquityPoint: save_equity,
    AuditEntry: save_audit,
    Workspace: save_workspaces,
    CancelAsked: save_cancels,
}


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the past is brought back, counted from the newest record of its kind.

    Not from the present: a market replayed from years ago is remembered as well as a live one.
    """

    orders: timedelta = timedelta(days=5)
    fills: timedelta = timedelta(days=30)
    round_trips: timedelta = timedelta(days=30)
    equity: timedelta = timedelta(days=2)
    notifications: int = 200


async def store(connection: Connection, broker: str, entries: Iterable[Entry]) -> None:
    """Write records to their tables; to be called in a transaction. Doing it again changes nothing."""
    by_save: dict[Save, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_save[_SAVES[type(entry.record)]].append(entry)
    for save, group in by_save.items():
        await save(connection, broker, group)


async def load(connection: Connection, broker: str, windows: Windows) -> Restored:
    """Everything open and the recent past of one broker; to be called in one transaction."""
    return Restored(
        instruments=await load_instruments(connection, broker),
        accounts=await load_accounts(connection, broker),
        orders=await load_orders(connection, broker, windows.orders),
        fills=await load_fills(connection, broker, windows.fills),
        positions=await load_positions(connection, broker),
        round_trips=await load_round_trips(connection, broker, windows.round_trips),
        notifications=await load_notifications(connection, broker, windows.notifications),
        equity=await load_equity(connection, broker, windows.equity),
        workspace=await load_workspace(connection, broker),
    )


BAR_TABLES: Final = ("bar_blocks", "bar_coverage")
_TRADING_TABLES: Final = (
    "instruments",
    "accounts",
    "equity",
    "orders",
    "order_events",
    "fills",
    "positions",
    "round_trips",
    "notifications",
    "audit",
    "refused_records",
    "workspaces",
)


async def forget(connection: Connection, broker: str, *, bars_only: bool) -> None:
    """Delete what belongs to a broker; to be called in a transaction."""
    for table in BAR_TABLES if bars_only else (*BAR_TABLES, *_TRADING_TABLES):
        await connection.execute(f"DELETE FROM {table} WHERE broker = $1", broker)  # noqa: S608 -- names from above
