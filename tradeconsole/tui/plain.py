"""Everything on screen in characters that any terminal has."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tradeconsole.tui.render.glyphs import to_ascii


class PlainCharacters(LineFilter):
    """Replaces box drawing and symbols cell by cell, after all drawing is done."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
