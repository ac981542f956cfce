"""Which flow carries out which action: one entry for every id in the table of actions."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from tradeconsole.actions import Where
from tradeconsole.tui.desk import Desk
from tradeconsole.tui.flows import accounts, markets, orders, positions, views

Handler = Callable[[Desk], Awaitable[None]]

HANDLERS: Final[dict[str, Handler]] = {
    "screen.dashboard": partial(views.show, Where.DASHBOARD),
    "screen.trade": partial(views.show, Where.TRADE),
    "screen.chart": partial(views.show, Where.CHART),
    "app.help": views.show_help,
    "app.palette": views.show_palette,
    "app.quit": views.leave,
    "account.arm": accounts.arm,
    "account.next": accounts.next_account,
    "account.reconcile": accounts.reconcile,
    "order.buy": orders.buy,
    "order.sell": orders.sell,
    "order.up": orders.up,
    "order.down": orders.down,
    "order.edit": orders.edit,
    "order.cancel": orders.cancel,
    "order.cancel_all": orders.cancel_all,
    "order.next": orders.next_order,
    "trade.lists": views.next_list,
    "position.close": positions.close,
    "position.flatten": positions.flatten,
    "position.panic": positions.panic,
    "watch.add": markets.add_symbol,
    "watch.remove": markets.remove_symbol,
    "watch.symbol": markets.choose_symbol,
    "chart.timeframe": markets.timeframe,
    "chart.timeframe_back": markets.timeframe_back,
    "chart.left": partial(markets.move_chart, "left"),
    "chart.right": partial(markets.move_chart, "right"),
    "chart.page_left": partial(markets.move_chart, "page_left"),
    "chart.page_right": partial(markets.move_chart, "page_right"),
    "chart.zoom_in": partial(markets.move_chart, "zoom_in"),
    "chart.zoom_out": partial(markets.move_chart, "zoom_out"),
    "chart.live": partial(markets.move_chart, "live"),
    "chart.crosshair": partial(markets.move_chart, "crosshair"),
    "chart.leave": partial(markets.move_chart, "leave"),
    "chart.higher": partial(markets.move_chart, "higher"),
    "chart.lower": partial(markets.move_chart, "lower"),
    "feed.read": views.mark_read,
}
