"""The REST surface against the gateway's reference: every row and field, key orders, nulls, codes and messages."""

import csv
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from emulator_fixture import Json, RunningEmulator, running_emulator

CONTRACTS = Path(__file__).parents[1] / "data" / "projectx" / "contracts_2026_08.csv"
START = "2026-08-19T15:00:00Z"
ALL_TIME = {"startTimestamp": "2020-01-01T00:00:00Z"}


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    """August 2026, a market that stands still, and a clock that is stepped."""
    async with running_emulator(frozen=True, volatility=0.0, start=START) as running:
        yield running


async def place(emulator: RunningEmulator, **changes: object) -> Json:
    body = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}
    return await emulator.call("/api/Order/place", **(body | {"type": 2, "side": 0} | changes))


async def orders(emulator: RunningEmulator, **query: object) -> Json:
    body = {"filter": {"accountId": emulator.practice_id}} | query
    return await emulator.call("/api/Order/v2/query", **body)


# -- contracts


def rows() -> list[dict[str, str]]:
    with CONTRACTS.open() as file:
        return list(csv.DictReader(file))


async def test_the_51_contracts_of_august_2026_are_those_of_the_reference(emulator: RunningEmulator) -> None:
    answer = await emulator.post("/api/Contract/available", {"live": False})
    listed = json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)["contracts"]
    assert [list(row) for row in listed[:1]] == [
        ["id", "name", "description", "tickSize", "tickValue", "activeContract", "symbolId"]
    ]
    found = {row["symbolId"]: row for row in listed}
    assert len(listed) == len(found) == len(rows()) == 51
    months = {"Q": "August", "U": "September", "V": "October", "X": "November", "Z": "December"}
    for row in rows():
        letter = row["contract_id"].split(".")[-1][0]
        assert found[row["symbol_id"]] == {
            "id": row["contract_id"],
            "name": row["name"],
            "description": f"{row['description']}: {months[letter]} 2026",
            "tickSize": Decimal(row["tick_size"]),
            "tickValue": Decimal(row["tick_value"]),
            "activeContract": True,
            "symbolId": row["symbol_id"],
        }


async def test_a_round_turn_costs_what_the_reference_says_in_every_product(emulator: RunningEmulator) -> None:
    for row in rows():
        contract = emulator.gateway.catalogue.known(row["contract_id"])
        assert contract.product.point_value == Decimal(row["point_value"])
        cost = 2 * (contract.product.fee + contract.product.commission)
        exact = row["verified"] == "true"
        assert abs(cost - Decimal(row["round_turn"])) <= (0 if exact else Decimal("0.021")), row["symbol"]


async def test_a_tick_size_of_half_a_millionth_is_written_without_an_exponent(
    emulator: RunningEmulator,
) -> None:
    answer = await emulator.post("/api/Contract/searchById", {"contractId": "CON.F.US.JY6.U26"})
    assert b'"tickSize":0.0000005,' in answer.content


# -- queries in pages


async def test_pages_of_a_query_together_are_the_whole_and_count_it(emulator: RunningEmulator) -> None:
    ids = [(await place(emulator, type=1, limitPrice=1))["orderId"] for _ in range(7)]
    seen: list[int] = []
    for offset in range(0, 9, 3):
        page = await orders(emulator, pageSize=3, pageOffset=offset, includeTotalCount=True)
        assert list(page) == ["orders", "totalCount", "success", "errorCode", "errorMessage"]
        assert page["totalCount"] == 7
        seen += [row["id"] for row in page["orders"]]
    assert seen == ids
    assert (await orders(emulator))["totalCount"] is None


@pytest.mark.parametrize("sort_by", [0, 1])
@pytest.mark.parametrize("direction", [0, 1])
async def test_a_query_is_sorted_as_asked(emulator: RunningEmulator, sort_by: int, direction: int) -> None:
    ids = []
    for _ in range(3):
        ids.append((await place(emulator, type=1, limitPrice=1))["orderId"])
        emulator.step(1)
    found = await orders(emulator, sortBy=sort_by, sortDirection=direction)
    assert [row["id"] for row in found["orders"]] == (ids[::-1] if direction else ids)


async def test_a_query_filters_by_status_contract_and_time(emulator: RunningEmulator) -> None:
    account = emulator.practice_id
    first = (await place(emulator, type=1, limitPrice=1))["orderId"]
    emulator.step(10)
    between = emulator.gateway.clock.now().isoformat()
    emulator.step(10)
    second = (await place(emulator, contractId=emulator.contract("MES"), type=1, limitPrice=1))["orderId"]
    await emulator.call("/api/Order/cancel", accountId=account, orderId=first)

    async def ids(**wanted: object) -> list[int]:
        found = await orders(emulator, filter={"accountId": account} | wanted)
        return [row["id"] for row in found["orders"]]

    assert await ids(statuses=[1]) == [second]
    assert await ids(statuses=[1, 3]) == await ids(statuses=[]) == await ids(statuses=None) == [first, second]
    assert await ids(statuses=[99]) == []
    assert await ids(contractId=emulator.contract("MES")) == [second]
    assert await ids(createdAfter=between) == [second]
    assert await ids(createdBefore=between) == [first]


async def test_a_query_of_a_foreign_account_is_not_found(emulator: RunningEmulator) -> None:
    found = await orders(emulator, filter={"accountId": 1})
    assert (found["success"], found["errorCode"]) == (False, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"pageSize": 0},
        {"pageSize": 1001},
        {"pageOffset": -1},
        {"sortBy": 2},
        {"sortDirection": 2},
    ],
)
async def test_a_query_out_of_range_is_problem_details_without_an_envelope(
    emulator: RunningEmulator, body: Json
) -> None:
    answer = await emulator.post(
        "/api/Order/v2/query", {"filter": {"accountId": emulator.practice_id}} | body
    )
    assert answer.status_code == 400
    assert {"type", "title", "status", "detail", "instance"} <= answer.json().keys()
    assert "success" not in answer.json()


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("Order/v2/query", {}, "Filter"),
        ("Order/v2/query", {"filter": {}}, "AccountId"),
        ("Order/place", {"accountId": "7"}, "$.accountId"),
        ("Order/place", {"accountId": 7, "contractId": "x", "type": 2, "side": 0, "size": 1.5}, "$.size"),
        (
            "Order/place",
            {"accountId": 7, "contractId": "x", "type": "Market", "side": 0, "size": 1},
            "$.type",
        ),
        ("Order/place", {"linkedOrderId": "x"}, "$.linkedOrderId"),
        ("Order/modify", {"accountId": 7}, "OrderId"),
        ("Order/cancel", {"orderId": 7}, "AccountId"),
        ("Order/search", {"accountId": 7, "startTimestamp": "yesterday"}, "$.startTimestamp"),
        ("Order/searchById", {"accountId": 7, "orderId": 2**63}, "$.orderId"),
        ("Account/search", {}, "OnlyActiveAccounts"),
        ("Contract/available", {"live": "no"}, "$.live"),
        ("Contract/searchById", {}, "ContractId"),
        ("History/retrieveBars", {"contractId": "x"}, "Live"),
        ("Position/partialCloseContract", {"accountId": 2**31}, "$.accountId"),
        ("Trade/search", {"accountId": None}, "$.accountId"),
        ("Auth/loginKey", {"userName": "demo"}, "ApiKey"),
    ],
)
async def test_wrong_or_missing_values_are_named_in_validation_problems(
    emulator: RunningEmulator, path: str, body: Json, key: str
) -> None:
    answer = await emulator.post(f"/api/{path}", body)
    problem = answer.json()
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert list(problem) == ["type", "title", "status", "errors", "traceId"]
    assert problem["title"] == "One or more validation errors occurred."
    assert key in problem["errors"]
    if key.startswith("$"):
        assert problem["errors"]["request"] == ["The request field is required."]
        assert f"Path: {key} | LineNumber: 0 | BytePositionInLine: " in problem["errors"][key][0]


# -- the order of checks, and rows


async def test_checks_come_in_the_order_of_the_reference(emulator: RunningEmulator) -> None:
    """Each request has every fault from its own to the last one; the first is told."""
    wrong: Json = {
        "accountId": 1,
        "contractId": "CON.F.US.NIX.U26",
        "type": 99,
        "size": 99,
        "limitPrice": 1.1,
        "customTag": "used",
        "stopLossBracket": {"ticks": 40, "type": 4},
    }
    await place(emulator, customTag="used", type=1, limitPrice=1)
    emulator.order("halt", contract="MNQ")
    emulator.order("account", account_id=emulator.practice_id, can_trade=False)
    told: list[tuple[int, str | None]] = []

    async def mend(**right: object) -> None:
        wrong.update(right)
        answer = await place(emulator, **wrong)
        told.append((answer["errorCode"], answer["errorMessage"]))

    await mend()
    await mend(accountId=emulator.practice_id)
    await mend(contractId="CON.F.US.MNQ.Z26")
    await mend(contractId=emulator.contract("MNQ"))
    emulator.order("account", account_id=emulator.practice_id, can_trade=True)
    await mend()
    emulator.order("halt", contract="MNQ", halted=False)
    await mend()
    await mend(type=1)
    await mend(limitPrice=1)
    await mend(customTag="free")
    await mend(stopLossBracket=None, customTag=None, size=999)
    assert told == [
        (1, None),
        (8, None),
        (9, None),
        (4, None),
        (2, "Trading is currently unavailable. The instrument is not in an active trading status."),
        (2, "Invalid order type."),
        (2, "Invalid limit price. Price is not aligned to tick size."),
        (2, "Specified custom tag is already in use: custom tag should be unique per account"),
        (2, "Invalid stop loss ticks (40). Ticks should be less than zero when longing."),
        (2, "Maximum position exceeded."),
    ]


async def test_rows_have_the_keys_of_the_reference_in_its_order(emulator: RunningEmulator) -> None:
    account = emulator.practice_id
    entry = (
        await place(
            emulator,
            customTag="x",
            stopLossBracket={"ticks": -40, "type": 4},
            takeProfitBracket={"ticks": 40, "type": 1},
        )
    )["orderId"]
    emulator.step(1)
    await emulator.call(
        "/api/Position/partialCloseContract", accountId=account, contractId=emulator.contract("MNQ"), size=1
    )
    await place(emulator)
    emulator.step(1)
    common = [
        "id", "accountId", "contractId", "symbolId", "creationTimestamp", "updateTimestamp", "status", "type",
        "side", "size", "limitPrice", "stopPrice", "fillVolume", "filledPrice", "customTag",
    ]  # fmt: skip
    found = await emulator.call("/api/Order/search", accountId=account, **ALL_TIME)
    keys = {row["id"]: list(row) for row in found["orders"]}
    tags = {row["id"]: row["customTag"] for row in found["orders"]}
    assert keys[entry] == common
    assert keys[entry + 1] == [*common, "parentOrderId"]
    assert keys[entry + 2] == [*common, "parentOrderId", "linkedOrderId"]
    assert [tags[entry + index] for index in range(3)] == ["x", "x-SL", "x-TP"]
    trades = (await emulator.call("/api/Trade/search", accountId=account, **ALL_TIME))["trades"]
    assert list(trades[0]) == [
        "id", "accountId", "contractId", "creationTimestamp", "price", "profitAndLoss", "fees", "commissions",
        "side", "size", "voided", "orderId",
    ]  # fmt: skip
    assert [trade["profitAndLoss"] is None for trade in trades] == [True, False, True]
    (position,) = (await emulator.call("/api/Position/searchOpen", accountId=account))["positions"]
    assert list(position) == [
        "id", "accountId", "contractId", "contractDisplayName", "creationTimestamp", "type", "size",
        "averagePrice",
    ]  # fmt: skip
    assert position["contractDisplayName"] == "MNQU26"


async def test_an_order_by_id_is_told_whole_or_not_found(emulator: RunningEmulator) -> None:
    refused = await place(emulator, type=1, limitPrice=1.1)
    found = await emulator.call(
        "/api/Order/searchById", accountId=emulator.practice_id, orderId=refused["orderId"]
    )
    assert list(found) == ["order", "success", "errorCode", "errorMessage"]
    assert (found["order"]["status"], found["order"]["limitPrice"]) == (5, 1.1)
    missing = await emulator.call("/api/Order/searchById", accountId=emulator.practice_id, orderId=1)
    assert missing == {"order": None, "success": False, "errorCode": 1, "errorMessage": None}


@pytest.mark.parametrize(
    ("path", "more", "payload"),
    [
        ("Order/search", ALL_TIME, "orders"),
        ("Order/searchOpen", {}, "orders"),
        ("Position/searchOpen", {}, "positions"),
        ("Trade/search", ALL_TIME, "trades"),
    ],
)
async def test_what_belongs_to_nobody_here_is_not_found(
    emulator: RunningEmulator, path: str, more: Json, payload: str
) -> None:
    found = await emulator.call(f"/api/{path}", accountId=1, **more)
    assert found == {payload: None, "success": False, "errorCode": 1, "errorMessage": None}


async def test_a_linked_order_id_is_taken_and_links_nothing(emulator: RunningEmulator) -> None:
    first = (await place(emulator, type=1, limitPrice=1))["orderId"]
    second = (await place(emulator, type=1, limitPrice=1, linkedOrderId=first))["orderId"]
    await emulator.call("/api/Order/cancel", accountId=emulator.practice_id, orderId=first)
    found = await emulator.call("/api/Order/searchOpen", accountId=emulator.practice_id)
    assert [row["id"] for row in found["orders"]] == [second]


# -- bars


async def bars(emulator: RunningEmulator, **changes: Any) -> Json:
    body = {
        "contractId": emulator.contract("MNQ"),
        "live": False,
        "startTime": "2026-08-10T00:00:00Z",
        "endTime": START,
        "unit": 2,
        "unitNumber": 1,
        "limit": 20_000,
        "includePartialBar": False,
    }
    return await emulator.call("/api/History/retrieveBars", **(body | changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"contractId": "CON.F.US.NIX.U26"}, 1),
        ({"unit": 0}, 2),
        ({"unit": 8}, 2),
        ({"unitNumber": 0}, 3),
        ({"limit": 0}, 4),
        ({"limit": 20_001}, 4),
    ],
)
async def test_bars_are_refused_with_the_codes_of_the_reference(
    emulator: RunningEmulator, changes: Json, code: int
) -> None:
    assert await bars(emulator, **changes) == {
        "bars": None,
        "success": False,
        "errorCode": code,
        "errorMessage": None,
    }


async def test_day_bars_are_stamped_at_the_session_open_and_weeks_at_their_first() -> None:
    async with running_emulator(frozen=True, calendar="cme", start=START) as emulator:
        days = (await bars(emulator, unit=4, endTime="2026-08-18T12:00:00Z"))["bars"]
        assert [bar["t"] for bar in days] == [
            f"2026-08-{day}T22:00:00+00:00" for day in (17, 16, 13, 12, 11, 10)
        ]
        weeks = (await bars(emulator, unit=5, startTime="2026-07-30T00:00:00Z", endTime=START))["bars"]
        assert [bar["t"] for bar in weeks] == ["2026-08-09T22:00:00+00:00", "2026-08-02T22:00:00+00:00"]


async def test_a_month_begins_with_its_first_trading_day_and_counts_when_it_is_over() -> None:
    async with running_emulator(frozen=True, calendar="cme", start=START) as emulator:
        window = {"unit": 6, "startTime": "2026-05-15T00:00:00Z", "endTime": "2026-09-01T00:00:00Z"}
        months = (await bars(emulator, **window))["bars"]
        assert [bar["t"] for bar in months] == ["2026-06-30T22:00:00+00:00", "2026-05-31T22:00:00+00:00"]
        with_this = (await bars(emulator, includePartialBar=True, **window))["bars"]
        assert with_this[0]["t"] == "2026-08-02T22:00:00+00:00"
        assert with_this[1:] == months
        days = (await bars(emulator, unit=4, startTime=months[0]["t"], endTime=with_this[0]["t"]))["bars"]
        assert months[0] == {
            "t": days[-1]["t"],
            "o": days[-1]["o"],
            "h": max(day["h"] for day in days),
            "l": min(day["l"] for day in days),
            "c": days[0]["c"],
            "v": sum(day["v"] for day in days),
        }
        assert (await bars(emulator, limit=1, **window))["bars"] == months[:1]
        pairs = (await bars(emulator, **window | {"unitNumber": 2}))["bars"]
        assert [bar["t"] for bar in pairs] == []


async def test_no_bar_stands_where_nobody_traded() -> None:
    async with running_emulator(frozen=True, calendar="cme", start=START) as emulator:
        found = (await bars(emulator, startTime="2026-08-14T19:00:00Z", endTime="2026-08-16T23:00:00Z"))[
            "bars"
        ]
        times = [datetime.fromisoformat(bar["t"]) for bar in found]
        closed = [
            time
            for time in times
            if datetime(2026, 8, 14, 21, tzinfo=UTC) <= time < datetime(2026, 8, 16, 22, tzinfo=UTC)
        ]
        assert (closed, times == sorted(times, reverse=True), len(times)) == ([], True, len(set(times)))
        assert min(times) == datetime(2026, 8, 14, 19, tzinfo=UTC)
        assert max(times) == datetime(2026, 8, 16, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize(("unit", "seconds"), [(1, 1), (2, 60), (3, 3600), (4, 86_400), (5, 604_800)])
async def test_the_bar_in_progress_comes_first_only_if_asked_for(unit: int, seconds: int) -> None:
    async with running_emulator(frozen=True, start="2026-08-19T15:20:30.5Z") as emulator:
        now = emulator.gateway.clock.now()
        window: Json = {
            "unit": unit,
            "startTime": (now - timedelta(seconds=30 * seconds)).isoformat(),
            "endTime": (now + timedelta(seconds=seconds)).isoformat(),
        }
        with_it = (await bars(emulator, includePartialBar=True, **window))["bars"]
        without = (await bars(emulator, **window))["bars"]
        assert with_it[1 if with_it != without else 0 :] == without
        assert all(
            datetime.fromisoformat(bar["t"]) + timedelta(seconds=seconds) <= now + timedelta(hours=1)
            for bar in without
        )
        if unit > 1:
            assert len(with_it) == len(without) + 1


async def test_an_empty_window_is_an_empty_success(emulator: RunningEmulator) -> None:
    for changes in (
        {"startTime": START},
        {"startTime": "2030-01-01T00:00:00Z", "endTime": "2031-01-01T00:00:00Z"},
    ):
        found = await bars(emulator, **changes)
        assert (found["bars"], found["success"]) == ([], True)


async def test_bars_of_ticks_hold_so_many_prints_each() -> None:
    async with running_emulator(frozen=True, start=START) as emulator:
        window: Json = {"unit": 7, "startTime": "2026-08-19T14:58:00Z", "endTime": "2026-08-19T15:30:00Z"}
        singles = (await bars(emulator, **window))["bars"]
        assert len(singles) > 30
        assert all(bar["o"] == bar["h"] == bar["l"] == bar["c"] for bar in singles)
        minute = (await bars(emulator, **window | {"unit": 2}))["bars"]
        assert sum(bar["v"] for bar in singles) == sum(bar["v"] for bar in minute)
        assert (minute[-1]["o"], minute[0]["c"]) == (singles[-1]["o"], singles[0]["c"])
        tens = (await bars(emulator, **window | {"unitNumber": 10}))["bars"]
        assert len(tens) == len(singles) // 10
        oldest = singles[::-1][:10]
        assert tens[-1] == {
            "t": oldest[0]["t"],
            "o": oldest[0]["o"],
            "h": max(bar["h"] for bar in oldest),
            "l": min(bar["l"] for bar in oldest),
            "c": oldest[-1]["c"],
            "v": sum(bar["v"] for bar in oldest),
        }
        partial = (await bars(emulator, includePartialBar=True, **window | {"unitNumber": 10}))["bars"]
        assert len(partial) == -(-len(singles) // 10)
        assert (await bars(emulator, **window | {"limit": 3}))["bars"] == singles[:3]
        emulator.gateway.turn("tickBars", "refused")
        assert (await bars(emulator, **window))["errorCode"] == 2
