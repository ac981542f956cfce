"""How results are written: JSON for programs, aligned columns for people."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final

import msgspec

from tradeconsole.domain.notation import MINUS

Row = Mapping[str, Any]

_GROUPS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


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
    """Columns headed by the keys; numbers to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for key in rows[0]:
        numeric = all(isinstance(row[key], int | float | Decimal | None) for row in rows)
        table.add_column(key.replace("_", " "), justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    if not console.is_terminal:
        # in a pipe nothing must be cut to the width of a terminal that is not there
        console.width = 10_000
    console.print(table)


def _plain(value: object) -> object:
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
    return str(_plain(value))
