"""Lines of the notification feed: time, severity in symbol and colour, words wrapped under themselves."""

from datetime import datetime

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tradeconsole.domain.events import Severity
from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.glyphs import to_ascii
from tradeconsole.tui.render.palette import SEVERITY_ROLES, Look, Role, Styles
from tradeconsole.tui.render.wrap import wrap
from tradeconsole.views.models import NotificationRow

SYMBOLS = {Severity.INFO: "·", Severity.SUCCESS: "✓", Severity.WARNING: "▲", Severity.ERROR: "✗"}

_BOLD = Style(bold=True)
_NARROW = 44  # below this the time would leave too little for the words


def feed_strips(
    row: NotificationRow, newest: datetime, look: Look, styles: Styles, width: int
) -> list[Strip]:
    """One notification; the title in its severity's colour, unread ones bold, repeats counted."""
    role = SEVERITY_ROLES[row.severity]
    lead = f"{SYMBOLS[row.severity]} "
    stamp = "" if width < _NARROW else f"{numbers.stamp(row.time, look.zone, newest):<8} "
    title = row.title + (f" ×{row.count}" if row.count > 1 else "")
    indent = " " * (len(stamp) + len(lead))
    lines = _lines(title, row.detail, max(width - len(indent), 1))
    head = styles[role] if row.read else styles[role] + _BOLD
    strips = []
    for number, line in enumerate(lines):
        if number == 0:
            shown = line[: len(title)]
            segments = [
                Segment(stamp, styles[Role.MUTED]),
                Segment(lead, head),
                Segment(shown, head),
                Segment(line[len(shown) :], styles[Role.MUTED if row.read else Role.TEXT]),
            ]
        else:
            segments = [
                Segment(indent, styles[Role.TEXT]),
                Segment(line, styles[Role.MUTED if row.read else Role.TEXT]),
            ]
        if look.ascii_only:
            segments = [Segment(to_ascii(segment.text), segment.style) for segment in segments]
        strips.append(Strip(segments).adjust_cell_length(width, styles[Role.TEXT]))
    return strips


def _lines(title: str, detail: str, width: int) -> list[str]:
    """Title and detail; the detail stands below where that takes no more lines, so that figures stay together."""
    if not detail:
        return wrap(title, width)
    flowing = wrap(f"{title}  {detail}", width)
    below = [*wrap(title, width), *wrap(detail, width)]
    return below if 1 < len(flowing) == len(below) else flowing
