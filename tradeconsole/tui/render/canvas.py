"""A grid of cells to draw on, each a character and a colour role, turned into strips at the end."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual.strip import Strip

from tradeconsole.tui.render.glyphs import narrow, to_ascii
from tradeconsole.tui.render.palette import REVERSED, Role, Styles

_UNSET = "\0"  # differs from a space that was drawn
_NO_ROLE = 255
_PLAIN = re.escape(bytes(role for role in Role if role not in REVERSED))
_RUNS = re.compile(rb"([" + _PLAIN + rb"])(?:\1|\xff)*|(.)\2*", re.DOTALL)
"""Stretches in one style; untouched cells after a style without background join it, which halves the segments."""


class Line(NamedTuple):
    """One row of a finished drawing; `text` and `roles` tell whether another one is the same."""

    text: str
    roles: bytes
    strip: Strip


class Canvas:
    """Cells of one drawing; what lies outside is clipped, so that drawings need no special cases at the edges.

    `put`, `text` and `column` draw over what is there; `under` and `row_under` only where nothing is yet.
    """

    __slots__ = ("_chars", "_roles", "height", "width")

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(width, 0), max(height, 0)
        self._chars = [[_UNSET] * self.width for _ in range(self.height)]
        self._roles = [bytearray([_NO_ROLE]) * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, char: str, role: Role) -> None:
        """One cell."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._chars[y][x] = char
            self._roles[y][x] = role

    def text(self, x: int, y: int, text: str, role: Role) -> int:
        """Text from a cell to the right, in one-cell characters; returns the column after it."""
        text = narrow(text)
        end = x + len(text)
        if 0 <= y < self.height:
            start, stop = max(x, 0), min(end, self.width)
            if start < stop:
                self._chars[y][start:stop] = text[start - x : stop - x]
                self._roles[y][start:stop] = bytes([role]) * (stop - start)
        return end

    def column(self, x: int, top: int, text: str, role: Role) -> None:
        """Characters below one another."""
        if 0 <= x < self.width:
            first = max(top, 0)
            for y in range(first, min(top + len(text), self.height)):
                self._chars[y][x] = text[y - top]
                self._roles[y][x] = role

    def under(self, x: int, y: int, char: str, role: Role) -> None:
        """One cell, if nothing is drawn there yet."""
        if 0 <= x < self.width and 0 <= y < self.height and self._chars[y][x] == _UNSET:
            self._chars[y][x] = char
            self._roles[y][x] = role

    def row_under(self, y: int, width: int, char: str, role: Role, *, start: int = 0, step: int = 1) -> None:
        """A line across from the left edge, behind what is drawn."""
        if 0 <= y < self.height:
            chars, roles = self._chars[y], self._roles[y]
            for x in range(start, min(width, self.width), step):
                if chars[x] == _UNSET:
                    chars[x] = char
                    roles[x] = role

    def is_free(self, x: int, y: int, width: int) -> bool:
        """Whether `width` cells from here lie inside and are untouched."""
        if not 0 <= y < self.height or x < 0 or x + width > self.width:
            return False
        return self._chars[y][x : x + width] == [_UNSET] * width

    def lines(
        self, styles: Styles, *, ascii_only: bool = False, before: Sequence[Line] = ()
    ) -> tuple[Line, ...]:
        """The drawing, one line per row, equal neighbours joined into one segment.

        Args:
            before: lines of an earlier drawing in the same styles and characters; those that came out the same
                are handed back, so that what did not change is the same object.
        """
        drawn = []
        for y, (chars, painted) in enumerate(zip(self._chars, self._roles, strict=True)):
            text, roles = "".join(chars), bytes(painted)
            if y < len(before) and before[y].text == text and before[y].roles == roles:
                drawn.append(before[y])
            else:
                drawn.append(Line(text, roles, _strip(text, roles, styles, ascii_only=ascii_only)))
        return tuple(drawn)


def _strip(text: str, roles: bytes, styles: Styles, *, ascii_only: bool) -> Strip:
    shown = text.replace(_UNSET, " ")
    if ascii_only:
        shown = to_ascii(shown)
    segments = []
    for run in _RUNS.finditer(roles):
        start, end = run.span()
        role = roles[start]
        segments.append(Segment(shown[start:end], styles[Role.TEXT if role == _NO_ROLE else role]))
    return Strip(segments, len(shown))
