"""Watchlist, chart and ticket out of the book and the live charts. Pure."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from tradeconsole.domain.commands import PlaceOrder
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Bar
from tradeconsole.domain.orders import Order, OrderRole, OrderStatus
from tradeconsole.engine import risk
from tradeconsole.engine.book import Book
from tradeconsole.engine.charts import ChartFeed
from tradeconsole.engine.execution import describe
from tradeconsole.views.models import (
    ChartFill,
    ChartOrder,
    ChartView,
    LiveBar,
    PreviewView,
    TicketView,
    WatchRow,
)

CHART_FILLS: Final = 300
_ROLE_LABELS: Final = {
    OrderRole.ENTRY: "",
    OrderRole.EXIT: "EXIT ",
    OrderRole.STOP_LOSS: "SL ",
    OrderRole.TAKE_PROFIT: "TP ",
}


def watch_rows(
    book: Book, instrument_ids: Iterable[str], age_of: Callable[[str], float | None], stale_after: float
) -> tuple[WatchRow, ...]:
    """One row per instrument of the watchlist, in its order."""
    rows = []
    for instrument_id in instrument_ids:
        instrument = book.instruments[instrument_id]
        quote = book.quotes.get(instrument_id)
        age = age_of(instrument_id)
        rows.append(
            WatchRow(
                instrument_id=instrument_id,
                symbol=instrument.symbol,
                name=instrument.name,
                decimals=instrument.decimals,
                last=quote.last if quote else None,
                bid=quote.bid if quote else None,
                ask=quote.ask if quote else None,
                change=quote.change if quote else None,
                change_percent=quote.change_percent if quote else None,
                volume=quote.volume if quote else None,
                age=age,
                stale=age is None or age > stale_after,
            )
        )
    return tuple(rows)


def chart_view(book: Book, account_id: str | None, feed: ChartFeed) -> ChartView:
    """A chart with our working orders, average price and fills on it."""
    instrument = feed.instrument
    position = book.position(account_id, instrument.instrument_id) if account_id else None
    return ChartView(
        instrument_id=instrument.instrument_id,
        symbol=instrument.symbol,
        name=instrument.name,
        timeframe=str(feed.timeframe),
        decimals=instrument.decimals,
        tick=instrument.tick,
        bars=feed.series,
        live=_live(feed.live),
        orders=_chart_orders(book, account_id, instrument) if account_id else (),
        fills=_chart_fills(book, account_id, instrument.instrument_id) if account_id else (),
        average_price=float(position.average_price) if position else None,
        position=position.size if position else 0,
        loading=feed.loading,
        complete=feed.complete,
        note=feed.note,
    )


def _live(bar: Bar | None) -> LiveBar | None:
    if bar is None:
        return None
    return LiveBar(
        time=bar.time.timestamp(),
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
    )


def _chart_orders(book: Book, account_id: str, instrument: Instrument) -> tuple[ChartOrder, ...]:
    return tuple(
        ChartOrder(
            order_id=order.order_id,
            price=float(order.price),
            label=_order_label(order),
            side=order.side,
            role=order.role,
        )
        for order in book.open_orders_of(account_id, instrument.instrument_id)
        if order.price is not None and order.status is not OrderStatus.SUSPENDED
    )


def _order_label(order: Order) -> str:
    mark = "?" if order.status is OrderStatus.UNKNOWN else ""
    return f"{_ROLE_LABELS[order.role]}{order.side} {order.remaining}{mark}"


def _chart_fills(book: Book, account_id: str, instrument_id: str) -> tuple[ChartFill, ...]:
    fills = sorted(book.fills_of(account_id, instrument_id)[-CHART_FILLS:], key=lambda fill: fill.time)
    return tuple(
        ChartFill(time=fill.time.timestamp(), price=float(fill.price), side=fill.side, size=fill.size)
        for fill in fills
    )


def ticket_view(
    book: Book,
    instrument: Instrument,
    situation: risk.Situation,
    probe: Order,
    *,
    default_stop_ticks: int | None,
    default_target_ticks: int | None,
) -> TicketView:
    """What the ticket shows; `probe` is a one-lot market order that tells whether risk may be added now."""
    quote = book.quotes.get(instrument.instrument_id)
    blocked = risk.refusal(probe, situation) or ""
    return TicketView(
        instrument_id=instrument.instrument_id,
        symbol=instrument.symbol,
        name=instrument.name,
        description=instrument.description,
        decimals=instrument.decimals,
        tick_size=instrument.tick_size,
        tick_value=instrument.tick_value,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        last=quote.last if quote else None,
        position=situation.position,
        max_size=situation.limits.max_order_size,
        can_trade=not blocked,
        blocked=blocked,
        order_types=tuple(sorted(situation.supported)),
        brackets=situation.can_bracket,
        default_stop_ticks=default_stop_ticks,
        default_target_ticks=default_target_ticks,
    )


def preview_view(
    command: PlaceOrder,
    instrument: Instrument,
    refusal: str | None,
    position: int,
    fee_per_side: Decimal | None,
) -> PreviewView:
    """What an order would do; `fee_per_side` is per contract, known from past fills."""
    bracket = command.bracket
    stop = bracket.stop_ticks if bracket else None
    target = bracket.target_ticks if bracket else None
    risk_money = None if stop is None else instrument.tick_value * stop * command.size
    reward = None if target is None else instrument.tick_value * target * command.size
    opens = max(0, command.size - max(0, -position * command.side.sign))
    return PreviewView(
        summary=describe(command, instrument),
        resulting_position=position + command.size * command.side.sign,
        opens=opens,
        fees=None if fee_per_side is None else fee_per_side * (command.size + opens),
        risk=risk_money,
        reward=reward,
        ratio=float(reward / risk_money) if reward is not None and risk_money else None,
        refusal=refusal,
    )
