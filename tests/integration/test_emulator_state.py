"""What the emulator remembers: over stops, kills, torn files, and as a process that several users share."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulator_fixture import RunningEmulator, running_emulator

from tradeconsole.domain.orders import OrderStatus
from tradeconsole.emulator.home import Home
from tradeconsole.emulator.leases import Lease, holders
from tradeconsole.emulator.process import EmulatorProcess, reset
from tradeconsole.errors import BrokerUnavailable, ConfigError, RequestRefused

EVERYTHING = {"startTimestamp": "2020-01-01T00:00:00Z"}


async def place(emulator: RunningEmulator, **changes: object) -> int:
    body = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}
    envelope = await emulator.call("/api/Order/place", **(body | {"type": 2, "side": 0} | changes))
    assert envelope["success"], envelope
    order_id: int = envelope["orderId"]
    return order_id


async def books(emulator: RunningEmulator) -> dict[str, Any]:
    """Everything that REST says of the practice account."""
    account = {"accountId": emulator.practice_id}
    return {
        path: await emulator.call(path, **account, **EVERYTHING)
        for path in ("/api/Order/search", "/api/Trade/search", "/api/Position/searchOpen")
    } | {"accounts": await emulator.call("/api/Account/search", onlyActiveAccounts=True)}


async def test_a_stopped_emulator_comes_back_with_the_same_books_key_and_port(tmp_path: Path) -> None:
    async with running_emulator(state_dir=tmp_path, seed=None, volatility=0.0) as emulator:
        await place(emulator, customTag="a", stopLossBracket={"ticks": -400, "type": 4})
        await asyncio.sleep(0.1)
        before, identity = await books(emulator), emulator.endpoint
    async with running_emulator(state_dir=tmp_path, seed=None, volatility=0.0) as emulator:
        assert emulator.endpoint == identity
        assert await books(emulator) == before


async def test_orders_that_would_have_filled_meanwhile_have_filled(tmp_path: Path) -> None:
    async with running_emulator(state_dir=tmp_path, frozen=True) as emulator:
        order_id = await place(emulator, type=1, limitPrice=emulator.last("MNQ") - 2)
        emulator.gateway.keep()
        started = emulator.gateway.clock.now()
    async with running_emulator(state_dir=tmp_path, frozen=True) as emulator:
        emulator.step(3600 * 24)
        order = emulator.gateway.exchange.order(emulator.practice_id, order_id)
        (trade,) = emulator.gateway.exchange.trades(emulator.practice_id)
        assert order is not None
        assert order.filled == 1
        assert started < trade.created_at < emulator.gateway.clock.now()


def bracket(emulator: RunningEmulator) -> dict[str, tuple[OrderStatus, Decimal | None]]:
    """Status and price of every order of the practice account, by tag."""
    orders = emulator.gateway.exchange.orders(emulator.practice_id)
    return {str(order.tag): (order.status, order.stop_price or order.limit_price) for order in orders}


PROTECTION = {"stopLossBracket": {"ticks": -400, "type": 4}, "takeProfitBracket": {"ticks": 800, "type": 1}}


@pytest.mark.parametrize("kept", [False, True], ids=["from the log", "from a snapshot"])
async def test_legs_work_after_a_kill_at_any_moment_of_their_entry(tmp_path: Path, *, kept: bool) -> None:
    living = tmp_path / "living"
    async with running_emulator(state_dir=living, frozen=True, fast=False, volatility=0.0) as emulator:
        await place(emulator, customTag="a", **PROTECTION)
        moments: list[set[OrderStatus]] = []
        for moment in range(25):
            if kept:
                emulator.gateway.keep()
            moments.append({status for status, _ in bracket(emulator).values()})
            shutil.copytree(living, tmp_path / f"{moment}")
            emulator.step(0.002)
        whole = bracket(emulator)
    assert {OrderStatus.SUSPENDED} < moments[0]
    assert {OrderStatus.FILLED, OrderStatus.SUSPENDED} in moments
    assert {OrderStatus.FILLED, OrderStatus.WORKING} in moments
    assert [status for status, _ in whole.values()] == [OrderStatus.FILLED] + [OrderStatus.WORKING] * 2
    for moment in range(len(moments)):
        async with running_emulator(state_dir=tmp_path / f"{moment}", volatility=0.0) as emulator:
            emulator.gateway.settle()
            assert bracket(emulator) == whole
            (position,) = emulator.gateway.exchange.positions(emulator.practice_id)
            assert position.size == 1


async def test_a_kill_after_any_command_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    living = tmp_path / "living"
    working: list[int] = []
    async with running_emulator(state_dir=living, frozen=True, volatility=0.0) as emulator:

        def killed_now() -> None:
            shutil.copytree(living, tmp_path / f"{len(working)}")
            emulator.step(1)
            working.append(sum(status is OrderStatus.WORKING for status, _ in bracket(emulator).values()))

        killed_now()
        first = await place(emulator, customTag="a", **PROTECTION)
        killed_now()
        stop = {"accountId": emulator.practice_id, "orderId": first + 1}
        assert (await emulator.call("/api/Order/modify", **stop, stopPrice=emulator.last("MNQ") - 50))[
            "success"
        ]
        killed_now()
        await place(emulator, customTag="b", **PROTECTION)
        killed_now()
        assert (await emulator.call("/api/Order/cancel", accountId=emulator.practice_id, orderId=first + 2))[
            "success"
        ]
        killed_now()
        moved = bracket(emulator)["a-SL"]
    assert working == [0, 2, 2, 4, 3]
    for number, expected in enumerate(working):
        async with running_emulator(state_dir=tmp_path / f"{number}", volatility=0.0) as emulator:
            emulator.gateway.settle()
            after = bracket(emulator)
            assert sum(status is OrderStatus.WORKING for status, _ in after.values()) == expected
            if number > 1:
                assert after["a-SL"] == moved


async def test_state_of_another_market_is_refused(tmp_path: Path) -> None:
    async with running_emulator(state_dir=tmp_path):
        pass
    with pytest.raises(ConfigError, match="belongs to another market"):
        async with running_emulator(state_dir=tmp_path, activity=2.0):
            pass


async def test_two_emulators_never_share_a_folder(tmp_path: Path) -> None:
    async with running_emulator(state_dir=tmp_path):
        with pytest.raises(ConfigError, match=f"already runs in .*process {os.getpid()}"):
            async with running_emulator(state_dir=tmp_path):
                pass


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with running_emulator(port=port):
                pass


async def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    async with running_emulator(state_dir=tmp_path):
        for name in ("installation.json", "endpoint.json"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0


class Shared:
    """A process's claim on an emulator process, with a REST caller."""

    def __init__(self, folder: Path) -> None:
        self.process = EmulatorProcess(folder)
        self.endpoint = self.process.start_or_attach()
        self.http = httpx.Client(base_url=self.endpoint.url, timeout=10)
        token = self.call("Auth/loginKey", userName=self.endpoint.user, apiKey=self.endpoint.key)["token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.pid: int = self.http.get("/__emu/status").json()["pid"]

    def call(self, operation: str, **body: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post(f"/api/{operation}", json=body).json()
        return answer

    def close(self) -> None:
        self.http.close()
        self.process.release()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A state folder whose emulator process is gone at the end."""
    home = tmp_path / "emulator"
    yield home
    runner = Home(home).runner() if home.exists() else None
    if runner is not None:
        os.kill(runner.pid, signal.SIGKILL)
        until(lambda: Home(home).runner() is None)


def until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_users_share_one_process_and_kill_9_loses_nothing_acknowledged(folder: Path) -> None:
    first, second = Shared(folder), Shared(folder)
    assert (first.endpoint, first.pid) == (second.endpoint, second.pid)
    account = first.call("Account/search", onlyActiveAccounts=True)["accounts"][0]["id"]
    contracts = first.call("Contract/search", searchText="MNQ", live=False)["contracts"]
    contract = next(row["id"] for row in contracts if row["symbolId"] == "F.US.MNQ")
    order = {
        "accountId": account,
        "contractId": contract,
        "type": 1,
        "side": 0,
        "size": 1,
        "limitPrice": 1000,
    }
    placed = [first.call("Order/place", **order, customTag=f"t{n}")["orderId"] for n in range(20)]
    os.kill(first.pid, signal.SIGKILL)
    again = Shared(folder)
    assert again.pid != first.pid
    assert again.endpoint == first.endpoint
    rows = again.call("Order/searchOpen", accountId=account)["orders"]
    assert [row["id"] for row in rows] == placed
    assert again.call("Order/place", **order, customTag="t0")["errorCode"] == 2
    for shared in (first, second, again):
        shared.close()


def test_a_torn_last_record_is_cut_off(folder: Path) -> None:
    shared = Shared(folder)
    account = shared.call("Account/search", onlyActiveAccounts=True)["accounts"][0]["id"]
    shared.call("Order/cancel", accountId=account, orderId=1)
    os.kill(shared.pid, signal.SIGKILL)
    with Home(folder).journal.open("ab") as log:
        log.write(b"\x40\x00\x00\x00torn")
    size = Home(folder).journal.stat().st_size
    again = Shared(folder)
    assert again.call("Account/search", onlyActiveAccounts=True)["success"]
    assert not Home(folder).journal.exists() or Home(folder).journal.stat().st_size < size
    shared.close()
    again.close()


def test_a_shared_emulator_ends_when_its_last_user_is_gone_however_it_died(folder: Path) -> None:
    code = (
        "import sys, pathlib, time\n"
        "from tradeconsole.emulator.process import EmulatorProcess\n"
        "EmulatorProcess(pathlib.Path(sys.argv[1])).start_or_attach()\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"ready\n"
        assert Home(folder).runner() is not None
        user.kill()
    until(lambda: Home(folder).runner() is None)
    assert Home(folder).endpoint() is None


def test_a_reset_is_refused_while_in_use_and_names_the_user(folder: Path) -> None:
    shared = Shared(folder)
    name = shared.call("Account/search", onlyActiveAccounts=True)["accounts"][0]["name"]
    with pytest.raises(RequestRefused, match=f"in use by process {os.getpid()}"):
        reset(folder)
    shared.close()
    reset(folder)
    assert Home(folder).runner() is None
    again = Shared(folder)
    assert again.call("Account/search", onlyActiveAccounts=True)["accounts"][0]["name"] != name
    again.close()


def test_a_reset_of_nothing_is_fine(tmp_path: Path) -> None:
    reset(tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_an_emulator_that_cannot_start_is_one_line_with_the_reason(folder: Path) -> None:
    folder.mkdir()
    (folder / "installation.json").write_text("{")
    process = EmulatorProcess(folder)
    with pytest.raises(BrokerUnavailable, match=r"does not start: .*installation\.json is damaged"):
        process.start_or_attach()
    process.release()


def test_claims_of_living_processes_are_told_and_others_cleared(tmp_path: Path) -> None:
    (tmp_path / "999999-dead").write_text("old")
    lease = Lease(tmp_path)
    (told,) = holders(tmp_path)
    assert told.startswith(f"process {os.getpid()} (")
    assert not (tmp_path / "999999-dead").exists()
    lease.release()
    lease.release()
    assert holders(tmp_path) == []


def run_program(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tradeconsole.emulator", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_prints_one_json_line_and_stops_cleanly_on_signals(folder: Path, number: int) -> None:
    with run_program("--state", str(folder), "--json") as program:
        assert program.stdout is not None
        ready = json.loads(program.stdout.readline())
        assert list(ready) == ["url", "user", "key"]
        assert httpx.get(f"{ready['url']}/api/Status/ping").text == '"pong"'
        program.send_signal(number)
        rest, errors = program.communicate(timeout=20)
        assert (program.returncode, rest, errors) == (0, b"", b"")
    assert Home(folder).snapshot.exists()


def test_a_second_program_on_the_same_folder_ends_with_one_line_and_a_code(folder: Path) -> None:
    with run_program("--state", str(folder)) as program:
        assert program.stdout is not None
        assert program.stdout.readline().startswith(b"ProjectX gateway emulator ready: url http://127.0.0.1:")
        with run_program("--state", str(folder)) as second:
            _, errors = second.communicate(timeout=20)
            assert second.returncode == 2
            assert errors.startswith(b"tradeconsole emulator: an emulator already runs in ")
            assert errors.count(b"\n") == 1
        program.terminate()
        program.communicate(timeout=20)
