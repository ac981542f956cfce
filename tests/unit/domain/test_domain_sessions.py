"""The session calendar: hours, breaks, holidays, daylight saving, trading days; checked against others' records."""

import csv
import gzip
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import Span
from tradeconsole.domain.session_hours import load_hours
from tradeconsole.domain.sessions import CHICAGO, Calendar, load_calendar
from tradeconsole.errors import ConfigError

INDEX = ProductGroup.EQUITY_INDEX
GRAINS = ProductGroup.GRAINS
CME = load_calendar("cme")
DEMO = load_calendar("continuous")
DATA = Path(os.environ.get("TRADECONSOLE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


def chicago(text: str) -> datetime:
    """A clock time in Chicago, as the UTC time that the program deals in."""
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


def hours(calendar: Calendar, group: ProductGroup, day: str) -> str | None:
    """A session as `17:00-16:00` in Chicago; None if there is none."""
    found = calendar.sessions(group, date.fromisoformat(day), date.fromisoformat(day))
    if not found:
        return None
    return "-".join(f"{time.astimezone(CHICAGO):%H:%M}" for time in (found[0].open, found[0].close))


# -- the week ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-09-13 16:59:59", False),  # Sunday, before the open
        ("2026-09-13 17:00:00", True),
        ("2026-09-14 15:20:00", True),  # no halt any more
        ("2026-09-14 15:59:59", True),
        ("2026-09-14 16:00:00", False),  # the daily break
        ("2026-09-14 16:59:59", False),
        ("2026-09-14 17:00:00", True),
        ("2026-09-18 15:59:59", True),
        ("2026-09-18 16:00:00", False),  # the weekend
        ("2026-09-18 17:00:00", False),
        ("2026-09-19 12:00:00", False),
    ],
)
def test_index_futures_trade_from_sunday_evening_to_friday_afternoon(moment: str, is_open: bool) -> None:
    assert CME.is_open(INDEX, chicago(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-09-14 18:59:59", False),
        ("2026-09-14 19:00:00", True),
        ("2026-09-15 07:44:59", True),
        ("2026-09-15 07:45:00", False),
        ("2026-09-15 08:29:59", False),
        ("2026-09-15 08:30:00", True),
        ("2026-09-15 13:19:59", True),
        ("2026-09-15 13:20:00", False),
    ],
)
def test_grains_have_a_night_and_a_day_part(moment: str, is_open: bool) -> None:
    assert CME.is_open(GRAINS, chicago(moment)) is is_open


def test_a_break_belongs_to_its_session() -> None:
    inside = chicago("2026-09-15 08:00:00")
    session = CME.session_at(GRAINS, inside)
    assert session is not None
    assert not CME.is_open(GRAINS, inside)
    assert session.trade_date == date(2026, 9, 15)
    assert session.halts == (Span(chicago("2026-09-15 07:45:00"), chicago("2026-09-15 08:30:00")),)


@pytest.mark.parametrize(
    ("day", "moment", "is_open"),
    [
        ("2021-06-25", "15:20:00", False),  # the afternoon halt, on its last day
        ("2021-06-28", "15:20:00", True),
        ("2015-09-18", "16:10:00", True),  # the later close, on its last day
        ("2015-09-21", "16:10:00", False),
        ("2012-11-16", "15:20:00", False),  # Fridays ended at 15:15 then
        ("2012-11-16", "15:40:00", False),
        ("2012-11-15", "16:20:00", True),
    ],
)
def test_past_hours_are_those_of_their_time(day: str, moment: str, is_open: bool) -> None:
    assert CME.is_open(INDEX, chicago(f"{day} {moment}")) is is_open


# -- holidays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (
            "2026-11-26",
            {"equity_index": "17:00-12:00", "metals": "17:00-13:30", "fx": "17:00-16:00", "grains": None},
        ),
        ("2026-11-27", {"equity_index": "17:00-12:15", "energy": "17:00-13:45", "grains": "08:30-12:05"}),
        ("2026-12-24", {"equity_index": "17:00-12:15", "metals": "17:00-12:45", "livestock": "08:30-12:15"}),
        ("2026-12-25", {"equity_index": None, "fx": None, "rates": None, "crypto": None}),
        ("2026-04-03", {"equity_index": "17:00-08:15", "rates": "17:00-10:15", "metals": None}),
        ("2025-04-18", {"equity_index": None, "rates": None, "fx": None}),
        ("2026-06-19", {"equity_index": "17:00-12:00", "metals": "17:00-12:00", "fx": "17:00-12:00"}),
        ("2021-12-24", {"equity_index": None}),  # Christmas on a Saturday
        ("2023-01-02", {"equity_index": None}),  # New Year's Day on a Sunday
        ("2025-01-09", {"equity_index": "17:00-08:30", "metals": "17:00-16:00"}),  # day of mourning
        ("2013-01-21", {"equity_index": "17:00-10:30", "energy": "17:00-12:15"}),
    ],
)
def test_holidays_close_each_group_at_its_time(day: str, expected: dict[str, str | None]) -> None:
    assert {group: hours(CME, ProductGroup(group), day) for group in expected} == expected


def test_the_evening_after_a_holiday_trades_again() -> None:
    assert not CME.is_open(INDEX, chicago("2026-12-25 16:59:59"))
    assert CME.next_change(INDEX, chicago("2026-12-24 13:00:00")) == chicago("2026-12-27 17:00:00")
    assert CME.next_change(INDEX, chicago("2024-12-24 13:00:00")) == chicago("2024-12-25 17:00:00")
    assert CME.is_open(INDEX, chicago("2026-11-26 17:00:00"))


def test_only_groups_that_a_holiday_touches_carry_its_note() -> None:
    thanksgiving = date(2026, 11, 26)
    assert CME.sessions(INDEX, thanksgiving, thanksgiving)[0].note == "Thanksgiving"
    assert CME.sessions(ProductGroup.FX, thanksgiving, thanksgiving)[0].note == ""


def test_sessions_beyond_the_table_say_that_their_holidays_are_unknown() -> None:
    later = date(2031, 3, 4)
    assert "2028-12-31 are not known" in CME.sessions(INDEX, later, later)[0].note


# -- the trading day --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "day", "start"),
    [
        ("2026-09-14 16:59:59", "2026-09-14", "2026-09-13 17:00:00"),
        ("2026-09-14 17:00:00", "2026-09-15", "2026-09-14 17:00:00"),
        ("2026-09-18 20:00:00", "2026-09-18", "2026-09-17 17:00:00"),  # Friday night is still Friday's day
        ("2026-09-20 16:59:59", "2026-09-18", "2026-09-17 17:00:00"),
        ("2026-09-20 17:00:00", "2026-09-21", "2026-09-20 17:00:00"),
        ("2024-12-25 10:00:00", "2024-12-24", "2024-12-23 17:00:00"),  # Christmas has no day of its own
        ("2024-12-25 17:00:00", "2024-12-26", "2024-12-25 17:00:00"),
    ],
)
def test_the_trading_day_rolls_at_five_in_the_evening(moment: str, day: str, start: str) -> None:
    time = chicago(moment)
    assert CME.trading_day(INDEX, time) == date.fromisoformat(day)
    assert CME.day_start(INDEX, time) == chicago(start)


def test_grains_share_the_roll_though_they_open_later() -> None:
    time = chicago("2026-09-14 18:00:00")
    assert CME.trading_day(GRAINS, time) == date(2026, 9, 15)
    assert CME.day_start(GRAINS, time) == chicago("2026-09-14 17:00:00")


# -- daylight saving --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("friday", "sunday_open"),
    [
        ("2026-03-06", datetime(2026, 3, 8, 22, tzinfo=UTC)),  # clocks go forward
        ("2026-03-13", datetime(2026, 3, 15, 22, tzinfo=UTC)),
        ("2026-10-30", datetime(2026, 11, 1, 23, tzinfo=UTC)),  # clocks go back
        ("2026-11-06", datetime(2026, 11, 8, 23, tzinfo=UTC)),
    ],
)
def test_the_week_opens_at_five_in_chicago_across_clock_changes(friday: str, sunday_open: datetime) -> None:
    assert CME.next_change(INDEX, chicago(f"{friday} 16:30:00")) == sunday_open
    assert CME.is_open(INDEX, sunday_open)
    assert not CME.is_open(INDEX, sunday_open - timedelta(seconds=1))


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    time = chicago("2026-09-14 16:30:00")
    assert CME.is_open(INDEX, time.astimezone(ZoneInfo("Asia/Tokyo"))) is CME.is_open(INDEX, time) is False


# -- the demo market --------------------------------------------------------------------------------------------


def test_the_demo_market_never_closes_and_rolls_every_day() -> None:
    saturday = chicago("2026-09-19 12:00:00")
    assert DEMO.is_open(INDEX, saturday)
    assert DEMO.next_change(INDEX, saturday) is None
    assert DEMO.trading_day(INDEX, saturday) == date(2026, 9, 19)
    assert DEMO.day_start(INDEX, saturday) == chicago("2026-09-18 17:00:00")
    session = DEMO.session_at(INDEX, saturday)
    assert session is not None
    assert (session.open, session.close) == (chicago("2026-09-18 17:00:00"), chicago("2026-09-19 17:00:00"))
    assert len(DEMO.sessions(INDEX, date(2026, 9, 14), date(2026, 9, 20))) == 7


@pytest.mark.parametrize("calendar", [CME, DEMO], ids=lambda calendar: calendar.name)
def test_naive_times_are_refused(calendar: Calendar) -> None:
    naive = datetime(2026, 9, 14, 12)  # noqa: DTZ001 - the very thing to refuse
    for ask in (
        calendar.is_open,
        calendar.session_at,
        calendar.next_change,
        calendar.trading_day,
        calendar.day_start,
    ):
        with pytest.raises(ValueError, match="must be aware"):
            ask(INDEX, naive)


# -- properties -------------------------------------------------------------------------------------------------

moments = st.datetimes(datetime(2010, 1, 4), datetime(2028, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001
groups = st.sampled_from([group for group in ProductGroup if group is not ProductGroup.CRYPTO])


@settings(max_examples=150, deadline=None)
@given(groups, moments)
def test_nothing_changes_before_the_next_change(group: ProductGroup, time: datetime) -> None:
    change = CME.next_change(group, time)
    assert change is not None
    assert change > time
    now = CME.is_open(group, time)
    assert CME.is_open(group, change - timedelta(microseconds=1)) is now
    assert CME.is_open(group, change) is not now


@settings(max_examples=150, deadline=None)
@given(groups, moments)
def test_trading_days_begin_before_the_moment_and_agree_with_sessions(
    group: ProductGroup, time: datetime
) -> None:
    assert CME.day_start(group, time) <= time
    session = CME.session_at(group, time)
    if CME.is_open(group, time):
        assert session is not None
    if session is not None:
        assert session.open <= time < session.close
        assert CME.trading_day(group, time) == session.trade_date


@settings(max_examples=50, deadline=None)
@given(groups, moments, moments)
def test_answers_do_not_depend_on_what_was_asked_before(
    group: ProductGroup, first: datetime, second: datetime
) -> None:
    fresh = load_calendar("cme")
    expected = fresh.is_open(group, second)
    CME.is_open(group, first)
    assert CME.is_open(group, second) is expected


# -- the table and its overrides --------------------------------------------------------------------------------


def test_every_group_has_hours_and_every_special_day_is_a_weekday() -> None:
    table = load_hours()
    assert {group for row in table.hours for group in row.groups} == set(ProductGroup)
    assert [day for day in table.days if day.isoweekday() > 5] == []
    assert (table.first, table.last) == (date(2010, 1, 1), date(2028, 12, 31))


def test_a_local_file_overrides_days_and_hours(tmp_path: Path) -> None:
    local = tmp_path / "calendar.toml"
    local.write_text(
        "[[hours]]\ngroups = ['crypto']\nsince = 2026-06-01\nweekdays = [1]\ndays_before = 3\n"
        "open = 16:00:00\nclose = 16:00:00\n"
        "[[hours]]\ngroups = ['crypto']\nsince = 2026-06-01\nweekdays = [2, 3, 4, 5]\n"
        "open = 16:00:00\nclose = 16:00:00\n"
        "[patterns.storm]\nclose = { equity_index = 10:00:00 }\n"
        "[days]\n2026-09-15 = ['storm', 'Storm']\n"
    )
    calendar = load_calendar("cme", local)
    assert hours(calendar, INDEX, "2026-09-15") == "17:00-10:00"
    assert hours(calendar, INDEX, "2026-12-25") is None
    saturday = chicago("2026-09-19 12:00:00")
    assert calendar.is_open(ProductGroup.CRYPTO, saturday)
    assert calendar.trading_day(ProductGroup.CRYPTO, saturday) == date(2026, 9, 21)
    assert CME.is_open(INDEX, chicago("2026-09-15 11:00:00"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[days]\n2026-09-15 = ['nothing', 'x']\n", "pattern 'nothing'"),
        ("[patterns.x]\nclose = { soup = 10:00:00 }\n", "soup"),
        ("[[hours]]\ngroup = ['fx']\n", "hours"),
        ("not toml", "not a calendar file"),
    ],
)
def test_a_wrong_local_file_is_one_plain_error(tmp_path: Path, text: str, complaint: str) -> None:
    local = tmp_path / "calendar.toml"
    local.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_calendar("cme", local)
    assert str(local) in str(caught.value)


def test_unknown_calendars_and_missing_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected cme or continuous"):
        load_calendar("lunar")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_calendar("cme", tmp_path / "absent.toml")


# -- against pandas_market_calendars ----------------------------------------------------------------------------

_GOOD_FRIDAYS = {
    "2024-03-29",
    "2025-04-18",
    "2027-03-26",
}  # it opens on each since 2022; only with payrolls, in fact
_FRIDAY_HOLIDAYS = {
    "2025-07-04",
    "2026-06-19",
    "2026-07-03",
    "2027-06-18",
}  # all groups end at noon on Fridays
_AFTER_THANKSGIVING = {
    "2025-11-28",
    "2026-11-27",
    "2027-11-26",
}  # later closes since 2025, which it has for 2026 only
_MOURNING = {"2018-12-05", "2025-01-09"}  # recorded bars end at 08:30
_LABOR_DAYS = {
    "2022-09-05",
    "2023-09-04",
    "2024-09-02",
    "2025-09-01",
    "2027-09-06",
}  # 13:30 like its other holidays
_CHRISTMAS_EVES = {"2018-12-24", "2019-12-24", "2020-12-24", "2024-12-24", "2025-12-24", "2026-12-24"}
_ENERGY = _LABOR_DAYS | _CHRISTMAS_EVES | {"2025-07-04", "2025-11-28", "2027-06-18", "2027-11-26"}
_JUNETEENTHS = {"2022-06-20", "2023-06-19", "2024-06-19", "2025-06-19", "2026-06-19", "2027-06-18"}

LIBRARY = {
    ProductGroup.EQUITY_INDEX: ("CME Globex Equity", _GOOD_FRIDAYS | _MOURNING),
    ProductGroup.FX: (
        "CMEGlobex_FX",
        _GOOD_FRIDAYS | _FRIDAY_HOLIDAYS | _AFTER_THANKSGIVING | {"2025-12-24", "2026-12-24"},
    ),
    ProductGroup.RATES: ("CME Globex Fixed Income", _GOOD_FRIDAYS),
    ProductGroup.ENERGY: ("CMEGlobex_Energy", _ENERGY - {"2026-12-24"}),
    ProductGroup.METALS: ("CMEGlobex_Metals", _ENERGY - {"2026-12-24"}),
    ProductGroup.CRYPTO: (
        "CME Globex Crypto",
        _GOOD_FRIDAYS
        | _FRIDAY_HOLIDAYS
        | _AFTER_THANKSGIVING
        | {"2024-12-24", "2025-12-24", "2026-12-24"}
        | {"2023-07-03", "2024-07-03", "2025-07-03"},  # it gives crypto the equity market's early closes
    ),
}
"""Calendar of the library for each group, and the dates from 2018 to 2027 on which it is known to be wrong."""


@pytest.fixture(scope="module")
def library_sessions() -> object:
    return pytest.importorskip("pandas_market_calendars")


def _library(calendars: object, name: str) -> dict[date, tuple[datetime, datetime]]:
    table = calendars.get_calendar(name).schedule("2018-01-01", "2027-12-31", tz="UTC")  # type: ignore[attr-defined]
    rows = zip(table.index, table["market_open"], table["market_close"], strict=True)
    return {day.date(): (opened.to_pydatetime(), closed.to_pydatetime()) for day, opened, closed in rows}


@pytest.mark.parametrize("group", LIBRARY)
def test_ten_years_of_sessions_agree_with_the_calendar_library(
    group: ProductGroup, library_sessions: object
) -> None:
    name, wrong = LIBRARY[group]
    theirs = _library(library_sessions, name)
    ours = {
        session.trade_date: (session.open, session.close)
        for session in CME.sessions(group, date(2018, 1, 1), date(2027, 12, 31))
    }
    differing = {str(day) for day in theirs.keys() | ours.keys() if theirs.get(day) != ours.get(day)}
    assert differing == wrong


@pytest.mark.parametrize(
    ("group", "name"), [(GRAINS, "CMEGlobex_Grains"), (ProductGroup.LIVESTOCK, "CMEGlobex_Livestock")]
)
def test_farm_products_rest_on_the_days_of_the_calendar_library(
    group: ProductGroup, name: str, library_sessions: object
) -> None:
    theirs = set(_library(library_sessions, name))
    ours = {session.trade_date for session in CME.sessions(group, date(2018, 1, 1), date(2027, 12, 31))}
    assert ours <= theirs
    assert {str(day) for day in theirs - ours} == _JUNETEENTHS  # the library lets them trade on Juneteenth


# -- against recorded markets -----------------------------------------------------------------------------------

RECORDINGS = {
    "boot_2019/NQ_5m": INDEX,
    "boot_2019/GC_5m": ProductGroup.METALS,
    "nautilus/6E_1m": ProductGroup.FX,
    "nautilus/ESH4_ticks": INDEX,
    "lean_2013/ES_1m": INDEX,
    "lean_2013/GC_1m": ProductGroup.METALS,
    "lean_2020/ES_1m": INDEX,
    "sierra_5m/ES_5m": INDEX,
}


@pytest.mark.data
@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_trades_lie_in_open_times(name: str) -> None:
    path = DATA / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"no recorded market data at {path}")
    group = RECORDINGS[name]
    with gzip.open(path, "rt", encoding="utf-8") as file:
        times = [datetime.fromisoformat(row["ts_utc"]) for row in csv.DictReader(file)]
    outside = [time for time in times if not CME.is_open(group, time)]
    # one source stamps prints of the very moment of the close into a bar that starts there
    bar = timedelta(minutes=5)
    strays = [
        time for time in outside if not CME.is_open(group, time - bar) and not CME.is_open(group, time + bar)
    ]
    assert strays == []
    assert len(outside) <= len(times) / 10_000
