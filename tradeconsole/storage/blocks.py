"""Bars as bytes: up to 1,024 of them side by side, decoded without touching a single one."""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from tradeconsole.domain.market import BarSeries, Span, Timeframe

BLOCK_BARS: Final = 1024
_COLUMNS: Final = "qddddq"  # start, open, high, low, close, volume
_WIDTH: Final = 8


class Block(NamedTuple):
    """Bars of one stretch of time; `number` counts stretches of 1,024 nominal bars since the epoch."""

    number: int
    bars: int
    data: bytes


def block_seconds(timeframe: Timeframe) -> int:
    """Length of the stretch of time that a block is for."""
    return BLOCK_BARS * timeframe.seconds


def split(bars: BarSeries, timeframe: Timeframe) -> Iterator[Block]:
    """Bars as blocks, oldest first; stretches without bars are left out."""
    length = block_seconds(timeframe)
    start = 0
    while start < len(bars):
        number = bars.time[start] // length
        end = bisect_left(bars.time, (number + 1) * length, lo=start)
        yield Block(number, end - start, pack(bars.slice(start, end)))
        start = end


def pack(bars: BarSeries) -> bytes:
    """Columns one after the other, little-endian."""
    return b"".join(_little_endian(column).tobytes() for column in bars.columns())


def unpack(blocks: Iterable[bytes]) -> BarSeries:
    """The bars of blocks that follow one another, oldest first."""
    columns: list[array[Any]] = [array(code) for code in _COLUMNS]
    for data in blocks:
        view = memoryview(data)
        size = len(data) // len(_COLUMNS)
        for index, column in enumerate(columns):
            column.frombytes(view[index * size : (index + 1) * size])
    return BarSeries(*(_little_endian(column) for column in columns))


def replaced(old: BarSeries, new: BarSeries, covered: Span) -> BarSeries:
    """`old` with everything in `covered` exchanged for `new`, which is all there is in that span."""
    before = old.slice(0, bisect_left(old.time, covered.start.timestamp()))
    after = old.slice(bisect_left(old.time, covered.end.timestamp()), len(old))
    return before.merged(after).merged(new)


def _little_endian(column: "array[Any]") -> "array[Any]":
    if sys.byteorder == "little":
        return column
    swapped = column[:]
    swapped.byteswap()
    return swapped
