"""A recorded market: its bars to the last tick, its sessions, and what is wrong with a file."""

import gzip
import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from exchange_lab import ACCOUNT, CATALOGUE, make_account
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.market import Bar, BarSeries, Quote, Tick, Timeframe
from tradeconsole.domain.orders import OrderType, Side
from tradeconsole.errors import DataFileError, InvalidRequest
from tradeconsole.exchange.feed import PathMarket
from tradeconsole.exchange.market import Interest
from tradeconsole.exchange.placement import CLOSED
from tradeconsole.exchange.records import PlaceRequest
from tradeconsole.exchange.replay import ReplaySource, read_bars
from tradeconsole.exchange.venue import Exchange

HEADER = "ts_utc,open,high,low,close,volume,contract"
GOOD = [
    HEADER,
    "2013-10-07T20:14:00Z,1676.75,1677.25,1673.5,1675.25,1884,ESZ3",
    "2013-10-07T20:15:00Z,1675.5,1675.75,1674,1674.25,753,ESZ3",
    "2013-10-07T20:17:00Z,1674.25,1674.25,1674.25,1674.25,1,ESZ3",
    "2013-10-07T22:00:00Z,1680,1681,1679.5,1680.5,400,ESZ3",
]
ESZ3 = "CON.F.US.EP.Z13"
MINUTE = Timeframe.parse("1m")
FIRST = datetime(2013, 10, 7, 20, 14, tzinfo=UTC)
DATA = Path(
    os.environ.get("TRADECONSOLE_TEST_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data"
)


def read(lines: list[str], symbol: str = "ES", name: str = "es.csv") -> ReplaySource:
    return read_bars(lines, CATALOGUE, symbol, name)


def market_of(source: ReplaySource, start: datetime | None = None) -> PathMarket:
    return PathMarket(CATALOGUE.pinned_to(source.contract), source, start or source.first)


def rebuilt(market: PathMarket, contract_id: str, until: datetime) -> list[Bar]:
    """Minute bars made from the prints that the market tells until then."""
    market.watch(contract_id, Interest(everything=True))
    prints: dict[datetime, list[Tick]] = defaultdict(list)
    for event in market.advance(until):
        if isinstance(event, Tick):
            prints[event.time.replace(second=0, microsecond=0)].append(event)
    bars = []
    for time, ticks in prints.items():
        prices = [tick.price for tick in ticks]
        volume = sum(tick.size for tick in ticks)
        bars.append(Bar(time, prices[0], max(prices), min(prices), prices[-1], volume))
    return bars


def test_the_file_tells_its_contract_span_and_bar_length() -> None:
    source = read(GOOD)
    assert (source.contract.id, source.length) == (ESZ3, 60)
    assert (source.first, source.end) == (FIRST, datetime(2013, 10, 7, 22, 1, tzinfo=UTC))
    assert source.next_bar_after(FIRST + timedelta(minutes=4)) == datetime(2013, 10, 7, 22, 0, tzinfo=UTC)
    assert source.next_bar_after(FIRST) == FIRST
    assert source.next_bar_after(source.end) is None


@pytest.mark.parametrize(
    ("minutes", "name", "length"),
    [
        ((0, 5, 10), "es.csv", 300),
        ((0, 2, 4), "es.csv", 60),
        ((0, 10), "ES_5m.csv.gz", 300),
        ((0,), "es.csv", 60),
    ],
)
def test_the_length_of_a_bar_is_named_by_the_file_or_fits_its_gaps(
    minutes: tuple[int, ...], name: str, length: int
) -> None:
    rows = [f"2015-01-05T15:{minute:02d}:00Z,2040,2044.25,2039,2041,900,ESH5" for minute in minutes]
    assert read([HEADER, *rows], name=name).length == length


def test_prints_of_the_replay_rebuild_the_file() -> None:
    source = read(GOOD)
    bars = rebuilt(market_of(source), ESZ3, source.end)
    assert bars == [
        Bar(FIRST, 1676.75, 1677.25, 1673.5, 1675.25, 1884),
        Bar(FIRST + timedelta(minutes=1), 1675.5, 1675.75, 1674.0, 1674.25, 753),
        Bar(FIRST + timedelta(minutes=3), 1674.25, 1674.25, 1674.25, 1674.25, 1),
        Bar(datetime(2013, 10, 7, 22, 0, tzinfo=UTC), 1680.0, 1681.0, 1679.5, 1680.5, 400),
    ]


def test_history_is_what_the_file_had_before_now() -> None:
    source = read(GOOD)
    market = market_of(source, FIRST + timedelta(minutes=2, seconds=30))
    bars = market.bars(ESZ3, MINUTE, FIRST - timedelta(days=9), market.now, 100)
    assert [bar.close for bar in bars] == [1675.25, 1674.25]
    assert (
        market.bars(ESZ3, Timeframe.parse("5m"), FIRST, market.now, 9, include_partial=True).close[-1]
        == 1674.25
    )


def test_minutes_are_made_from_longer_bars_when_they_are_asked_for() -> None:
    lines = [
        HEADER,
        *(f"2015-01-05T15:{minute:02d}:00Z,2040,2044.25,2039,2041,900,ESH5" for minute in (0, 5, 10)),
    ]
    source = read(lines)
    assert source.length == 300
    market = market_of(source, source.end)
    minutes = market.bars("CON.F.US.EP.H15", MINUTE, source.first, source.end, 100)
    assert (minutes.open[0], max(minutes.high), min(minutes.low), minutes.close[-1]) == (
        2040.0,
        2044.25,
        2039.0,
        2041.0,
    )
    assert sum(minutes.volume) == 2700
    whole = market.bars("CON.F.US.EP.H15", Timeframe.parse("5m"), source.first, source.end, 100)
    assert list(whole.volume) == [900, 900, 900]


def test_a_file_without_volumes_still_makes_prices() -> None:
    lines = ["ts_utc,open,high,low,close,volume", "2019-01-02T15:00:00Z,6349.5,6371.75,6344,6366.25,"]
    source = read(lines, "NQ")
    assert source.contract.id == "CON.F.US.ENQ.H19"
    bars = rebuilt(market_of(source), source.contract.id, source.end)
    assert bars == [Bar(source.first, 6349.5, 6371.75, 6344.0, 6366.25, 0)]


def test_the_market_is_closed_where_the_file_has_a_long_gap_and_open_over_a_lull() -> None:
    source = read(GOOD)
    market = market_of(source)
    times = [FIRST, FIRST + timedelta(minutes=2, seconds=5), FIRST + timedelta(minutes=5), source.end]
    assert [market.is_open(ESZ3, time) for time in times] == [True, True, False, False]


def test_an_order_in_a_closed_replay_is_refused_and_in_an_open_one_fills_at_its_prices() -> None:
    source = read(GOOD)
    market = market_of(source)
    exchange = Exchange(CATALOGUE.pinned_to(source.contract), market)
    exchange.open_account(make_account())
    buy = PlaceRequest(contract_id=ESZ3, type=OrderType.MARKET, side=Side.BUY, size=1)
    now = FIRST + timedelta(seconds=30)
    assert exchange.place(ACCOUNT, buy, now).success
    exchange.advance(now + timedelta(seconds=1))
    price = exchange.trades(ACCOUNT)[0].price
    assert Decimal("1673.5") <= price <= Decimal("1677.5")
    outcome = exchange.place(ACCOUNT, buy, FIRST + timedelta(minutes=10))
    assert outcome.message == CLOSED


BAD_ROWS = [
    ("2013-10-07T20:15:00Z,1675.5,1675.75,x,1674.25,753", "low 'x' is not a price"),
    ("2013-10-07T20:15:00Z,1675.5,1675.75,nan,1674.25,753", "low 'nan' is not a price"),
    (
        "2013-10-07T20:15:00Z,1675.6,1675.75,1674,1674.25,753",
        "open 1675.6 is off the tick grid of 0.25 of ES",
    ),
    ("2013-10-07T20:15:00Z,1675.5,1675.25,1674,1674.25,753", "must lie between low and high"),
    ("2013-10-07T20:15:00Z,1675.5,1675.75,1674,1674.25,7.5", "volume 7.5 is not a whole number"),
    ("2013-10-07T20:15:00Z,1675.5,1675.75,1674,1674.25,-1", "volume -1 is not a whole number"),
    ("2013-10-07T20:15:00Z,1675.5,1675.75,1674,1674.25,many", "volume 'many' is not a number"),
    ("2013-10-07T20:14:00Z,1675.5,1675.75,1674,1674.25,753", "is not after the row before it"),
    ("2013-10-07 20:15,1675.5,1675.75,1674,1674.25,753", "has no zone"),
    ("yesterday,1675.5,1675.75,1674,1674.25,753", "ts_utc 'yesterday' is not a time"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS, ids=[reason for _, reason in BAD_ROWS])
def test_a_bad_row_is_named_by_file_line_and_reason(row: str, reason: str) -> None:
    with pytest.raises(DataFileError, match=rf"^es\.csv, line 3: .*{reason}"):
        read([*GOOD[:2], row])


def test_a_file_of_something_else_is_named_as_such() -> None:
    with pytest.raises(DataFileError, match=r"^es\.csv, line 1: no column 'open'"):
        read(["ts_utc,bid_open,ask_open", "2013-10-07T20:14:00Z,1,2"])
    with pytest.raises(DataFileError, match=r"^es\.csv: no bars after the header"):
        read([HEADER])
    with pytest.raises(DataFileError, match=r"^es\.csv: holds ESZ3, not a contract of NQ"):
        read(GOOD, "NQ")
    with pytest.raises(InvalidRequest, match="unknown symbol 'XX'"):
        read(GOOD, "XX")


@st.composite
def files(draw: st.DrawFn) -> list[str]:
    lines, minute = [HEADER], 0
    for _ in range(draw(st.integers(1, 12))):
        minute += draw(st.sampled_from([1, 1, 1, 2, 30]))
        low = draw(st.integers(6000, 6100))
        high = low + draw(st.integers(0, 30))
        ends = st.integers(low, high)
        prices = (draw(ends), high, low, draw(ends))
        time = FIRST + timedelta(minutes=minute)
        text = ",".join(str(Decimal(price) / 4) for price in prices)
        lines.append(f"{time:%Y-%m-%dT%H:%M:%SZ},{text},{draw(st.integers(4, 3000))},ESZ3")
    return lines


@settings(max_examples=40, deadline=None)
@given(lines=files())
def test_any_file_is_rebuilt_by_its_own_replay(lines: list[str]) -> None:
    source = read(lines, name="ES_1m.csv.gz")
    market = market_of(source)
    bars = rebuilt(market, source.contract.id, source.end)
    expected = [line.split(",") for line in lines[1:]]
    assert [
        [f"{bar.time:%Y-%m-%dT%H:%M:%SZ}", bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in bars
    ] == [[row[0], *(float(price) for price in row[1:5]), int(row[5])] for row in expected]
    assert BarSeries.from_bars(bars) == market.bars(source.contract.id, MINUTE, source.first, source.end, 100)


def test_quotes_of_a_replay_are_one_or_two_ticks_wide_around_its_prints() -> None:
    source = read(GOOD)
    market = market_of(source)
    market.watch(ESZ3, Interest(everything=True))
    quotes = [event for event in market.advance(source.end) if isinstance(event, Quote)]
    assert {(quote.ask or 0) - (quote.bid or 0) for quote in quotes} <= {0.25, 0.5, 0.75}


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "symbol", "hours"),
    [("lean_2013/ES_1m", "ES", 30), ("lean_2013/GC_1m", "GC", 24), ("nautilus/6E_1m", "6E", 24)],
)
def test_recorded_markets_are_rebuilt_bar_by_bar(name: str, symbol: str, hours: int) -> None:
    path = DATA / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"no recorded market data at {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = lines.read().splitlines()
    source = read_bars(rows, CATALOGUE, symbol, path.name, activity=0.1)
    market = market_of(source)
    until = source.first + timedelta(hours=hours)
    bars = rebuilt(market, source.contract.id, until)
    expected = [row.split(",") for row in rows[1:] if row[:20] < f"{until:%Y-%m-%dT%H:%M:%SZ}"]
    assert len(bars) == len(expected)
    for bar, row in zip(bars, expected, strict=True):
        assert f"{bar.time:%Y-%m-%dT%H:%M:%SZ}" == row[0]
        assert [bar.open, bar.high, bar.low, bar.close] == [float(price) for price in row[1:5]]
        assert bar.volume == int(row[5])
    served = market.bars(source.contract.id, MINUTE, source.first, until, 20_000)
    assert served == BarSeries.from_bars(bars)
