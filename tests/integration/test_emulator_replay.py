"""The emulator as the replay of a file: history equals the file, time is the file's, bad files are told."""

import csv
import gzip
import os
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from emulator_fixture import RunningEmulator, running_emulator

from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.server import run_emulator
from tradeconsole.errors import ConfigError, DataFileError, InvalidRequest

PRICES = ("open", "high", "low", "close")
HEADER = "ts_utc,open,high,low,close,volume\n"
OPENING = datetime(2013, 10, 6, 22, tzinfo=UTC)
DATA = Path(os.environ.get("TRADECONSOLE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def rows() -> list[str]:
    """Two days of minutes, an hour each, with a night of nothing between them."""
    lines = []
    for day in range(2):
        for minute in range(60):
            start = OPENING + timedelta(days=day, minutes=minute)
            low = 1670 + minute % 7
            lines.append(
                f"{start:%Y-%m-%dT%H:%M:%SZ},{low + 0.25},{low + 1},{low},{low + 0.5},{40 + minute}\n"
            )
    return lines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ES_1m.csv"
    path.write_text(HEADER + "".join(rows()))
    return path


async def history(emulator: RunningEmulator, **changes: object) -> list[dict[str, Any]]:
    """Bars from the gateway, oldest first."""
    body = {
        "contractId": emulator.contract("ES"),
        "live": False,
        "startTime": "2013-01-01T00:00:00Z",
        "endTime": "2014-01-01T00:00:00Z",
        "unit": 2,
        "unitNumber": 1,
        "limit": 20_000,
        "includePartialBar": False,
    }
    envelope = await emulator.call("/api/History/retrieveBars", **(body | changes))
    bars: list[dict[str, Any]] = envelope["bars"]
    return bars[::-1]


def as_row(bar: dict[str, Any]) -> tuple[object, ...]:
    return (datetime.fromisoformat(bar["t"]), *(float(bar[key]) for key in "ohlc"), bar["v"])


def as_file_row(line: str) -> tuple[object, ...]:
    time, *prices, volume = line.strip().split(",")[:6]
    return (datetime.fromisoformat(time), *map(float, prices), int(float(volume)))


async def test_a_replay_starts_at_the_second_day_with_the_first_as_history(file: Path) -> None:
    async with running_emulator(replay=file, symbol="ES", frozen=True) as emulator:
        assert emulator.gateway.clock.now() == OPENING + timedelta(days=1)
        assert [as_row(bar) for bar in await history(emulator)] == [as_file_row(row) for row in rows()[:60]]
        assert emulator.contract("ES") == "CON.F.US.EP.Z13"
        response = await emulator.http.get(f"{emulator.url}/api/Status/ping")
        assert parsedate_to_datetime(response.headers["date"]).year == 2013


async def test_bars_that_have_been_lived_through_equal_the_file(file: Path) -> None:
    async with running_emulator(replay=file, symbol="ES", frozen=True, start="first") as emulator:
        assert await history(emulator) == []
        for _ in range(90):
            emulator.step(20)
        assert [as_row(bar) for bar in await history(emulator)] == [as_file_row(row) for row in rows()[:30]]


async def test_only_the_contract_of_the_file_is_listed(file: Path) -> None:
    async with running_emulator(replay=file, symbol="ES") as emulator:
        listed = (await emulator.call("/api/Contract/available", live=False))["contracts"]
        assert [(row["id"], row["name"], row["activeContract"]) for row in listed] == [
            ("CON.F.US.EP.Z13", "ESZ3", True)
        ]


async def test_an_order_fills_at_the_prices_of_the_file(file: Path) -> None:
    async with running_emulator(replay=file, symbol="ES", frozen=True) as emulator:
        emulator.step(30)
        body = {"accountId": emulator.practice_id, "contractId": emulator.contract("ES"), "size": 1}
        assert (await emulator.call("/api/Order/place", **body, type=2, side=0))["success"]
        emulator.step(1)
        (trade,) = emulator.gateway.exchange.trades(emulator.practice_id)
        assert 1670 <= trade.price <= 1671.25


async def test_a_night_without_bars_is_skipped_and_the_market_closed_meanwhile(file: Path) -> None:
    start = (OPENING + timedelta(minutes=59, seconds=59)).isoformat()
    replay = running_emulator(replay=file, symbol="ES", start=start, speed=50.0)
    async with replay as emulator, emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractTrades", emulator.contract("ES"))
        prints = await hub.wait_for("GatewayTrade", 2)
        later = datetime.fromisoformat(prints[-1][1][-1]["timestamp"])
        assert later >= OPENING + timedelta(days=1)
        assert emulator.gateway.clock.now() < OPENING + timedelta(days=1, hours=1)


async def test_gaps_are_lived_through_when_asked(file: Path) -> None:
    start = (OPENING + timedelta(hours=2)).isoformat()
    async with running_emulator(replay=file, symbol="ES", start=start, keep_gaps=True) as emulator:
        body = {"accountId": emulator.practice_id, "contractId": emulator.contract("ES"), "size": 1}
        envelope = await emulator.call("/api/Order/place", **body, type=2, side=0)
        assert envelope["errorMessage"].startswith("Trading is currently unavailable.")
        assert emulator.gateway.clock.now() < OPENING + timedelta(hours=3)


async def test_packed_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ES.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "".join(rows())).encode()))
    async with running_emulator(replay=path, symbol="ES", frozen=True) as emulator:
        assert len(await history(emulator)) == 60


@pytest.mark.parametrize(
    ("content", "symbol", "message"),
    [
        (HEADER + "2013-10-06T22:00:00Z,1,2,3,1,5\n", "ES", "line 2: open and close must lie"),
        (HEADER + "yesterday,1,2,1,1,5\n", "ES", "line 2: ts_utc 'yesterday'"),
        ("a,b\n1,2\n", "ES", "line 1: no column 'ts_utc'"),
        (HEADER, "ES", "no bars after the header"),
        ("\x1f\x8bnot gzip", "ES", "cannot read"),
        (None, "ES", "No such file"),
    ],
)
async def test_a_bad_file_is_one_line_that_names_the_row(
    tmp_path: Path, content: str | None, symbol: str, message: str
) -> None:
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataFileError, match=message) as caught:
        async with running_emulator(replay=path, symbol=symbol):
            pass
    assert "\n" not in str(caught.value)


async def test_options_that_do_not_fit_are_refused(file: Path) -> None:
    for options, error in (
        ({"replay": file}, ConfigError),
        ({"symbol": "ES"}, ConfigError),
        ({"replay": file, "symbol": "XX"}, InvalidRequest),
        ({"replay": file, "symbol": "ES", "start": "soon"}, ConfigError),
        ({"replay": file, "symbol": "ES", "start": "2020-01-01"}, ConfigError),
        ({"speed": 0.0}, ConfigError),
    ):
        with pytest.raises(error):
            async with running_emulator(**options):
                pass


def test_a_bad_file_ends_the_program_with_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run_emulator(EmulatorOptions(replay=tmp_path / "none.csv", symbol="ES"))
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.count("\n") == 1


@pytest.mark.data
async def test_recorded_history_equals_the_file_bar_by_bar() -> None:
    path = DATA / "lean_2013" / "ES_1m.csv.gz"
    if not path.exists():
        pytest.skip(f"no recorded data: {path}")
    end = "2013-10-11T20:00:00Z"
    with gzip.open(path, "rt") as file:
        recorded = [
            (datetime.fromisoformat(row["ts_utc"]), *(float(row[key]) for key in PRICES))
            for row in csv.DictReader(file)
            if row["ts_utc"] < end
        ]
    assert len(recorded) > 5000
    async with running_emulator(replay=path, symbol="ES", frozen=True, start=end) as emulator:
        assert [as_row(bar)[:5] for bar in await history(emulator)] == recorded
