"""How results are written: JSON for programs, aligned columns for people."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final

import msgspec

from tradeconsole.domain.notation import MINUS, shown
from tradeconsole.tui.render.numbers import exact_price

Row = Mapping[str, Any]

_CENTS: Final = 2
_GROUPS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class Price(msgspec.Struct, frozen=True):
    """A price: the number for programs, with the digits of its instrument for people."""

    value: Decimal | float
    decimals: int

    def __str__(self) -> str:
        return exact_price(self.value, self.decimals)


def price(value: Decimal | float | None, decimals: int) -> Price | None:
    """A price as a row carries it."""
    return None if value is None else Price(value, decimals)


def encode(value: object, indent: int = 2) -> str:
    """JSON as the gateway writes it: numbers for prices and money, ISO-8601 UTC with its offset for times."""
    return msgspec.json.format(_JSON.encode(_plain(value)), indent=indent).decode()


def identity(text: str) -> int | str:
    """An id as its gateway writes it: most are integers there."""
    return int(text) if text.isdecimal() else text


def plain_digits(text: str) -> str:
    """A sentence for people with its numbers as programs read them: `broker stop 28712.50`."""
    return _GROUPS.sub("", text).replace(MINUS, "-")


def print_table(rows: Sequence[Row]) -> None:
    """Columns headed by the keys; numbers to the right, one below the other by their points."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    columns: list[list[str]] = []
    for key in rows[0]:
        title, cells = key.replace("_", " "), [_cell(row[key]) for row in rows]
        if all(isinstance(row[key], int | float | Decimal | Price | None) for row in rows):
            cells = _by_point(cells, len(title))
            title = title.rjust(len(cells[0]))
        table.add_column(title, no_wrap=True)
        columns.append(cells)
    for line in zip(*columns, strict=True):
        table.add_row(*line)
    if not console.is_terminal:
        # in a pipe nothing must be cut to the width of a terminal that is not there
        console.width = 10_000
    console.print(table)


def _plain(value: object) -> object:
    if isinstance(value, Price):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().isoformat(sep=" ", timespec="seconds")
    if isinstance(value, Price):
        return str(value)
    if isinstance(value, Decimal):
        return shown(value, _CENTS)
    return str(_plain(value))


def _by_point(cells: Sequence[str], least: int) -> list[str]:
    """Numbers padded to one width, at least so many cells, with their points or their ends in one line."""
    tails = [len(cell) - len(cell.partition(".")[0]) for cell in cells]
    longest = max(tails)
    padded = [cell + " " * (longest - tail) for cell, tail in zip(cells, tails, strict=True)]
    width = max(least, *map(len, padded))
    return [cell.rjust(width) for cell in padded]
