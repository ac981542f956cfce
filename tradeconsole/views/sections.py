"""Builds each section of a frame from the engine's state. On the engine's loop."""

from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from tradeconsole.domain.commands import PlaceOrder
from tradeconsole.domain.events import Channel, ChannelChanged
from tradeconsole.domain.instruments import Instrument, ProductGroup
from tradeconsole.domain.market import Timeframe
from tradeconsole.domain.orders import Side
from tradeconsole.engine.engine import Engine
from tradeconsole.ports import Budget
from tradeconsole.views.build import account as build_account
from tradeconsole.views.build import market as build_market
from tradeconsole.views.build import trading as build_trading
from tradeconsole.views.models import (
    BudgetView,
    ChartView,
    DashboardView,
    FillRow,
    HeaderView,
    NotificationRow,
    OrderRow,
    PositionRow,
    RoundTripRow,
    StageLatency,
    SystemView,
    TicketView,
    WatchRow,
)
from tradeconsole.views.session import Focus


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What front ends are told that the engine itself need not know."""

    profile: str
    stale_after: float = 5.0
    default_stop_ticks: int | None = None
    default_target_ticks: int | None = None


class Gaze(Protocol):
    """What the front end looks at; it is also the owner of the chart that it watches."""

    def __hash__(self) -> int: ...
    @property
    def focus(self) -> Focus: ...
    @property
    def account_id(self) -> str | None: ...
    @property
    def instrument(self) -> Instrument | None: ...
    @property
    def timeframe(self) -> Timeframe: ...


_SCARCE: Final = 0.7
"""Share of a request budget beyond which the user is told: there questions have to wait, so that orders need not."""
_PROBE_SIZE: Final = 1


class Sections:
    """One method per section, named like the frame's field."""

    def __init__(self, engine: Engine, info: SessionInfo, gaze: Gaze) -> None:
        self._engine = engine
        self._info = info
        self._gaze = gaze
        self._builders = {name: getattr(self, f"_{name}") for name in SECTIONS}

    def build(self, name: str) -> object:
        """A section's newest value; None when there is nothing to show yet."""
        return self._builders[name]()

    def _header(self) -> HeaderView:
        engine, book = self._engine, self._engine.book
        account_id, instrument = self._gaze.account_id, self._gaze.instrument
        group = instrument.group if instrument else ProductGroup.EQUITY_INDEX
        now = engine.clock.now()
        account = book.accounts.get(account_id) if account_id else None
        proven = bool(account_id) and engine.is_synced(account_id or "")
        word, note = build_account.storage_state(book.storage)
        state: Literal["ok", "spooling", "off"] = word
        return HeaderView(
            profile=self._info.profile,
            broker=engine.broker.name,
            account=build_account.account_choice(account) if account else None,
            accounts=tuple(build_account.account_choice(a) for a in book.shown_accounts()),
            channels=build_account.channel_views(book.channels.values(), self._channel_age),
            open_pnl=build_account.open_pnl(book, account_id, proven=proven) if account_id else None,
            day_pnl=build_account.day_pnl(book, account_id, self._day_start(), proven=proven)
            if account_id
            else None,
            session=build_account.session_view(
                engine.calendar, group, now, is_replay=engine.clock.is_elsewhere
            ),
            armed=account_id in book.armed,
            synced=proven,
            heartbeat=engine.beats,
            data_age=engine.market.age(instrument.instrument_id) if instrument else None,
            storage=state,
            storage_note=note,
            scarce=tuple(_budget(b) for b in engine.broker.budgets() if b.used > b.limit * _SCARCE),
            unread=sum(not engine.commands.is_read(notice) for notice in book.notifications),
        )

    def _channel_age(self, change: ChannelChanged) -> float | None:
        if change.channel is not Channel.MARKET:
            return None
        ages = [self._engine.market.age(key) for key in self._engine.market.wanted()]
        return min((age for age in ages if age is not None), default=None)

    def _day_start(self) -> datetime:
        instrument = self._gaze.instrument
        group = instrument.group if instrument else ProductGroup.EQUITY_INDEX
        return self._engine.calendar.day_start(group, self._engine.clock.now())

    def _dashboard(self) -> DashboardView | None:
        account_id = self._gaze.account_id
        if account_id is None:
            return None
        start = self._day_start()
        return build_account.dashboard_view(
            self._engine.book,
            account_id,
            start,
            self._engine.equity.since(account_id, start),
            proven=self._engine.is_synced(account_id),
        )

    def _watchlist(self) -> tuple[WatchRow, ...]:
        engine = self._engine
        return build_market.watch_rows(
            engine.book, engine.watchlist, engine.market.age, self._info.stale_after
        )

    def _positions(self) -> tuple[PositionRow, ...] | None:
        account_id = self._gaze.account_id
        if account_id is None:
            return None
        ages = {
            p.instrument_id: self._engine.market.age(p.instrument_id)
            for p in self._engine.book.positions(account_id)
        }
        stale = frozenset(key for key, age in ages.items() if age is None or age > self._info.stale_after)
        return build_trading.position_rows(
            self._engine.book,
            account_id,
            stale,
            self._engine.clock.now(),
            proven=self._engine.is_synced(account_id),
        )

    def _orders(self) -> tuple[OrderRow, ...] | None:
        account_id = self._gaze.account_id
        if account_id is None:
            return None
        return build_trading.order_rows(
            self._engine.book, account_id, self._engine.clock.now(), self._engine.calendar.zone
        )

    def _fills(self) -> tuple[FillRow, ...] | None:
        account_id = self._gaze.account_id
        return build_trading.fill_rows(self._engine.book, account_id) if account_id else None

    def _round_trips(self) -> tuple[RoundTripRow, ...] | None:
        account_id = self._gaze.account_id
        return build_trading.round_trip_rows(self._engine.book, account_id) if account_id else None

    def _notifications(self) -> tuple[NotificationRow, ...]:
        book, viewed = self._engine.book, self._gaze.account_id
        others = {key: account.name for key, account in book.accounts.items() if key != viewed}
        return build_trading.notification_rows(book.notifications, self._engine.commands.is_read, others)

    def _chart(self) -> ChartView | None:
        instrument, focus = self._gaze.instrument, self._gaze.focus
        if instrument is None or not focus.chart:
            return None
        feed = self._engine.market.watch_chart(self._gaze, instrument, self._gaze.timeframe, focus.bars)
        return build_market.chart_view(self._engine.book, self._gaze.account_id, feed)

    def _ticket(self) -> TicketView | None:
        instrument, account_id = self._gaze.instrument, self._gaze.account_id
        if instrument is None or account_id is None:
            return None
        situation = self._engine.situation(account_id, instrument)
        side = Side.SELL if situation.position < 0 else Side.BUY
        probe = PlaceOrder(account_id=account_id, symbol=instrument.name, side=side, size=_PROBE_SIZE)
        return build_market.ticket_view(
            self._engine.book,
            instrument,
            situation,
            self._engine.execution.draft(probe, instrument),
            default_stop_ticks=self._info.default_stop_ticks,
            default_target_ticks=self._info.default_target_ticks,
        )

    def _system(self) -> SystemView:
        telemetry, book = self._engine.telemetry, self._engine.book
        stages = tuple(
            StageLatency(stage=s.stage, count=s.count, p50=s.p50 * 1e3, p99=s.p99 * 1e3, max=s.max * 1e3)
            for s in telemetry.stages()
        )
        differences = tuple(line for synced in book.synced.values() for line in synced.differences)
        return SystemView(
            stages=stages,
            loop_lag=telemetry.loop_lag,
            cache_hits=telemetry.counters.get("history.memory", 0)
            + telemetry.counters.get("history.store", 0),
            cache_misses=telemetry.counters.get("history.broker", 0),
            spool_pending=book.storage.pending,
            budgets=tuple(_budget(b) for b in self._engine.broker.budgets()),
            differences=differences,
        )


def _budget(budget: Budget) -> BudgetView:
    return BudgetView(name=budget.name, used=budget.used, limit=budget.limit, window=budget.window)


SECTIONS: Final = (
    "header",
    "dashboard",
    "watchlist",
    "positions",
    "orders",
    "fills",
    "round_trips",
    "notifications",
    "chart",
    "ticket",
    "system",
)
