"""Text broken into lines of a fixed number of cells."""

from textwrap import TextWrapper

from tradeconsole.tui.render.glyphs import narrow


def wrap(text: str, width: int, *, indent: str = "") -> list[str]:
    """Lines of at most `width` cells; lines after the first begin with `indent`. Never empty."""
    if width <= len(indent):
        indent = ""
    wrapper = TextWrapper(width=max(width, 1), subsequent_indent=indent, break_on_hyphens=False)
    return wrapper.wrap(narrow(text)) or [""]
