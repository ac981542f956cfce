"""Emulators as a scenario file describes them: users, accounts under rules, and every switch."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from emulator_fixture import Json, RunningEmulator, running_emulator

from tradeconsole.emulator.options import in_scenario
from tradeconsole.emulator.scenario_file import read_scenario
from tradeconsole.emulator.switchboard import SWITCHES
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.records import PositionBrackets

MARKET = '[market]\nvolatility = 0\nfrozen = true\nstart = "2026-08-19T15:00:00Z"\n'
TWO_USERS = """
[[users]]
name = "Ann"
key = "a"
[[users.accounts]]
kind = "combine"
dll = true
[[users.accounts]]
kind = "practice"
[[users]]
name = "bob"
key = "b"
"""


def options_of(tmp_path: Path, text: str) -> dict[str, Any]:
    """Options for `running_emulator`."""
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    options = in_scenario(read_scenario(path), {"event_latency_ms": 0.0})
    return {name: getattr(options, name) for name in options.__struct_fields__}


async def switched(emulator: RunningEmulator, name: str, value: object) -> Json:
    answer = await emulator.http.post(f"{emulator.url}/__emu/switch", json={"name": name, "value": value})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["switches"])


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    """A market that stands still, and a clock that is stepped."""
    async with running_emulator(frozen=True, volatility=0.0) as running:
        yield running


async def place(emulator: RunningEmulator, account: int | None = None, **changes: object) -> Json:
    body = {"accountId": account or emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}
    return await emulator.call("/api/Order/place", **(body | {"type": 2, "side": 0} | changes))


# -- users and accounts


async def test_users_log_in_with_their_own_keys_and_see_their_own_accounts(tmp_path: Path) -> None:
    async with running_emulator(login=False, **options_of(tmp_path, MARKET + TWO_USERS)) as emulator:
        assert (emulator.user, emulator.key) == ("Ann", "a")
        seen = {}
        for user, key in (("ann", "a"), ("bob", "b")):
            login = await emulator.call("/api/Auth/loginKey", userName=user, apiKey=key)
            emulator.token = login["token"]
            rows = (await emulator.call("/api/Account/search", onlyActiveAccounts=True))["accounts"]
            seen[user] = [row["name"].rsplit("-", 2)[0] for row in rows]
            mine = rows[0]["id"]
        assert seen == {"ann": ["50KTC-V2-DLL", "PRAC-V2"], "bob": ["PRAC-V2"]}
        theirs = emulator.gateway.exchange.accounts("ann")[0].id
        assert (await place(emulator, theirs))["errorCode"] == 1
        assert (await place(emulator, mine))["success"]
        wrong = await emulator.call("/api/Auth/loginKey", userName="bob", apiKey="a")
        assert wrong["errorCode"] == 3


@pytest.mark.parametrize(
    ("login", "code", "message"),
    [
        (
            "agreements-not-signed",
            7,
            "Please log into the ProjectX platform and complete the required agreements",
        ),
        ("no-subscription", 9, None),
        ("key-login-disabled", 10, None),
    ],
)
async def test_a_right_key_may_still_open_nothing(
    tmp_path: Path, login: str, code: int, message: str | None
) -> None:
    text = f'[[users]]\nname = "ann"\nkey = "a"\nlogin = "{login}"\n'
    async with running_emulator(login=False, **options_of(tmp_path, text)) as emulator:
        right = await emulator.call("/api/Auth/loginKey", userName="ann", apiKey="a")
        assert right == {"token": None, "success": False, "errorCode": code, "errorMessage": message}
        wrong = await emulator.call("/api/Auth/loginKey", userName="ann", apiKey="x")
        assert wrong["errorCode"] == 3


async def test_only_the_products_of_a_scenario_are_listed(tmp_path: Path) -> None:
    text = '[market]\nproducts = ["MNQ", "es"]\n' + TWO_USERS
    async with running_emulator(**options_of(tmp_path, text)) as emulator:
        listed = await emulator.call("/api/Contract/available", live=False)
        assert {row["symbolId"] for row in listed["contracts"]} == {"F.US.MNQ", "F.US.EP"}


async def test_a_scenario_keeps_its_state_over_a_restart(tmp_path: Path) -> None:
    options = options_of(tmp_path, MARKET + TWO_USERS) | {"state_dir": tmp_path / "state"}
    async with running_emulator(**options) as emulator:
        account = emulator.gateway.exchange.accounts("ann")[1].id
        await place(emulator, account, customTag="kept")
        emulator.step(1)
        await switched(emulator, "limitFill", "touch")
        emulator.gateway.keep()
        before = await emulator.call("/api/Account/search", onlyActiveAccounts=True)
    async with running_emulator(**options) as emulator:
        assert await emulator.call("/api/Account/search", onlyActiveAccounts=True) == before
        found = await emulator.call("/api/Position/searchOpen", accountId=account)
        assert [row["size"] for row in found["positions"]] == [1]
        assert (await place(emulator, account, customTag="kept"))["errorCode"] == 2
        assert emulator.control.status().switches["limitFill"] == "touch"


async def test_a_state_of_other_accounts_is_not_mixed_with_a_changed_scenario(tmp_path: Path) -> None:
    state = {"state_dir": tmp_path / "state"}
    async with running_emulator(**options_of(tmp_path, MARKET + TWO_USERS) | state):
        pass
    changed = options_of(tmp_path, MARKET + TWO_USERS + "[[users.accounts]]\nkind = 'express'\n")
    with pytest.raises(ConfigError, match="belongs to another market"):
        async with running_emulator(**changed | state):
            pass


async def test_the_daily_limit_is_told_as_account_events(tmp_path: Path) -> None:
    async with running_emulator(**options_of(tmp_path, MARKET + TWO_USERS)) as emulator:
        account = emulator.gateway.exchange.accounts("ann")[0].id
        async with emulator.hub("user") as hub:
            await hub.invoke("SubscribeAccounts")
            await place(emulator, account, size=10)
            emulator.step(1)
            emulator.order("move", contract="MNQ", ticks=-210)
            emulator.step(1)
            await hub.until(
                lambda: any(not event["data"]["canTrade"] for (event,) in hub.of("GatewayUserAccount"))
            )
            emulator.step(8 * 3600)
            await hub.until(lambda: hub.of("GatewayUserAccount")[-1][0]["data"]["canTrade"])
        found = await emulator.call("/api/Position/searchOpen", accountId=account)
        assert found["positions"] == []


async def test_a_breached_account_that_is_reset_has_another_id_and_name(tmp_path: Path) -> None:
    async with running_emulator(**options_of(tmp_path, MARKET + TWO_USERS)) as emulator:
        old = emulator.gateway.exchange.accounts("ann")[0]
        await place(emulator, old.id, size=40)
        emulator.step(1)
        emulator.order("move", contract="MNQ", ticks=-200)
        emulator.step(1)
        search = {"onlyActiveAccounts": True}
        rows = (await emulator.call("/api/Account/search", **search))["accounts"]
        assert old.id not in {row["id"] for row in rows}
        emulator.order("reset", account_id=old.id)
        rows = (await emulator.call("/api/Account/search", **search))["accounts"]
        new = rows[-1]
        assert new["id"] != old.id
        assert new["name"] != old.name
        assert new["name"].startswith("50KTC-V2-DLL-")
        assert (new["balance"], new["canTrade"]) == (50_000, True)
        assert (await place(emulator, new["id"], customTag="again"))["success"]
        everything = (await emulator.call("/api/Account/search", onlyActiveAccounts=False))["accounts"]
        (hidden,) = [row for row in everything if row["id"] == old.id]
        assert (hidden["canTrade"], hidden["isVisible"]) == (False, False)


async def test_the_limit_counts_ten_micros_as_a_mini_and_crypto_micros_as_minis(tmp_path: Path) -> None:
    async with running_emulator(**options_of(tmp_path, MARKET + TWO_USERS)) as emulator:
        account = emulator.gateway.exchange.accounts("ann")[0].id

        async def taken(symbol: str, size: int) -> bool:
            contract = emulator.contract(symbol)
            placed = await place(emulator, account, contractId=contract, size=size)
            emulator.step(0.5)
            await emulator.call("/api/Position/closeContract", accountId=account, contractId=contract)
            emulator.step(0.5)
            return bool(placed["success"])

        limits = {"ES": 5, "MES": 50, "MBT": 5, "MET": 5, "SIL": 25}
        for symbol, lots in limits.items():
            assert [await taken(symbol, size) for size in (lots, lots + 1)] == [True, False], symbol


async def test_the_example_of_the_documentation_runs() -> None:
    example = Path(__file__).parents[2] / "docs" / "scenario.toml"
    options = in_scenario(read_scenario(example), {"frozen": True})
    given = {name: getattr(options, name) for name in options.__struct_fields__}
    async with running_emulator(fast=False, **given) as emulator:
        assert emulator.control.status().time == "2026-08-19T13:30:00+00:00"
        assert len(emulator.gateway.exchange.accounts("ann")) == 4
        assert (await place(emulator))["success"]


# -- switches


async def test_every_switch_is_shown_with_its_default(emulator: RunningEmulator) -> None:
    shown = (await emulator.http.get(f"{emulator.url}/__emu/status")).json()["switches"]
    expected = {switch.name: switch.default for switch in SWITCHES}
    assert shown == expected | {"eventLatencyMs": "0", "orderLatencyMs": "1"}


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.name)
async def test_a_switch_takes_its_values_and_no_others(emulator: RunningEmulator, switch: Any) -> None:
    values = list(switch.words) if switch.words is not None else [switch.least, 7]
    url = f"{emulator.url}/__emu/switch"
    for value in values:
        answer = await emulator.http.post(url, json={"name": switch.name.upper(), "value": value})
        if switch.fixed:
            assert "set at the start" in answer.json()["error"]
        else:
            shown = answer.json()["switches"][switch.name]
            assert shown == (value if switch.words else f"{value:g}")
    refused = await emulator.http.post(url, json={"name": switch.name, "value": "sideways"})
    assert refused.json()["error"].endswith(f"expected {switch.values}")


async def test_brackets_follow_their_switches_and_the_accounts_own_mode(emulator: RunningEmulator) -> None:
    unsigned = {"stopLossBracket": {"ticks": 40, "type": 4}}
    assert (await place(emulator, **unsigned))["errorCode"] == 2
    await switched(emulator, "bracketSign", "lenient")
    assert (await place(emulator, **unsigned))["success"]
    await switched(emulator, "bracketMode", "PositionBrackets")
    refused = await place(emulator, **unsigned)
    assert refused["errorMessage"] == (
        "Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets."
    )
    emulator.order("account", account_id=emulator.practice_id, bracket_mode="AutoOCO")
    assert (await place(emulator, **unsigned))["success"]


async def test_the_platforms_own_brackets_are_set_up_over_the_control_plane(
    emulator: RunningEmulator,
) -> None:
    account = emulator.practice_id
    pair = PositionBrackets(stop_ticks=40, target_ticks=80)
    emulator.order("account", account_id=account, position_brackets=pair)
    assert (await place(emulator, stopLossBracket={"ticks": -40, "type": 4}))["errorCode"] == 2
    emulator.step(1)
    assert (await place(emulator))["success"]
    emulator.step(1)
    orders = (await emulator.call("/api/Order/searchOpen", accountId=account))["orders"]
    assert [(order["type"], order["side"], order["customTag"]) for order in orders] == [
        (4, 1, None),
        (1, 1, None),
    ]
    assert "parentOrderId" not in orders[0]
    assert orders[1]["linkedOrderId"] == orders[0]["id"]
    await emulator.call("/api/Position/closeContract", accountId=account, contractId=emulator.contract("MNQ"))
    emulator.step(1)
    assert not (await emulator.call("/api/Order/searchOpen", accountId=account))["orders"]
    emulator.order("account", account_id=account, position_brackets=PositionBrackets())
    assert (await place(emulator))["success"]
    emulator.step(1)
    assert not (await emulator.call("/api/Order/searchOpen", accountId=account))["orders"]


async def test_refusals_that_nobody_knows_have_the_code_that_is_switched(emulator: RunningEmulator) -> None:
    codes = []
    for locked, window, limit in (
        ("AccountViolation", "OutsideTradingHours", "OrderRejected"),
        ("AccountRejected", "OrderRejected", "AccountViolation"),
    ):
        await switched(emulator, "lockedAccountCode", locked)
        await switched(emulator, "closedWindowCode", window)
        await switched(emulator, "maxPositionCode", limit)
        codes.append((await place(emulator, size=999))["errorCode"])
        emulator.order("session")
        codes.append((await place(emulator))["errorCode"])
        emulator.order("session", closed=False)
        emulator.order("account", account_id=emulator.practice_id, can_trade=False)
        codes.append((await place(emulator))["errorCode"])
        emulator.order("account", account_id=emulator.practice_id, can_trade=True)
    assert codes == [2, 5, 4, 4, 2, 10]


async def test_waiting_legs_take_prices_of_their_own_where_that_is_switched(
    emulator: RunningEmulator,
) -> None:
    last = round(emulator.last("MNQ"))
    legs = {"stopLossBracket": {"ticks": -40, "type": 4}, "takeProfitBracket": {"ticks": 40, "type": 1}}
    entry = (await place(emulator, type=1, limitPrice=last - 5, **legs))["orderId"]
    change = {"accountId": emulator.practice_id, "orderId": entry + 1, "stopPrice": last - 25.5}
    assert (await emulator.call("/api/Order/modify", **change))["errorCode"] == 3
    await switched(emulator, "modifySuspended", "on")
    assert (await emulator.call("/api/Order/modify", **change))["success"]
    wrong = await emulator.call("/api/Order/modify", **change | {"stopPrice": last - 25.6})
    assert wrong["errorCode"] == 3
    emulator.order("move", contract="MNQ", ticks=-30)
    emulator.step(1)
    rows = (await emulator.call("/api/Order/searchOpen", accountId=emulator.practice_id))["orders"]
    prices = {row["id"]: row["stopPrice"] or row["limitPrice"] for row in rows}
    assert prices == {entry + 1: last - 25.5, entry + 2: last - 5 + 10}


@pytest.mark.parametrize(("value", "working"), [("off", 2), ("on", 0)])
async def test_closing_leaves_the_legs_or_cancels_them(
    emulator: RunningEmulator, value: str, working: int
) -> None:
    await switched(emulator, "closeContractCancelsBrackets", value)
    legs = {"stopLossBracket": {"ticks": -40, "type": 4}, "takeProfitBracket": {"ticks": 40, "type": 1}}
    await place(emulator, **legs)
    emulator.step(1)
    await emulator.call(
        "/api/Position/closeContract", accountId=emulator.practice_id, contractId=emulator.contract("MNQ")
    )
    emulator.step(1)
    found = await emulator.call("/api/Order/searchOpen", accountId=emulator.practice_id)
    assert len(found["orders"]) == working


async def test_slippage_and_latency_of_fills_are_as_switched(emulator: RunningEmulator) -> None:
    ask = emulator.gateway.exchange.quote(emulator.contract("MNQ"))
    assert ask is not None
    assert ask.ask is not None
    await switched(emulator, "slippageTicks", 3)
    await switched(emulator, "orderLatencyMs", 400)
    placed = await place(emulator)
    where = {"accountId": emulator.practice_id, "orderId": placed["orderId"]}
    emulator.step(0.3)
    assert (await emulator.call("/api/Order/searchById", **where))["order"]["status"] == 6
    emulator.step(0.2)
    filled = (await emulator.call("/api/Order/searchById", **where))["order"]
    assert (filled["status"], filled["filledPrice"]) == (2, ask.ask + 0.75)


async def test_repeated_events_can_be_switched_off(emulator: RunningEmulator) -> None:
    await switched(emulator, "duplicateAccountEvent", False)
    await switched(emulator, "reEmitEntryTrade", False)
    async with emulator.hub("user") as hub:
        await hub.invoke("SubscribeAccounts")
        await hub.invoke("SubscribeTrades", emulator.practice_id)
        for side in (0, 1):
            await place(emulator, side=side)
            emulator.step(1)
        await hub.wait_for("GatewayUserAccount", 2)
        await hub.invoke("SubscribeAccounts")
        assert (len(hub.of("GatewayUserAccount")), len(hub.of("GatewayUserTrade"))) == (2, 2)


async def test_events_change_their_wrapping_while_everything_runs(emulator: RunningEmulator) -> None:
    await switched(emulator, "userEventEnvelope", "flat")
    await switched(emulator, "marketPayload", "object")
    await switched(emulator, "quoteMode", "full")
    async with emulator.hub("user") as user, emulator.hub("market") as market:
        await user.invoke("SubscribeAccounts")
        contract = emulator.contract("MNQ")
        await market.invoke("SubscribeContractQuotes", contract)
        await market.invoke("SubscribeContractTrades", contract)
        await place(emulator)
        emulator.step(1)
        emulator.order("move", contract="MNQ", ticks=4)
        ((account,), *_) = await user.wait_for("GatewayUserAccount")
        assert account["id"] == emulator.practice_id
        (_, first), *_ = await market.wait_for("GatewayTrade")
        assert first["contractId"] == contract
        quotes = await market.wait_for("GatewayQuote", 2)
        assert {"lastPrice", "bestBid", "bestAsk", "open", "high", "low", "volume"} <= quotes[-1][1].keys()


async def test_hubs_can_be_stalled_and_dropped_again_and_again(emulator: RunningEmulator) -> None:
    async with emulator.hub("user") as hub:
        await hub.invoke("SubscribeAccounts")
        await switched(emulator, "stall", "on")
        await place(emulator)
        emulator.step(1)
        await switched(emulator, "stall", "off")
        await hub.invoke("SubscribeAccounts")
        assert hub.events == []
    await switched(emulator, "dropEvery", 0.2)
    for _ in range(2):
        async with emulator.hub("market") as hub:
            await hub.wait_closed()
            assert hub.events == []


async def test_two_sessions_of_a_user_live_side_by_side_where_that_is_switched(
    emulator: RunningEmulator,
) -> None:
    await switched(emulator, "singleSession", "off")
    async with emulator.hub("user") as first, emulator.hub("user") as second:
        assert "error" not in await first.invoke("SubscribeAccounts")
        assert "error" not in await second.invoke("SubscribeAccounts")


async def test_a_failed_call_shows_its_payload_as_null_or_not_at_all(emulator: RunningEmulator) -> None:
    nobody = {"accountId": 1}
    told = await emulator.call("/api/Position/searchOpen", **nobody)
    assert list(told) == ["positions", "success", "errorCode", "errorMessage"]
    await switched(emulator, "failurePayload", "absent")
    told = await emulator.call("/api/Position/searchOpen", **nobody)
    assert told == {"success": False, "errorCode": 1, "errorMessage": None}
    found = await emulator.call("/api/Order/v2/query", filter={"accountId": emulator.practice_id})
    assert found["totalCount"] is None


async def test_calls_fail_in_bursts_after_the_reopening(tmp_path: Path) -> None:
    text = MARKET.replace("15:00:00", "21:59:50") + "[switches]\nemptyBody5xxWindow = 30\n" + TWO_USERS
    async with running_emulator(**options_of(tmp_path, text)) as emulator:
        search = {"onlyActiveAccounts": True}
        assert (await emulator.post("/api/Account/search", search)).status_code == 200
        emulator.step(15)
        answers = [await emulator.post("/api/Account/search", search) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [503, 200, 502, 500]
        assert answers[1].content == b""
        emulator.step(30)
        assert (await emulator.post("/api/Account/search", search)).json()["success"]


@pytest.mark.parametrize("levels", [0, 3, 10])
async def test_the_book_shows_as_many_levels_as_the_scenario_says(tmp_path: Path, levels: int) -> None:
    text = MARKET + f"[switches]\ndepthLevels = {levels}\n" + TWO_USERS
    async with running_emulator(**options_of(tmp_path, text)) as emulator:
        contract = emulator.contract("MNQ")
        async with emulator.hub("market") as hub:
            await hub.invoke("SubscribeContractMarketDepth", contract)
            _, (_, snapshot) = await hub.wait_for("GatewayDepth", 2)
            emulator.step(30)
            emulator.order("move", contract="MNQ", ticks=40)
            await hub.wait_for("GatewayDepth", 3)
            later = [row for _, rows in hub.of("GatewayDepth")[2:] for row in rows if row["type"] in (1, 2)]
        rows = [row for row in snapshot if row["type"] in (1, 2)]
        assert len(rows) == 2 * levels
        assert bool(later) is bool(levels)
