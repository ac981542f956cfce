"""Everything a user can do, declared once: keys, footer, palette, help page and CLI verbs come from this table."""

from enum import IntEnum, StrEnum

import msgspec


class Danger(IntEnum):
    """What stands between a key and its effect. Reducing risk is one level cheaper than adding it."""

    NONE = 0  # navigation and views: at once
    ONE_KEY = 1  # the key itself is the confirmation
    TWO_KEYS = 2  # a second, different key, after a summary
    TYPED = 3  # a typed word


class Scope(StrEnum):
    """Who may do it through the API."""

    VIEW = "view"
    TRADE = "trade"
    ADMIN = "admin"


class Where(StrEnum):
    """On which screens an action is offered."""

    EVERYWHERE = "everywhere"
    DASHBOARD = "dashboard"
    TRADE = "trade"
    CHART = "chart"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a user can do.

    `id` is stable, so that key maps survive releases. `keys` are Textual key names, the first one shown.
    `cli` is the verb that does the same from a shell, where there is one. `footer` ranks it among the hints
    (1 first); None keeps it out of the footer.
    """

    id: str
    label: str
    help: str
    keys: tuple[str, ...]
    danger: Danger = Danger.NONE
    scope: Scope = Scope.VIEW
    where: frozenset[Where] = frozenset({Where.EVERYWHERE})
    cli: str | None = None
    footer: int | None = None


def _on(*screens: Where) -> frozenset[Where]:
    return frozenset(screens)


_TRADING = _on(Where.DASHBOARD, Where.TRADE, Where.CHART)

ACTIONS: tuple[Action, ...] = (
    # -- screens
    Action(id="screen.dashboard", label="Dashboard", help="Account, equity, watchlist, positions and feed.",
           keys=("1", "f2"), footer=20),
    Action(id="screen.trade", label="Trade", help="Positions, orders, ticket and chart.", keys=("2", "f3"), footer=21),
    Action(id="screen.chart", label="Chart", help="Candles with orders and fills.", keys=("3", "f4"), footer=22),
    Action(id="app.help", label="Help", help="Every key that works here, and what it does.",
           keys=("question_mark", "f1"), footer=1),
    Action(id="app.palette", label="Palette", help="Find any action by name and run it.",
           keys=("ctrl+p", "colon"), footer=23),
    Action(id="app.quit", label="Quit", help="Leave the console. Orders at the broker stay as they are.",
           keys=("q", "ctrl+q"), danger=Danger.TWO_KEYS, footer=30),
    # -- accounts and arming
    Action(id="account.arm", label="Arm", help="Allow orders that add risk on this account, or take that back.",
           keys=("a",), danger=Danger.TWO_KEYS, scope=Scope.TRADE, footer=2),
    Action(id="account.next", label="Account", help="Switch to the next account; the console disarms.",
           keys=("A",), scope=Scope.VIEW, cli="accounts"),
    Action(id="account.reconcile", label="Reconcile", help="Compare everything with the broker's records now.",
           keys=("R",), scope=Scope.VIEW),
    # -- orders
    Action(id="order.buy", label="Buy", help="Open the ticket to buy the watched instrument.", keys=("b",),
           danger=Danger.TWO_KEYS, scope=Scope.TRADE, where=_TRADING, cli="order buy", footer=3),
    Action(id="order.sell", label="Sell", help="Open the ticket to sell the watched instrument.", keys=("s",),
           danger=Danger.TWO_KEYS, scope=Scope.TRADE, where=_TRADING, cli="order sell", footer=4),
    Action(id="order.up", label="Tick up", help="Move the selected stop, target or entry up one tick.",
           keys=("shift+up", "K"), danger=Danger.ONE_KEY, scope=Scope.TRADE, where=_on(Where.TRADE, Where.CHART),
           footer=5),
    Action(id="order.down", label="Tick down", help="Move the selected stop, target or entry down one tick.",
           keys=("shift+down", "J"), danger=Danger.ONE_KEY, scope=Scope.TRADE, where=_on(Where.TRADE, Where.CHART),
           footer=6),
    Action(id="order.edit", label="Edit price", help="Type a new price or size for the selected order, stop or target.",
           keys=("e", "enter"), danger=Danger.TWO_KEYS, scope=Scope.TRADE, where=_on(Where.TRADE), cli="order modify"),
    Action(id="order.cancel", label="Cancel", help="Cancel the selected order, stop or target.", keys=("x", "delete"),
           danger=Danger.ONE_KEY, scope=Scope.TRADE, where=_on(Where.TRADE, Where.CHART), cli="cancel", footer=7),
    Action(id="order.cancel_all", label="Cancel all", help="Cancel every open order of this account.",
           keys=("X",), danger=Danger.TWO_KEYS, scope=Scope.TRADE, where=_TRADING, cli="cancel --all"),
    Action(id="order.next", label="Next order", help="Select the next working order on the chart.", keys=("tab",),
           where=_on(Where.CHART)),
    Action(id="trade.lists", label="Lists", help="Next of orders, fills and round trips.", keys=("v",),
           where=_on(Where.TRADE), footer=12),
    # -- positions
    Action(id="position.close", label="Close", help="Close the selected position at the market, or part of it.",
           keys=("c",), danger=Danger.TWO_KEYS, scope=Scope.TRADE, where=_TRADING, cli="close"),
    Action(id="position.flatten", label="Flatten", help="Cancel the orders of the selected instrument and close it.",
           keys=("f",), danger=Danger.TWO_KEYS, scope=Scope.TRADE, where=_TRADING, cli="flatten", footer=8),
    Action(id="position.panic", label="PANIC", help="Cancel all, close all, disarm. Works armed or not, everywhere.",
           keys=("ctrl+x",), danger=Danger.TWO_KEYS, scope=Scope.TRADE, cli="flatten --all", footer=9),
    # -- watchlist and chart
    Action(id="watch.add", label="Add symbol", help="Put an instrument on the watchlist.", keys=("plus",),
           where=_on(Where.DASHBOARD)),
    Action(id="watch.remove", label="Remove symbol", help="Take the selected instrument off the watchlist.",
           keys=("minus",), where=_on(Where.DASHBOARD)),
    Action(id="watch.symbol", label="Symbol", help="Choose the instrument of ticket and chart.", keys=("i",),
           where=_TRADING, footer=11),
    Action(id="chart.timeframe", label="Timeframe", help="Next of 1m, 5m, 15m, 1h, 1d.", keys=("t",),
           where=_on(Where.TRADE, Where.CHART), cli="history", footer=10),
    Action(id="chart.timeframe_back", label="Timeframe back", help="Previous timeframe.", keys=("T",),
           where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.left", label="Older", help="Scroll the chart to older bars, or the crosshair by one.", keys=("left", "h"),
           where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.right", label="Newer", help="Scroll the chart to newer bars, or the crosshair by one.", keys=("right", "l"),
           where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.page_left", label="Page older", help="Scroll one page to older bars.", keys=("pageup",),
           where=_on(Where.CHART)),
    Action(id="chart.page_right", label="Page newer", help="Scroll one page to newer bars.", keys=("pagedown",),
           where=_on(Where.CHART)),
    Action(id="chart.zoom_in", label="Zoom in", help="Wider candles.", keys=("equals_sign", "plus"),
           where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.zoom_out", label="Zoom out", help="Narrower candles.", keys=("minus",),
           where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.live", label="Live", help="Back to the newest bar.", keys=("end", "g"),
           where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.crosshair", label="Crosshair", help="Point at a bar and read it; ← → go bar by bar, Esc leaves.",
           keys=("m",), where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.leave", label="No crosshair", help="Take the crosshair away.", keys=("escape",),
           where=_on(Where.TRADE, Where.CHART)),
    Action(id="chart.higher", label="Price up", help="Move the crosshair's price one row up.", keys=("up",),
           where=_on(Where.CHART)),
    Action(id="chart.lower", label="Price down", help="Move the crosshair's price one row down.", keys=("down",),
           where=_on(Where.CHART)),
    # -- feed
    Action(id="feed.read", label="Mark read", help="Mark all notifications as read.", keys=("n",),
           where=_on(Where.DASHBOARD)),
)  # fmt: skip

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def offered_on(screen: Where) -> tuple[Action, ...]:
    """Actions that work on a screen, in the table's order."""
    return tuple(action for action in ACTIONS if action.where & {screen, Where.EVERYWHERE})
