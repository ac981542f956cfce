"""The two lines on top of every screen: whose money this is, whether it can be trusted, and how it stands."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.tui.render.numbers import age, money, signed_money
from tradeconsole.views.models import BudgetView, ChannelView, HeaderView, SessionView

CHANNEL_SYMBOLS: Final = {
    ChannelState.UP: ("●", "$success"),
    ChannelState.CONNECTING: ("◌", "$warning"),
    ChannelState.STALE: ("◐", "$warning"),
    ChannelState.DOWN: ("✗", "$error"),
    ChannelState.KICKED: ("✗", "$error"),
}

KIND_WORDS: Final = {
    AccountKind.PRACTICE: "PRACTICE",
    AccountKind.EVALUATION: "EVALUATION",
    AccountKind.FUNDED: "FUNDED",
    AccountKind.LIVE: "LIVE MONEY",
}

_CHANNELS: Final = {Channel.ORDERS: "orders", Channel.ACCOUNT: "account", Channel.MARKET: "market"}

_OLD_AFTER = 3.0
"""Seconds after which the age of the newest quote is worth a warning while the market is open."""

_GAP = "  "


class Part:
    """A piece of a line: shown whole or not at all; the lowest `rank` stays longest."""

    __slots__ = ("rank", "text")

    def __init__(self, rank: int, *pieces: str | tuple[str, str]) -> None:
        self.rank = rank
        self.text = Content.assemble(*pieces)


def line(parts: Sequence[Part], width: int) -> Content:
    """The parts that fit into `width` cells, in their order; the highest ranks leave first."""
    kept = list(parts)
    while len(kept) > 1 and _length(kept) > width:
        kept.remove(max(kept, key=lambda part: part.rank))
    return Content(_GAP).join([part.text for part in kept])


def identity_line(view: HeaderView, width: int) -> Content:
    """Whose money: account and kind, armed or not, broker, channels, agreement with the broker."""
    parts: list[Part] = []
    if view.account is None:
        parts.append(Part(0, (" NO ACCOUNT ", "bold reverse $warning")))
    else:
        kind = view.account.kind
        badge = f"bold $account-text on $account-{kind.value}"
        parts.append(
            Part(
                0, (f" {KIND_WORDS[kind]} ", badge), (f" {view.account.name} ", f"bold $account-{kind.value}")
            )
        )
        if not view.account.can_trade:
            parts.append(Part(2, ("✗ cannot trade", "bold $error")))
    armed = (" ■ ARMED ", "bold $account-text on $armed") if view.armed else ("□ disarmed", "$faint")
    parts.append(Part(1, armed))
    parts.append(Part(8, (view.broker, "bold")))
    narrow = width < 110
    parts.extend(_channel(channel, narrow) for channel in view.channels)
    parts.append(Part(9, ("✓ synced", "$success")) if view.synced else Part(3, ("○ not synced", "$warning")))
    return line(parts, width)


def figures_line(
    view: HeaderView,
    width: int,
    *,
    stopped: bool = False,
    silent: float | None = None,
    late: float | None = None,
) -> Content:
    """How it stands: alarms first, then balance, P&L, session clock, ages and storage."""
    parts: list[Part] = []
    if stopped:
        parts.append(Part(0, (" ENGINE STOPPED ", "bold reverse $error")))
    if silent is not None:
        parts.append(Part(0, (f" ENGINE SILENT {silent:.0f} s ", "bold reverse $error")))
    if late is not None:
        parts.append(Part(1, (f" SCREEN LATE {late:.1f} s ", "bold reverse $warning")))
    if view.account is not None:
        parts.append(Part(4, ("bal ", "$faint"), money(view.account.balance)))
    parts.append(Part(2, ("open ", "$faint"), (signed_money(view.open_pnl), gain_style(view.open_pnl))))
    parts.append(Part(3, ("day ", "$faint"), (signed_money(view.day_pnl), gain_style(view.day_pnl))))
    parts.extend(_session(view.session))
    if silent is None and not stopped:
        beat = "♥" if view.heartbeat % 2 else "♡"
        parts.append(Part(6, (f"{beat} engine", "$faint")))
    old = view.data_age is not None and view.data_age > _OLD_AFTER and view.session.is_open
    parts.append(Part(5, ("data ", "$faint"), (age(view.data_age), "bold $warning" if old else "")))
    parts.append(_storage(view))
    parts.extend(_budget(budget) for budget in view.scarce)
    if view.unread:
        parts.append(Part(10, (f"✉ {view.unread}", "bold")))
    return line(parts, width)


def gain_style(amount: Decimal | None) -> str:
    """The theme colour of a gain or a loss; the sign says the same without colour."""
    if amount is None:
        return ""
    return "$trade-up" if amount > 0 else "$trade-down" if amount < 0 else ""


def _channel(channel: ChannelView, narrow: bool) -> Part:
    symbol, style = CHANNEL_SYMBOLS[channel.state]
    name = _CHANNELS[channel.channel]
    if channel.state is ChannelState.UP:
        return Part(7, (symbol, style), f" {name}" if not narrow else f" {name[:3]}")
    since = f" {age(channel.age)}" if channel.age is not None else ""
    return Part(4, (f"{symbol} {name} {channel.state.value}{since}", f"bold {style}"))


def _session(session: SessionView) -> list[Part]:
    parts = [Part(5, (f"{session.calendar} ", "$faint"), f"{session.clock:%H:%M:%S}")]
    if session.changes_at is not None:
        verb, rank, style = ("closes", 8, "$faint") if session.is_open else ("opens", 4, "$warning")
        parts.append(Part(rank, (f"{verb} {_moment(session.changes_at, session.clock)}", style)))
    elif not session.is_open:
        parts.append(Part(4, ("closed", "$warning")))
    if session.note:
        parts.append(Part(11, (session.note, "$warning")))
    return parts


def _moment(at: datetime, clock: datetime) -> str:
    return f"{at:%H:%M}" if at.date() == clock.date() else f"{at:%a %H:%M}"


def _storage(view: HeaderView) -> Part:
    if view.storage == "ok":
        return Part(9, ("db ", "$faint"), ("ok", "$success"))
    word = "db spooling" if view.storage == "spooling" else "db off"
    note = f": {view.storage_note}" if view.storage_note else ""
    return Part(4, (f"◐ {word}{note}", "bold $warning"))


def _budget(budget: BudgetView) -> Part:
    name = "requests" if budget.name == "general" else f"{budget.name} requests"
    return Part(4, (f"◐ {name} {budget.used}/{budget.limit}", "bold $warning"))


def _length(parts: Sequence[Part]) -> int:
    return sum(part.text.cell_length for part in parts) + len(_GAP) * (len(parts) - 1)


class Header(Widget):
    """Account, connections, money and health. Without a view it says what start-up is doing."""

    DEFAULT_CSS = """
    Header { dock: top; height: 2; padding: 0 1; background: $panel; }
    """

    view: reactive[HeaderView | None] = reactive(None)
    silent: reactive[float | None] = reactive(None)
    """Seconds without an engine heartbeat, if worth saying."""
    stopped: reactive[bool] = reactive(False)
    """The session is over: what is shown is old."""
    late: reactive[float | None] = reactive(None)
    """Seconds the screen is behind, if worth saying."""
    starting: reactive[str] = reactive("starting the engine…")

    def watch_view(self, view: HeaderView | None) -> None:
        self.set_class(view is not None and view.armed, "-armed")

    def render(self) -> Content:
        width = self.content_size.width
        if self.view is None:
            return Content.assemble((" TRADECONSOLE ", "bold reverse"), f"  {self.starting}")
        return Content("\n").join(
            [
                identity_line(self.view, width),
                figures_line(self.view, width, stopped=self.stopped, silent=self.silent, late=self.late),
            ]
        )
