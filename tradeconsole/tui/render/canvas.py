"""A grid of cells to draw on, each a character and a colour role, turned into strips at the end."""

import re

from rich.segment import Segment
from textual.strip import Strip

from tradeconsole.tui.render.glyphs import narrow, to_ascii
from tradeconsole.tui.render.palette import Role, Styles

_RUNS = re.compile(rb"(.)\1*", re.DOTALL)


class Canvas:
    """Cells of one drawing; writing outside is clipped, so that drawings need no special cases at the edges."""

    __slots__ = ("_chars", "_roles", "height", "width")

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(width, 0), max(height, 0)
        self._chars = [[" "] * self.width for _ in range(self.height)]
        self._roles = [bytearray(self.width) for _ in range(self.height)]

    def put(self, x: int, y: int, char: str, role: Role) -> None:
        """One cell."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._chars[y][x] = char
            self._roles[y][x] = role

    def under(self, x: int, y: int, char: str, role: Role) -> None:
        """One cell, if nothing is drawn there yet."""
        if 0 <= x < self.width and 0 <= y < self.height and self._chars[y][x] == " ":
            self._chars[y][x] = char
            self._roles[y][x] = role

    def text(self, x: int, y: int, text: str, role: Role) -> int:
        """Text from a cell to the right, in one-cell characters; returns the column after it."""
        text = narrow(text)
        for offset, char in enumerate(text):
            self.put(x + offset, y, char, role)
        return x + len(text)

    def is_free(self, x: int, y: int, width: int) -> bool:
        """Whether `width` cells from here lie inside and are blank."""
        if not 0 <= y < self.height or x < 0 or x + width > self.width:
            return False
        return all(char == " " for char in self._chars[y][x : x + width])

    def strips(self, styles: Styles, *, ascii_only: bool = False) -> list[Strip]:
        """The drawing, one strip per row, equal neighbours joined into one segment."""
        strips = []
        for chars, roles in zip(self._chars, self._roles, strict=True):
            line = to_ascii("".join(chars)) if ascii_only else "".join(chars)
            segments = [
                Segment(line[run.start() : run.end()], styles[run[1][0]]) for run in _RUNS.finditer(roles)
            ]
            strips.append(Strip(segments, self.width))
        return strips
