"""What stays when the terminal is too small for a screen: positions, P&L and the way out."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tradeconsole.tui.render.numbers import signed_money, signed_size
from tradeconsole.tui.widgets.header import gain_style
from tradeconsole.views.models import HeaderView, PositionRow


def lifeboat_lines(
    header: HeaderView | None, positions: tuple[PositionRow, ...], panic: str, width: int, height: int
) -> list[Content]:
    """At most `height` lines of at most `width` cells: P&L, one line a position, and the panic key last."""
    if height < 1 or width < 1:
        return []
    lines = [_total(header)]
    for row in positions:
        pnl = signed_money(row.open_pnl)
        style = gain_style(row.open_pnl)
        lines.append(Content.assemble(f"{signed_size(row.size)} {row.symbol} ", (pnl, style), _alarm(row)))
    if not positions:
        known = header is not None and header.synced
        lines.append(Content.styled("flat" if known else "position unknown", "$faint"))
    ending = Content.styled(f"{panic} PANIC", "bold $danger-two")
    return [text.truncate(width, ellipsis=True) for text in [*lines[: max(0, height - 1)], ending]]


def _alarm(row: PositionRow) -> tuple[str, str]:
    """Loud about contracts without a stop, and as loud if nobody knows of one."""
    word = ""
    if row.protected < abs(row.size):
        word = " UNPROTECTED" if row.proven else " ?? NOT CHECKED YET"
    return word, "bold reverse $error"


def _total(header: HeaderView | None) -> Content:
    if header is None:
        return Content("starting…")
    mark = ("■ " if header.armed else "", "bold $armed")
    name = header.account.name if header.account is not None else "no account"
    return Content.assemble(
        mark,
        ("open ", "$faint"),
        (signed_money(header.open_pnl), gain_style(header.open_pnl)),
        (" day ", "$faint"),
        (signed_money(header.day_pnl), gain_style(header.day_pnl)),
        (f" {name}", "bold"),
    )


class Lifeboat(Widget):
    """Positions and P&L in as many lines as there are; shown below 80×24."""

    DEFAULT_CSS = """
    Lifeboat { height: 1fr; width: 1fr; display: none; }
    """

    header: reactive[HeaderView | None] = reactive(None)
    positions: reactive[tuple[PositionRow, ...]] = reactive(())
    panic: reactive[str] = reactive("^x")

    def render(self) -> Content:
        size = self.content_size
        lines = lifeboat_lines(self.header, self.positions, self.panic, size.width, size.height)
        return Content("\n").join(lines)
