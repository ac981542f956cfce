"""Realistic canned view-models: MNQ and MES on a practice account, one bracketed position, at a fixed moment."""

import math
from array import array
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.events import Channel, ChannelState, Severity
from tradeconsole.domain.market import BarSeries, Timeframe
from tradeconsole.domain.orders import OrderRole, OrderStatus, OrderType, Side
from tradeconsole.views.models import (
    AccountChoice,
    ChannelView,
    ChartFill,
    ChartOrder,
    ChartView,
    DashboardView,
    EquityView,
    FillRow,
    Frame,
    HeaderView,
    LiveBar,
    NotificationRow,
    OrderRow,
    PositionRow,
    PreviewView,
    RoundTripRow,
    SessionView,
    TicketView,
    WatchRow,
)

NOW = datetime(2026, 10, 14, 14, 31, 2, tzinfo=UTC)
"""A Wednesday, 09:31:02 in Chicago."""

CHICAGO = ZoneInfo("America/Chicago")
MNQ, MES = "CON.F.US.MNQ.Z26", "CON.F.US.MES.Z26"


def make_quote_row(**over: Any) -> WatchRow:
    """MNQ on the watchlist."""
    return WatchRow(
        **{
            "instrument_id": MNQ,
            "symbol": "MNQ",
            "name": "MNQZ6",
            "decimals": 2,
            "last": 20123.25,
            "bid": 20123.0,
            "ask": 20123.5,
            "change": 84.5,
            "change_percent": 0.42,
            "volume": 1_254_310,
            "age": 0.2,
        }
        | over
    )


def make_watchlist() -> tuple[WatchRow, ...]:
    """Four instruments, one of them stale, one not quoted yet."""
    return (
        make_quote_row(),
        make_quote_row(
            instrument_id=MES, symbol="MES", name="MESZ6", last=5842.75, bid=5842.5, ask=5842.75, change=-6.25,
            change_percent=-0.11, volume=812_004, age=0.4,
        ),
        make_quote_row(
            instrument_id="CON.F.US.MCLE.X26", symbol="MCL", name="MCLX6", last=70.14, bid=70.13, ask=70.15,
            change=-0.62, change_percent=-0.88, volume=41_877, age=14.2, stale=True,
        ),
        make_quote_row(
            instrument_id="CON.F.US.M6E.Z26", symbol="M6E", name="M6EZ6", decimals=4, last=None, bid=None, ask=None,
            change=None, change_percent=None, volume=None, age=None,
        ),
    )  # fmt: skip


def make_position_row(**over: Any) -> PositionRow:
    """Long 2 MNQ, 53 ticks in profit, stop at the broker."""
    return PositionRow(
        **{
            "account_id": "1001",
            "instrument_id": MNQ,
            "symbol": "MNQ",
            "name": "MNQZ6",
            "decimals": 2,
            "size": 2,
            "average_price": Decimal("20110.00"),
            "last": 20123.25,
            "open_pnl": Decimal("53.00"),
            "open_ticks": 53.0,
            "fees": Decimal("0.74"),
            "opened_at": NOW - timedelta(minutes=6),
            "protected": 2,
            "protection": "broker stop 20,100.00",
        }
        | over
    )


def make_order_row(**over: Any) -> OrderRow:
    """A working buy limit, 2 MNQ."""
    return OrderRow(
        **{
            "order_id": "tc-01",
            "broker_order_id": "70001",
            "account_id": "1001",
            "instrument_id": MNQ,
            "symbol": "MNQ",
            "name": "MNQZ6",
            "decimals": 2,
            "side": Side.BUY,
            "type": OrderType.LIMIT,
            "role": OrderRole.ENTRY,
            "size": 2,
            "filled": 0,
            "limit_price": Decimal("20095.00"),
            "stop_price": None,
            "average_price": None,
            "status": OrderStatus.WORKING,
            "created_at": NOW - timedelta(minutes=2),
            "updated_at": NOW - timedelta(minutes=2),
            "trail": "sent 09:29:02.114 → ack 41 ms → working",
            "origin": "hand",
            "can_move": True,
            "can_cancel": True,
        }
        | over
    )


def make_bracket() -> tuple[OrderRow, ...]:
    """A filled entry with its stop and target at work."""
    entry = make_order_row(
        order_id="tc-10", type=OrderType.MARKET, limit_price=None, filled=2, average_price=Decimal("20110.00"),
        status=OrderStatus.FILLED, is_open=False, can_move=False, can_cancel=False,
        trail="sent 09:25:02.114 → ack 41 ms → filled 2 @ 20,110.00",
    )  # fmt: skip
    stop = make_order_row(
        order_id="tc-11", parent_id="tc-10", side=Side.SELL, type=OrderType.STOP, role=OrderRole.STOP_LOSS,
        limit_price=None, stop_price=Decimal("20100.00"), trail="placed by the broker 09:25:02.201 → working",
    )  # fmt: skip
    target = make_order_row(
        order_id="tc-12", parent_id="tc-10", side=Side.SELL, role=OrderRole.TAKE_PROFIT,
        limit_price=Decimal("20130.00"), trail="placed by the broker 09:25:02.204 → working",
    )  # fmt: skip
    return entry, stop, target


def make_orders() -> tuple[OrderRow, ...]:
    """One of everything a trader meets: unknown, working, a bracket, cancelled, rejected."""
    return (
        make_order_row(
            order_id="tc-20", broker_order_id=None, status=OrderStatus.UNKNOWN, doubt_seconds=12.4, size=1,
            can_move=False, can_cancel=False, limit_price=Decimal("20118.50"),
            trail="sent 09:30:50.002 → no answer, asking the broker's records",
        ),
        make_order_row(),
        *make_bracket(),
        make_order_row(
            order_id="tc-05", side=Side.SELL, type=OrderType.STOP, limit_price=None, stop_price=Decimal("20080.00"),
            status=OrderStatus.CANCELLED, is_open=False, trail="sent 09:12:40.870 → ack 38 ms → cancelled",
        ),
        make_order_row(
            order_id="tc-04", size=50, status=OrderStatus.REJECTED, is_open=False,
            trail="sent 09:10:11.302 → rejected", reason="Maximum position size exceeded",
        ),
    )  # fmt: skip


def make_fill_row(**over: Any) -> FillRow:
    """Bought 2 MNQ."""
    return FillRow(
        **{
            "fill_id": "F1",
            "order_id": "tc-10",
            "instrument_id": MNQ,
            "name": "MNQZ6",
            "decimals": 2,
            "side": Side.BUY,
            "size": 2,
            "price": Decimal("20110.00"),
            "time": NOW - timedelta(minutes=6),
            "fees": Decimal("0.74"),
            "realised": None,
        }
        | over
    )


def make_fills() -> tuple[FillRow, ...]:
    return (
        make_fill_row(),
        make_fill_row(
            fill_id="F0", side=Side.SELL, size=1, price=Decimal("20088.25"), time=NOW - timedelta(minutes=41),
            fees=Decimal("0.37"), realised=Decimal("-36.50"),
        ),
    )  # fmt: skip


def make_round_trip_row(**over: Any) -> RoundTripRow:
    """A losing long in MNQ."""
    return RoundTripRow(
        **{
            "round_trip_id": "R1",
            "instrument_id": MNQ,
            "name": "MNQZ6",
            "decimals": 2,
            "side": Side.BUY,
            "size": 1,
            "entry_price": Decimal("20106.50"),
            "exit_price": Decimal("20088.25"),
            "opened_at": NOW - timedelta(minutes=58),
            "closed_at": NOW - timedelta(minutes=41),
            "gross_pnl": Decimal("-36.50"),
            "fees": Decimal("0.74"),
            "net_pnl": Decimal("-37.24"),
        }
        | over
    )


def make_round_trips() -> tuple[RoundTripRow, ...]:
    return (
        make_round_trip_row(),
        make_round_trip_row(
            round_trip_id="R0", side=Side.SELL, size=3, entry_price=Decimal("20131.3333"),
            exit_price=Decimal("20098.00"), opened_at=NOW - timedelta(hours=2, minutes=5),
            closed_at=NOW - timedelta(hours=1, minutes=12), gross_pnl=Decimal("200.00"), fees=Decimal("2.22"),
            net_pnl=Decimal("197.78"),
        ),
    )  # fmt: skip


def make_notification_row(**over: Any) -> NotificationRow:
    return NotificationRow(
        **{
            "notification_id": "N1",
            "time": NOW,
            "severity": Severity.SUCCESS,
            "title": "Filled",
            "detail": "BUY 2 MNQZ6 at 20,110.00",
        }
        | over
    )


def make_notifications() -> tuple[NotificationRow, ...]:
    return (
        make_notification_row(
            notification_id="N4", severity=Severity.WARNING, title="Order in doubt",
            detail="BUY 1 MNQZ6 limit 20,118.50: no answer from the gateway, asking its records", time=NOW,
        ),
        make_notification_row(time=NOW - timedelta(minutes=6)),
        make_notification_row(
            notification_id="N2", severity=Severity.ERROR, title="Rejected", time=NOW - timedelta(minutes=21),
            detail="BUY 50 MNQZ6 limit 20,095.00: Maximum position size exceeded", count=2, read=True,
        ),
        make_notification_row(
            notification_id="N0", severity=Severity.INFO, title="Connected", time=NOW - timedelta(days=1, hours=1),
            detail="orders, account and market are up", read=True,
        ),
    )  # fmt: skip


def make_bars(bars: int = 300, seed: int = 1, timeframe: str = "1m", end: datetime = NOW) -> BarSeries:
    """A seeded walk on the quarter-point grid that ends near 20,123, at the last full interval before `end`."""
    random = Random(seed)
    seconds = Timeframe.parse(timeframe).seconds
    last = int(end.timestamp()) // seconds * seconds - seconds
    close = 20123.0
    rows: list[tuple[int, float, float, float, float, int]] = []
    for index in range(bars):
        time = last - index * seconds
        minute = time // 60 % 1440
        busy = 0.6 + 1.4 * math.exp(-(((minute - 14.5 * 60) / 90) ** 2))
        open_ = close - round(random.gauss(0.15, 9 * busy)) / 4
        high = max(open_, close) + round(abs(random.gauss(0, 6 * busy))) / 4
        low = min(open_, close) - round(abs(random.gauss(0, 6 * busy))) / 4
        rows.append((time, open_, high, low, close, int(random.gauss(900, 250) * busy) + 300))
        close = open_ + round(random.gauss(0, 0.6)) / 4
    rows.reverse()
    return BarSeries(
        array("q", [row[0] for row in rows]),
        array("d", [row[1] for row in rows]),
        array("d", [row[2] for row in rows]),
        array("d", [row[3] for row in rows]),
        array("d", [row[4] for row in rows]),
        array("q", [row[5] for row in rows]),
    )


def make_chart_view(bars: int = 300, seed: int = 1, timeframe: str = "1m", **over: Any) -> ChartView:
    """MNQ with a live bar, a long position's entry, its stop and target, a working buy limit and three fills."""
    series = make_bars(bars, seed, timeframe)
    seconds = Timeframe.parse(timeframe).seconds
    live = LiveBar(
        time=int(NOW.timestamp()) // seconds * seconds, open=20122.5, high=20124.75, low=20121.25, close=20123.25,
        volume=412,
    )  # fmt: skip
    return ChartView(
        **{
            "instrument_id": MNQ,
            "symbol": "MNQ",
            "name": "MNQZ6",
            "timeframe": timeframe,
            "decimals": 2,
            "tick": 0.25,
            "bars": series,
            "live": live,
            "orders": (
                ChartOrder(order_id="tc-11", price=20100.0, label="STOP 2", side=Side.SELL, role=OrderRole.STOP_LOSS),
                ChartOrder(order_id="tc-12", price=20130.0, label="TARGET 2", side=Side.SELL, role=OrderRole.TAKE_PROFIT),
                ChartOrder(order_id="tc-01", price=20095.0, label="LMT 2", side=Side.BUY, role=OrderRole.ENTRY),
            ),
            "fills": (
                ChartFill(time=NOW.timestamp() - 58 * 60, price=20106.5, side=Side.BUY, size=1),
                ChartFill(time=NOW.timestamp() - 41 * 60, price=20088.25, side=Side.SELL, size=1),
                ChartFill(time=NOW.timestamp() - 6 * 60, price=20110.0, side=Side.BUY, size=2),
            ),
            "average_price": 20110.0,
            "position": 2,
        }
        | over
    )  # fmt: skip


def make_equity(points: int = 240, seed: int = 1) -> EquityView:
    """Equity of one session, a point a minute, starting at 50,000."""
    random = Random(seed)
    start = NOW.timestamp() - points * 60
    values, equity = [], 50_000.0
    for _ in range(points):
        equity += random.gauss(0.9, 9)
        values.append(round(equity, 2))
    return EquityView(times=tuple(start + index * 60 for index in range(points)), values=tuple(values))


def make_dashboard_view(**over: Any) -> DashboardView:
    return DashboardView(
        **{
            "balance": Decimal("50160.54"),
            "equity": Decimal("50213.54"),
            "open_pnl": Decimal("53.00"),
            "day_pnl": Decimal("213.54"),
            "realised_gross": Decimal("163.50"),
            "fees": Decimal("3.70"),
            "realised_net": Decimal("160.54"),
            "trades": 2,
            "wins": 1,
            "losses": 1,
            "best": Decimal("197.78"),
            "worst": Decimal("-37.24"),
            "contracts": 2,
            "working_orders": 3,
            "unknown_orders": 1,
            "curve": make_equity(),
        }
        | over
    )


def make_account(**over: Any) -> AccountChoice:
    return AccountChoice(
        **{
            "account_id": "1001",
            "name": "PRAC-50K-1001",
            "kind": AccountKind.PRACTICE,
            "balance": Decimal("50160.54"),
            "can_trade": True,
        }
        | over
    )


def make_header_view(**over: Any) -> HeaderView:
    """Everything up, armed, synced."""
    second = make_account(account_id="1002", name="EVAL-100K-1002", kind=AccountKind.EVALUATION)
    return HeaderView(
        **{
            "profile": "sim",
            "broker": "ProjectX emulator",
            "account": make_account(),
            "accounts": (make_account(), second),
            "channels": tuple(
                ChannelView(channel=channel, state=ChannelState.UP, age=0.2) for channel in Channel
            ),
            "open_pnl": Decimal("53.00"),
            "day_pnl": Decimal("213.54"),
            "session": SessionView(calendar="DEMO 24/7", is_open=True, clock=NOW.astimezone(CHICAGO)),
            "armed": True,
            "synced": True,
            "heartbeat": 1200,
            "data_age": 0.2,
            "unread": 2,
        }
        | over
    )


def make_ticket_view(**over: Any) -> TicketView:
    return TicketView(
        **{
            "instrument_id": MNQ,
            "symbol": "MNQ",
            "name": "MNQZ6",
            "description": "Micro E-mini Nasdaq-100 December 2026",
            "decimals": 2,
            "tick_size": Decimal("0.25"),
            "tick_value": Decimal("0.50"),
            "bid": 20123.0,
            "ask": 20123.5,
            "last": 20123.25,
            "position": 2,
            "max_size": 10,
            "can_trade": True,
            "order_types": (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.TRAILING_STOP),
            "default_stop_ticks": 40,
            "default_target_ticks": 80,
        }
        | over
    )


def make_preview(**over: Any) -> PreviewView:
    return PreviewView(
        **{
            "summary": "BUY 2 MNQZ6 market, stop −40 ticks, target +80 ticks",
            "resulting_position": 4,
            "opens": 2,
            "fees": Decimal("1.48"),
            "risk": Decimal("40.00"),
            "reward": Decimal("80.00"),
            "ratio": 2.0,
            "refusal": None,
        }
        | over
    )


def make_frame(**over: Any) -> Frame:
    """A complete first frame."""
    return Frame(
        **{
            "header": make_header_view(),
            "dashboard": make_dashboard_view(),
            "watchlist": make_watchlist(),
            "positions": (make_position_row(),),
            "orders": make_orders(),
            "fills": make_fills(),
            "round_trips": make_round_trips(),
            "notifications": make_notifications(),
            "chart": make_chart_view(),
            "ticket": make_ticket_view(),
        }
        | over
    )
