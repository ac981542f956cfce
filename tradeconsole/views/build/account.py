"""Header and dashboard out of the book. Pure."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import ChannelChanged, StorageChanged
from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.domain.sessions import Calendar
from tradeconsole.engine.book import Book
from tradeconsole.engine.equity import equity_of
from tradeconsole.views.models import AccountChoice, ChannelView, DashboardView, EquityView, SessionView

CURVE_POINTS: Final = 400


def account_choice(account: Account) -> AccountChoice:
    return AccountChoice(
        account_id=account.account_id,
        name=account.name,
        kind=account.kind,
        balance=account.balance,
        can_trade=account.can_trade,
    )


def channel_views(
    channels: Iterable[ChannelChanged], age_of: Callable[[ChannelChanged], float | None]
) -> tuple[ChannelView, ...]:
    return tuple(
        ChannelView(channel=c.channel, state=c.state, reason=c.reason, age=age_of(c)) for c in channels
    )


def session_view(calendar: Calendar, group: ProductGroup, now: datetime, *, is_replay: bool) -> SessionView:
    """The market's session at a moment, in the exchange's zone; a replay is named with its date."""
    session = calendar.session_at(group, now)
    changes = calendar.next_change(group, now)
    return SessionView(
        calendar=f"REPLAY {now.astimezone(calendar.zone):%Y-%m-%d}" if is_replay else calendar.name,
        is_open=calendar.is_open(group, now),
        clock=now.astimezone(calendar.zone),
        changes_at=changes.astimezone(calendar.zone) if changes else None,
        note=session.note if session else "",
    )


def storage_state(storage: StorageChanged) -> tuple[Literal["ok", "spooling"], str]:
    """The word for the header and why."""
    if storage.available:
        return "ok", ""
    return "spooling", f"{storage.reason} ({storage.pending} waiting)" if storage.pending else storage.reason


def open_pnl(book: Book, account_id: str, *, proven: bool) -> Decimal | None:
    """What open positions would bring; None where one has no price, or where none is known of but may well be there.

    `proven` says that the book is synced.
    """
    return book.open_pnl(account_id) if proven or any(book.positions(account_id)) else None


def day_pnl(book: Book, account_id: str, day_start: datetime, *, proven: bool) -> Decimal | None:
    """Net realised P&L since the session's start plus open P&L; None while that is not known."""
    gross, fees = book.realised_since(account_id, day_start)
    unrealised = open_pnl(book, account_id, proven=proven)
    return None if unrealised is None else gross - fees + unrealised


def dashboard_view(
    book: Book, account_id: str, day_start: datetime, curve: list[tuple[datetime, Decimal]], *, proven: bool
) -> DashboardView:
    """Figures of one account since the session's start; `proven` says that the book is synced."""
    account = book.accounts.get(account_id)
    balance = account.balance if account else Decimal(0)
    gross, fees = book.realised_since(account_id, day_start)
    trips = [t for t in book.round_trips.values() if t.account_id == account_id and t.closed_at >= day_start]
    nets = [trip.net_pnl for trip in trips]
    unrealised = open_pnl(book, account_id, proven=proven)
    orders = book.open_orders_of(account_id)
    return DashboardView(
        balance=balance,
        equity=None if unrealised is None else equity_of(book, account_id),
        open_pnl=unrealised,
        day_pnl=day_pnl(book, account_id, day_start, proven=proven),
        realised_gross=gross,
        fees=fees,
        realised_net=gross - fees,
        trades=len(nets),
        wins=sum(net > 0 for net in nets),
        losses=sum(net < 0 for net in nets),
        best=max(nets, default=None),
        worst=min(nets, default=None),
        contracts=sum(abs(position.size) for position in book.positions(account_id)),
        working_orders=sum(order.status is OrderStatus.WORKING for order in orders),
        unknown_orders=sum(order.status is OrderStatus.UNKNOWN for order in orders),
        curve=equity_view(curve),
        proven=proven,
    )


def equity_view(points: list[tuple[datetime, Decimal]]) -> EquityView:
    """At most `CURVE_POINTS` points of a curve; the newest is always among them."""
    step = max(1, -(-len(points) // CURVE_POINTS))
    chosen = points[::-1][::step][::-1]
    return EquityView(
        times=tuple(time.timestamp() for time, _ in chosen), values=tuple(float(value) for _, value in chosen)
    )
