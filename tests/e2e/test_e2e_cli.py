"""The verbs of the installed command as a shell user runs them: output, exit codes, errors of one line."""

import csv
import gzip
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateways import Gateway
from homes import TRADECONSOLE, Home

PATIENCE = 30.0
HEAD = "ts_utc,open,high,low,close,volume\n"


@pytest.fixture(scope="module")
def gateway(shared_home: Home) -> Iterator[Gateway]:
    """One emulator for the module; so many verbs in so short a time would spend a real one's budget."""
    with Gateway(shared_home, budgets=False) as running:
        yield running


class Shell:
    """Verbs against one gateway."""

    def __init__(self, home: Home, gateway: Gateway) -> None:
        self._home, self._gateway = home, gateway

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._home.run(*arguments, *self._gateway.arguments, **self._gateway.key)

    def json(self, *arguments: str) -> Any:
        return self._home.json(*arguments, *self._gateway.arguments, **self._gateway.key)

    def working_legs(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Stop and target of the only bracket, once both work."""
        deadline = time.monotonic() + PATIENCE
        while True:
            legs = {row["role"]: row for row in self.json("orders", "--open")}
            if [row["status"] for row in legs.values()] == ["working", "working"]:
                return legs["stop-loss"], legs["take-profit"]
            assert time.monotonic() < deadline, legs

    def refused(self, code: int, *arguments: str) -> str:
        """The one line on standard error of a verb that must fail with that exit code."""
        return one_line(self.run(*arguments), code)


@pytest.fixture
def shell(shared_home: Home, gateway: Gateway) -> Shell:
    return Shell(shared_home, gateway)


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The only line on standard error, once the exit code is right and nothing else was said."""
    assert done.returncode == code, f"{done.args}: {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


# -- reading


def test_the_version_is_told_with_and_without_json(shared_home: Home) -> None:
    told = shared_home.run("--version").stdout.split()[-1]
    assert shared_home.json("--version") == {"version": told}


def test_accounts_are_those_of_the_gateway(shell: Shell, gateway: Gateway) -> None:
    at_gateway = gateway.post("Account/search", onlyActiveAccounts=True)["accounts"]
    listed = shell.json("accounts")
    assert {(row["id"], row["name"], row["balance"]) for row in listed} == {
        (row["id"], row["name"], row["balance"]) for row in at_gateway
    }
    assert {row["kind"] for row in listed} == {"practice", "evaluation"}
    table = shell.run("accounts").stdout
    assert all(row["name"] in table for row in at_gateway)


def test_history_prints_the_oldest_bar_first_as_the_gateway_has_it(shell: Shell, gateway: Gateway) -> None:
    contract = gateway.post("Contract/search", searchText="MNQ", live=False)["contracts"][0]["id"]
    end = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
    start = end - timedelta(minutes=90)
    span = (start.isoformat(), end.isoformat())
    bars = shell.json("history", "MNQ", "--timeframe", "1m", "--from", span[0], "--to", span[1])
    retrieved = gateway.post(
        "History/retrieveBars", contractId=contract, live=False, startTime=span[0], endTime=span[1], unit=2,
        unitNumber=1, limit=1000, includePartialBar=False,
    )["bars"]  # fmt: skip
    wanted = [bar for bar in reversed(retrieved) if datetime.fromisoformat(bar["t"]) < end]
    assert [bar["t"] for bar in bars] == sorted(bar["t"] for bar in bars)
    assert len(bars) == 90
    assert [values(bar) for bar in bars] == [values(bar) for bar in wanted]


def values(bar: dict[str, Any]) -> tuple[Any, ...]:
    """A bar of ours or the gateway's, comparable."""
    return datetime.fromisoformat(bar["t"]), bar["o"], bar["h"], bar["l"], bar["c"], bar["v"]


# -- trading


def test_an_order_with_a_bracket_is_bought_moved_and_flattened(shell: Shell) -> None:
    bought = shell.json("order", "buy", "MNQ", "2", "--stop-ticks", "400", "--target-ticks", "800", "--yes")
    [entry] = [row for row in bought["orders"] if row["role"] == "entry"]
    assert (entry["status"], entry["filled"], entry["side"]) == ("filled", 2, "BUY")
    assert [entry["order_id"]] == bought["order_ids"]
    stop, target = shell.working_legs()
    assert stop["parent_id"] == target["parent_id"] == entry["order_id"]

    [position] = shell.json("positions")
    assert (position["side"], position["size"], position["protected"]) == ("LONG", 2, 2)
    assert position["average_price"] == entry["average_price"]

    assert stop["stop_price"] == entry["average_price"] - 400 * 0.25
    higher = stop["stop_price"] + 1.0
    shell.json("order", "modify", str(stop["id"]), "--stop", str(higher), "--yes")
    [moved] = [row for row in shell.json("orders", "--open") if row["role"] == "stop-loss"]
    assert (moved["id"], moved["stop_price"]) == (stop["id"], higher)

    cancelled = shell.json("cancel", str(target["id"]))
    assert cancelled["orders"][0]["status"] == "cancelled"

    assert shell.json("flatten", "MNQ", "--yes")["flat"] is True
    assert shell.json("positions") == []
    assert shell.json("orders", "--open") == []


def test_a_limit_order_rests_until_it_is_cancelled(shell: Shell) -> None:
    [last] = shell.json("history", "MNQ", "--limit", "1")
    price = round(last["c"] * 0.99 * 4) / 4
    placed = shell.json("order", "buy", "MNQ", "1", "--limit", str(price), "--yes")
    [order] = placed["orders"]
    assert (order["status"], order["limit_price"], order["type"]) == ("working", price, "limit")
    assert order["id"] in [row["id"] for row in shell.json("orders", "--open")]
    shell.json("cancel", "--all", "--yes")
    assert shell.json("orders", "--open") == []


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("--type", "join-bid"), "join-bid"),
        (("--type", "stop", "--stop", "{above}"), "stop"),
        (("--type", "trailing", "--trail", "400"), "trailing-stop"),
    ],
)
def test_every_resting_type_of_order_works_until_it_is_cancelled(
    shell: Shell, options: tuple[str, ...], kind: str
) -> None:
    [last] = shell.json("history", "MNQ", "--limit", "1")
    above = round(last["c"] * 1.01 * 4) / 4
    named = [option.format(above=above) for option in options]
    [order] = shell.json("order", "buy", "MNQ", "1", *named, "--yes")["orders"]
    assert order["type"] == kind
    assert order["status"] in {"working", "filled"} if kind == "join-bid" else order["status"] == "working"
    shell.json("flatten", "--yes")
    assert shell.json("orders", "--open") == shell.json("positions") == []


def test_a_part_of_a_position_is_closed_and_then_the_rest(shell: Shell) -> None:
    shell.json("order", "sell", "MNQ", "3", "--yes")
    left = shell.json("close", "MNQ", "1")["position"]
    assert (left["side"], left["size"]) == ("SHORT", 2)
    assert "size 3: the position in MNQ" in shell.refused(3, "close", "MNQ", "3")
    assert shell.json("close", "MNQ")["position"] is None
    assert shell.json("positions") == []
    assert "no open position in MNQ" in shell.refused(3, "close", "MNQ")


# -- refusals, each told in one line with its exit code


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (("order", "buy", "MNQ", "0", "--yes"), 2, ("0", "at least 1")),
        (("order", "buy", "NOPE", "1", "--yes"), 3, ("NOPE",)),
        (("order", "buy", "MNQZ9", "1", "--yes"), 3, ("MNQZ9",)),
        (("order", "buy", "MNQ", "11", "--yes"), 3, ("11", "10")),
        (("order", "buy", "MNQ", "1", "--limit", "100.10", "--yes"), 3, ("100.1", "tick")),
        (("order", "buy", "MNQ", "1", "--limit", "100.25", "--yes"), 3, ("100.25", "%")),
        (("order", "buy", "MNQ", "1"), 2, ("--yes",)),
        (("order", "buy", "MNQ", "one", "--yes"), 2, ("one",)),
        (("order", "buy", "MNQ", "1", "--trail", "8", "--limit", "9", "--yes"), 2, ("--trail",)),
        (("cancel", "123"), 3, ("123",)),
        (("cancel",), 2, ("--all",)),
        (("history", "MNQ", "--timeframe", "7x"), 3, ("7x",)),
        (("history", "MNQ", "--from", "yesterday"), 2, ("yesterday",)),
        (("positions", "--account", "nobody"), 3, ("nobody",)),
        (("nonsense",), 2, ("nonsense",)),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    shell: Shell, arguments: tuple[str, ...], code: int, names: tuple[str, ...]
) -> None:
    line = shell.refused(code, *arguments)
    assert all(name in line for name in names), line


def test_with_json_an_error_is_an_object_on_standard_error(shell: Shell) -> None:
    done = shell.run("order", "buy", "MNQ", "11", "--yes", "--json")
    error = json.loads(one_line(done, 3))["error"]
    assert done.stdout == ""
    assert (error["type"], error["exit_code"], error["rule"]) == ("RiskDenied", 3, "max_order_size")


def test_a_wrong_key_is_told_as_such(shared_home: Home, gateway: Gateway) -> None:
    line = one_line(shared_home.run("accounts", *gateway.arguments, TRADECONSOLE_API_KEY="hunter2"), 5)
    assert "key" in line
    assert "hunter2" not in line


def test_a_missing_key_names_where_to_put_it(shared_home: Home, gateway: Gateway) -> None:
    assert "TRADECONSOLE_API_KEY" in one_line(shared_home.run("accounts", *gateway.arguments), 2)


def test_an_unreachable_gateway_is_told_with_its_host(shared_home: Home) -> None:
    port = free_port()
    done = shared_home.run(
        "accounts", "--url", f"http://127.0.0.1:{port}", "--user", "me", TRADECONSOLE_API_KEY="k"
    )
    assert "127.0.0.1" in one_line(done, 4)


def test_an_unknown_setting_names_the_nearest_valid_one(home: Home) -> None:
    home.configure("[risk]\nmax_order_sise = 3\n")
    line = one_line(home.run("accounts"), 2)
    assert "max_order_sise" in line
    assert "max_order_size" in line
    assert str(home.config / "config.toml") in line


def test_the_console_without_a_terminal_says_so(shared_home: Home) -> None:
    assert "terminal" in one_line(shared_home.run("run"), 2)


def test_no_secret_reaches_the_log_or_the_output(shared_home: Home, gateway: Gateway, shell: Shell) -> None:
    spoken = shell.run("accounts", "--json").stdout
    logs = [path.read_text() for path in shared_home.data.rglob("*.log*") if path.is_file()]
    assert logs
    assert all(gateway.key["TRADECONSOLE_API_KEY"] not in text for text in [spoken, *logs])
    assert all("eyJ" not in text for text in logs)


# -- the emulator as a program


def test_the_emulator_stops_cleanly_on_either_signal(shared_home: Home) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with Gateway(shared_home) as running:
            assert running.stop(number) == (0, "")


def test_a_taken_port_is_told_in_one_line(shared_home: Home, gateway: Gateway) -> None:
    done = shared_home.run("emulator", "--port", str(gateway.port))
    assert done.returncode != 0
    assert str(gateway.port) in one_line(done, done.returncode)


def test_without_json_the_ready_line_names_url_user_and_key(shared_home: Home) -> None:
    with subprocess.Popen(
        [TRADECONSOLE, "emulator"], env=shared_home.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        assert process.wait(30) == 0
    assert "http://127.0.0.1:" in line
    assert "demo" in line


def test_a_replay_serves_the_bars_of_its_file(home: Home) -> None:
    rows = synthetic_rows()
    file = home.folder / "es.csv"
    file.write_text(HEAD + "".join(",".join(row) + "\n" for row in rows))
    market = ("--replay", str(file), "--symbol", "ES", "--speed", "60", "--start", rows[-150][0])
    with Gateway(home, *market) as running:
        day = rows[0][0][:10]
        bars = home.json(
            "history", "ES", "--from", day, "--to", rows[-200][0], *running.arguments, **running.key
        )
        assert as_rows(bars) == as_numbers(rows[:-200])


def synthetic_rows() -> list[tuple[str, ...]]:
    """Two session days of one-minute bars, some minutes without a trade."""
    start = datetime(2024, 3, 4, 23, 0, tzinfo=UTC)
    rows = []
    for minute in range(2 * 24 * 60 - 60):
        time = start + timedelta(minutes=minute)
        if time.hour == 22 or minute % 97 == 13:
            continue
        open_ = 5100 + (minute * 7 % 40) * 0.25
        close = 5100 + ((minute + 1) * 7 % 40) * 0.25
        high, low = max(open_, close) + 0.5, min(open_, close) - 0.25
        rows.append(
            (f"{time:%Y-%m-%dT%H:%M:%SZ}", *map(str, (open_, high, low, close)), str(100 + minute % 50))
        )
    return rows


def as_rows(bars: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [values(bar) for bar in bars]


def as_numbers(rows: list[tuple[str, ...]]) -> list[tuple[Any, ...]]:
    return [(datetime.fromisoformat(row[0]), *map(float, row[1:5]), int(row[5])) for row in rows]


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("2024-03-04T23:05:00Z,5100,5099,5098,5100,10", ("bad.csv", "line 3")),
        ("2024-03-04T23:05:00Z,5100,abc,5098,5100,10", ("line 3", "abc")),
        ("2024-03-04T22:55:00Z,5100,5101,5099,5100,10", ("line 3",)),
        ("2024-03-04T23:05:00Z,5100,5101", ("line 3",)),
    ],
)
def test_a_bad_row_of_a_file_is_named(home: Home, row: str, names: tuple[str, ...]) -> None:
    file = home.folder / "bad.csv"
    file.write_text(f"{HEAD}2024-03-04T23:00:00Z,5100,5101,5099,5100,10\n{row}\n")
    line = one_line(home.run("emulator", "--replay", str(file), "--symbol", "ES"), 2)
    assert all(name in line for name in names), line


def recorded(name: str) -> Path:
    """A file of the optional folder of recorded data; skips without it."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("TRADECONSOLE_TEST_DATA", beside))
    if not (folder / name).exists():
        pytest.skip(f"recorded market data is not here: {folder / name}")
    return folder / name


@pytest.mark.data
def test_a_recorded_market_is_served_bar_by_bar(home: Home) -> None:
    file = recorded("lean_2013/ES_1m.csv.gz")
    with gzip.open(file, "rt") as text:
        rows = [tuple(row[:6]) for row in csv.reader(text)][1:]
    day = [row for row in rows if "2013-10-06T22:00:00Z" <= row[0] < "2013-10-07T20:00:00Z"]
    with Gateway(home, "--replay", str(file), "--symbol", "ES", "--speed", "60") as running:
        at_gateway = running.post("Contract/search", searchText="ES", live=False)["contracts"]
        contract = next(found["id"] for found in at_gateway if ".EP." in found["id"])
        retrieved = running.post(
            "History/retrieveBars", contractId=contract, live=False, startTime="2013-10-06T22:00:00Z",
            endTime="2013-10-07T19:59:59Z", unit=2, unitNumber=1, limit=20000, includePartialBar=False,
        )["bars"]  # fmt: skip
        assert as_rows(list(reversed(retrieved))) == as_numbers(day)
        printed = home.json(
            "history", "ES", "--from", "2013-10-06T22:00:00Z", "--to", "2013-10-07T20:00:00Z", *running.arguments,
            **running.key,
        )  # fmt: skip
        assert as_rows(printed) == as_numbers(day)
        bought = home.json("order", "buy", "ES", "1", "--yes", *running.arguments, **running.key)
        price = bought["orders"][0]["average_price"]
        assert price % 0.25 == 0
        assert min(float(row[3]) for row in rows) - 1 <= price <= max(float(row[2]) for row in rows) + 1


# -- memory


def test_the_database_is_made_on_demand_and_described(home: Home) -> None:
    home.json("accounts")
    assert home.postgres_pid is None, "one-shot verbs need no database"
    applied = home.json("db", "migrate")["applied"]
    assert applied
    assert home.json("db", "migrate")["applied"] == []
    status = home.json("db", "status")
    assert status["available"] is True
    assert status["migrations_applied"] == applied
    assert status["migrations_pending"] == []


def test_sim_reset_starts_afresh(home: Home) -> None:
    first = home.json("accounts")
    home.json("order", "buy", "MNQ", "1", "--yes")
    assert len(home.json("positions")) == 1
    assert home.json("sim", "reset", "--yes") == {"reset": "sim"}
    assert home.json("positions") == []
    assert home.json("orders") == []
    assert {row["id"] for row in home.json("accounts")}.isdisjoint(row["id"] for row in first)


def test_doctor_finds_nothing_wrong_on_a_fresh_machine(shared_home: Home) -> None:
    done = shared_home.run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 0, checks
    assert all(check["ok"] for check in checks.values())
    assert "PRAC" in checks["gateway"]["found"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
