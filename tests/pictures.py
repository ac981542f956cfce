"""Pictures of screens as text: what is written, and in which style each cell is."""

from collections.abc import Awaitable, Callable
from string import ascii_letters, digits
from typing import Any, Protocol

from rich.cells import cell_len
from rich.style import Style
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip

MARKS = ascii_letters + digits + "!$%&*+=?@^~<>"

Before = Callable[[Pilot[Any]], Awaitable[None]]


class Snapshot(Protocol):
    """Runs an app at a size (columns, rows) and compares its picture with the stored one."""

    async def __call__(
        self,
        app: App[Any],
        size: tuple[int, int],
        *,
        press: tuple[str, ...] = (),
        before: Before | None = None,
    ) -> None:
        """Compare, after pressing keys and then doing whatever else must happen first."""


def screen_strips(app: App[Any]) -> list[Strip]:
    """What is on the screen now, a strip per row."""
    return app.screen._compositor.render_strips()


def screen_text(app: App[Any]) -> str:
    """What is written on the screen now."""
    return "\n".join(strip.text.rstrip() for strip in screen_strips(app))


def picture(strips: list[Strip]) -> str:
    """Strips as three blocks: the text, one mark per cell for its style, and what the marks stand for.

    Of a blank cell only the background counts, because nothing else of it can be seen.
    """
    marks: dict[str, str] = {}
    text, styles = [], []
    for strip in strips:
        text.append(strip.text.rstrip())
        line = ""
        for segment in strip:
            style = segment.style or Style.null()
            for char in segment.text:
                seen = style if char != " " or style.reverse else style.background_style
                line += marks.setdefault(str(seen), MARKS[len(marks)]) * cell_len(char)
        styles.append(line)
    legend = [f"{mark}  {style}" for style, mark in marks.items()]
    return "\n".join([*text, "--- styles", *styles, "--- legend", *legend]) + "\n"
