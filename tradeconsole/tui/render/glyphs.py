"""Characters: what the drawings use, and what stands for it on a terminal without box drawing."""

from rich.cells import cell_len

UP, DOWN = "▲", "▼"
CURSOR = "▸"
BRANCH = "└ "
ELLIPSIS = "…"
EIGHTHS = " ▁▂▃▄▅▆▇█"

_FALLBACKS = {
    "│╵╷╎┊": "|",
    "║": "O",  # a hollow body
    "┃╹╻╿╽█▀▄▐▌▛▜▙▟▎▊": "#",
    "▆▇": "#",
    "▃▅": ":",
    "▁▂": ".",
    "─╌": "-",
    "┈": ".",
    "━═╞╡": "=",
    "┌┐└┘├┤┴┬┼╭╮╰╯": "+",
    "▲↑": "^",
    "▼↓": "v",
    "▸→": ">",
    "◂←": "<",
    "●◆■✓♥": "*",
    "○◇□◌◐♡": "o",
    "✗×": "x",
    "−–—": "-",
    "…": "~",
    "·": ".",
    "▏": "_",
    "⇧": "S",
    "⌥": "A",
    "✉": "@",
    "µ": "u",
}
_ASCII = str.maketrans({char: plain for chars, plain in _FALLBACKS.items() for char in chars})


def to_ascii(text: str) -> str:
    """The same text, cell by cell, in characters that any terminal has; unknown ones become `?`."""
    if text.isascii():
        return text
    plain = text.translate(_ASCII)
    return plain if plain.isascii() else "".join(char if char.isascii() else "?" for char in plain)


def narrow(text: str) -> str:
    """Foreign text made safe for fixed columns: one cell per character, no control characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() and cell_len(char) == 1 else "?" for char in text)


def fit(text: str, width: int) -> str:
    """Text in exactly `width` cells, left aligned; what does not fit ends in an ellipsis."""
    if len(text) <= width:
        return text.ljust(width)
    return text[: width - 1] + ELLIPSIS if width > 0 else ""


def fit_number(text: str, width: int) -> str:
    """A number in exactly `width` cells, right aligned. One that does not fit is hidden, never cut: `####`."""
    return text.rjust(width) if len(text) <= width else "#" * width
