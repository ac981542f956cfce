"""A market from recorded bars: the file's bars are the history, and each one becomes a path that keeps to it.

Format: CSV with a header `ts_utc,open,high,low,close,volume[,contract]`, optional further columns ignored; `ts_utc`
is the start of the bar, `YYYY-MM-DDTHH:MM:SSZ`; rows in order of time; minutes without a trade are absent.
"""

import csv
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from math import gcd
from typing import Final

from tradeconsole.domain.instruments import MONTH_CODES, ContractMonth
from tradeconsole.domain.market import BarUnit, Timeframe
from tradeconsole.errors import DataFileError
from tradeconsole.exchange.candle import Candle, TickBars
from tradeconsole.exchange.catalogue import Catalogue, Contract, Product

REQUIRED: Final = ("ts_utc", "open", "high", "low", "close", "volume")
_PRICES: Final = ("open", "high", "low", "close")
_PRINTS_PER_MINUTE: Final = 240
_OFF_GRID: Final = 1e-6  # share of a tick that binary noise may amount to
_NAMED_LENGTH: Final = re.compile(r"_([1-9]\d*[smh])(?:\.|$)")
_USUAL_LENGTHS: Final = (86_400, 14_400, 3600, 1800, 900, 600, 300, 60, 30, 15, 10, 5, 1)
LULL: Final = 600
"""Seconds without a bar that are still trading hours."""


class ReplaySource:
    """Bars of one contract, as read from a file.

    Args:
        contract: the only one that this market has.
        bars: at least one, strictly increasing in time.
        length: seconds per bar.
        activity: scales the number of prints and quotes, at most about 4 and 6 a second at 1.
    """

    def __init__(self, contract: Contract, bars: TickBars, length: int, *, activity: float = 1.0) -> None:
        self.contract = contract
        self.length = length
        self._bars = bars
        self._prints = max(4, round(_PRINTS_PER_MINUTE * activity * length / 60))

    @property
    def first(self) -> datetime:
        """Start of the first bar."""
        return datetime.fromtimestamp(self._bars.time[0], UTC)

    @property
    def end(self) -> datetime:
        """End of the last bar."""
        return datetime.fromtimestamp(self._bars.time[-1] + self.length, UTC)

    def next_bar_after(self, time: datetime) -> datetime | None:
        """Start of the first bar at or after a time, so that a caller can skip nights and weekends."""
        start = self.next_start(self.contract, -(-int(time.timestamp() * 1000) // 1000))
        return None if start is None else datetime.fromtimestamp(start, UTC)

    def serves(self, contract: Contract) -> bool:
        return contract.id == self.contract.id

    def is_open(self, contract: Contract, time: int) -> bool:
        """Whether a bar of the file covers the moment: the file decides when there is a session.

        A gap of up to ten minutes between two bars is a lull and not a close.
        """
        if not self.serves(contract):
            return False
        index = bisect_left(self._bars.time, time + 1)
        if index and time < self._bars.time[index - 1] + self.length:
            return True
        if not 0 < index < len(self._bars):
            return False
        return self._bars.time[index] - self._bars.time[index - 1] - self.length <= LULL

    def bars(self, contract: Contract, start: int, end: int) -> TickBars:
        return self._bars.between(start, end) if self.serves(contract) else TickBars.empty()

    def next_start(self, contract: Contract, time: int) -> int | None:
        index = bisect_left(self._bars.time, time)
        return self._bars.time[index] if self.serves(contract) and index < len(self._bars) else None

    def previous_close(self, contract: Contract, time: int) -> tuple[int, int] | None:
        index = bisect_left(self._bars.time, time) - 1
        if index < 0 or not self.serves(contract):
            return None
        return self._bars.time[index], self._bars.close[index]

    def prints(self, contract: Contract, candle: Candle) -> int:
        return self._prints

    def first_start(self, contract: Contract, unit: BarUnit, now: int) -> int:
        return self._bars.time[0]


def read_bars(
    lines: Iterable[str], catalogue: Catalogue, symbol: str, name: str, *, activity: float = 1.0
) -> ReplaySource:
    """A replayed market from the lines of a CSV file.

    The contract is the one that the file's `contract` column names in its first row (contracts back to back are
    replayed as one), else the one that was active then. The length of a bar is the one in the file's name, as in
    `ES_1m.csv`, else the longest usual one that fits all gaps.

    Args:
        symbol: the product, such as `ES`.
        name: what to call the file in errors.

    Raises:
        DataFileError: a row cannot be used; the message names file, line and reason.
        InvalidRequest: unknown symbol.
    """
    product = catalogue.product(symbol)
    rows = csv.DictReader(lines)
    missing = [column for column in REQUIRED if column not in (rows.fieldnames or ())]
    if missing:
        raise DataFileError(
            f"{name}, line 1: no column '{missing[0]}': expected a header {','.join(REQUIRED)}"
        )
    bars, contract_name = TickBars.empty(), ""
    try:
        for row in rows:
            if not bars:
                contract_name = row.get("contract") or ""
            _append(bars, row, product)
    except (ValueError, csv.Error) as error:
        raise DataFileError(f"{name}, line {rows.line_num}: {error}") from error
    if not bars:
        raise DataFileError(f"{name}: no bars after the header")
    contract = _contract(catalogue, product, contract_name, bars.time[0], name)
    return ReplaySource(contract, bars, _length(bars, name), activity=activity)


def _length(bars: TickBars, name: str) -> int:
    """Seconds per bar."""
    gap = gcd(*(later - earlier for earlier, later in pairwise(bars.time)))
    named = _NAMED_LENGTH.search(name)
    if named is not None and gap % (length := Timeframe.parse(named.group(1)).seconds) == 0:
        return length
    return next((length for length in _USUAL_LENGTHS if gap and gap % length == 0), 60)


def _append(bars: TickBars, row: Mapping[str, str | None], product: Product) -> None:
    """Add one row; raises `ValueError` with the reason that it cannot be used."""
    time = _time(row["ts_utc"])
    if bars and time <= bars.time[-1]:
        raise ValueError(f"time {row['ts_utc']} is not after the row before it")
    opening, high, low, close = (_ticks(column, row[column], product) for column in _PRICES)
    if not low <= min(opening, close) <= max(opening, close) <= high:
        raise ValueError("open and close must lie between low and high")
    bars.append(time, opening, high, low, close, _volume(row["volume"]))


def _time(text: str | None) -> int:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        raise ValueError(f"ts_utc '{text or ''}' is not a time such as 2013-10-06T22:00:00Z") from None
    if time.tzinfo is None:
        raise ValueError(f"ts_utc '{text}' has no zone: write 2013-10-06T22:00:00Z")
    return int(time.timestamp())


def _ticks(column: str, text: str | None, product: Product) -> int:
    try:
        exact = float(text or "") / product.tick_float
        ticks = round(exact)
    except (ValueError, OverflowError):
        raise ValueError(f"{column} '{text or ''}' is not a price") from None
    if abs(exact - ticks) > _OFF_GRID * max(1.0, abs(ticks) * _OFF_GRID):
        raise ValueError(f"{column} {text} is off the tick grid of {product.tick} of {product.symbol}")
    return ticks


def _volume(text: str | None) -> int:
    """Contracts; an empty field is 0, for files that have no volume."""
    try:
        volume = float(text or 0)
    except ValueError:
        raise ValueError(f"volume '{text}' is not a number") from None
    if not volume.is_integer() or volume < 0:
        raise ValueError(f"volume {text} is not a whole number of contracts")
    return int(volume)


def _contract(catalogue: Catalogue, product: Product, text: str, start: int, name: str) -> Contract:
    """The contract of a column such as `ESZ3` (one digit: the next such year) or `ESZ13`, or by date."""
    day = datetime.fromtimestamp(start, UTC).date()
    if not text:
        return catalogue.active(product, day)
    month = text.removeprefix(product.symbol)
    if month == text or month[:1] not in MONTH_CODES or not month[1:].isdecimal() or len(month) not in {2, 3}:
        raise DataFileError(f"{name}: holds {text}, not a contract of {product.symbol}")
    cycle = 10 ** (len(month) - 1)
    year = day.year + (int(month[1:]) - day.year) % cycle
    return Contract(product, ContractMonth(year, MONTH_CODES.index(month[0]) + 1))
