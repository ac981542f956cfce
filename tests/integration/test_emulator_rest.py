"""The emulator's REST surface, spoken to over HTTP."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import pytest_asyncio
from emulator_fixture import STOPPED, RunningEmulator, running_emulator

from tradeconsole.emulator.app import ENDPOINTS
from tradeconsole.emulator.switches import Switches


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


def test_all_21_operations_are_served() -> None:
    assert len({endpoint.path.lower() for endpoint in ENDPOINTS}) == 21


async def test_a_login_gives_a_jwt_payload_first(emulator: RunningEmulator) -> None:
    response = await emulator.post(
        "/api/Auth/loginKey", {"userName": emulator.user.upper(), "apiKey": emulator.key}, token=""
    )
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert list(response.json()) == ["token", "success", "errorCode", "errorMessage"]
    payload = response.json()["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["exp"] - claims["iat"] == 86_400


@pytest.mark.parametrize(("user", "key"), [("demo", "wrong"), ("nobody", "wrong")])
async def test_wrong_credentials_are_error_3_without_a_message(
    emulator: RunningEmulator, user: str, key: str
) -> None:
    envelope = await emulator.call("/api/Auth/loginKey", userName=user, apiKey=key)
    assert envelope == {"token": None, "success": False, "errorCode": 3, "errorMessage": None}


async def test_a_login_without_a_key_is_a_bad_request(emulator: RunningEmulator) -> None:
    response = await emulator.post("/api/Auth/loginKey", {"userName": "demo"}, token="")
    assert response.status_code == 400
    assert response.json()["errors"] == {"ApiKey": ["The ApiKey field is required."]}
    assert response.json()["title"] == "One or more validation errors occurred."


async def test_an_application_login_is_refused(emulator: RunningEmulator) -> None:
    envelope = await emulator.call(
        "/api/Auth/loginApp", userName="demo", password="p", deviceId="d", appId="a", verifyKey="v"
    )
    assert (envelope["success"], envelope["errorCode"]) == (False, 4)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_a_call_without_a_valid_token_is_401_with_an_empty_body(
    emulator: RunningEmulator, token: str
) -> None:
    response = await emulator.post("/api/Account/search", {"onlyActiveAccounts": True}, token=token)
    assert (response.status_code, response.content) == (401, b"")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_expired_tokens_are_401_and_a_new_login_heals(emulator: RunningEmulator) -> None:
    emulator.order("expire-tokens")
    response = await emulator.post("/api/Account/search", {"onlyActiveAccounts": True})
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    await emulator.login()
    assert (await emulator.call("/api/Account/search", onlyActiveAccounts=True))["success"]


async def test_validate_gives_a_new_token_and_the_old_one_stays_valid(emulator: RunningEmulator) -> None:
    envelope = await emulator.call("/api/Auth/validate")
    assert list(envelope) == ["newToken", "success", "errorCode", "errorMessage"]
    for token in (emulator.token, envelope["newToken"]):
        response = await emulator.post("/api/Account/search", {"onlyActiveAccounts": True}, token=token)
        assert response.status_code == 200


async def test_logout_ends_the_token(emulator: RunningEmulator) -> None:
    assert (await emulator.call("/api/Auth/logout")) == {
        "success": True,
        "errorCode": 0,
        "errorMessage": None,
    }
    assert (await emulator.post("/api/Account/search", {"onlyActiveAccounts": True})).status_code == 401


async def test_accounts_have_the_gateways_names_and_shape(emulator: RunningEmulator) -> None:
    envelope = await emulator.call("/api/Account/search", onlyActiveAccounts=True)
    practice, combine = envelope["accounts"]
    assert list(practice) == ["id", "name", "balance", "canTrade", "isVisible", "simulated"]
    assert practice["name"].startswith("PRAC-V2-")
    assert combine["name"].startswith("50KTC-V2-")
    assert (practice["balance"], combine["balance"]) == (150_000, 50_000)


async def test_a_locked_account_is_not_an_active_one(emulator: RunningEmulator) -> None:
    emulator.order("account", account_id=emulator.practice_id, can_trade=False)
    active = await emulator.call("/api/Account/search", onlyActiveAccounts=True)
    every = await emulator.call("/api/Account/search", onlyActiveAccounts=False)
    assert [account["id"] for account in active["accounts"]] == [emulator.combine_id]
    assert len(every["accounts"]) == 2


async def test_paths_and_keys_match_in_any_case_and_unknown_keys_are_ignored(
    emulator: RunningEmulator,
) -> None:
    envelope = await emulator.call("/API/account/SEARCH", ONLYACTIVEACCOUNTS=True, startTime=5)
    assert len(envelope["accounts"]) == 2


async def test_unknown_routes_are_404_and_wrong_methods_405_both_empty(emulator: RunningEmulator) -> None:
    missing = await emulator.post("/api/Order/cancelAll")
    wrong = await emulator.http.get(f"{emulator.url}/api/Order/place")
    assert (missing.status_code, missing.content) == (404, b"")
    assert (wrong.status_code, wrong.content) == (405, b"")


async def test_wrong_types_and_broken_json_are_problem_details(emulator: RunningEmulator) -> None:
    for body in ('{"accountId":"12"}', "{", "", "[]"):
        response = await emulator.post("/api/Order/searchOpen", body)
        assert response.status_code == 400
        problem = response.json()
        assert list(problem) == ["type", "title", "status", "errors", "traceId"]
        assert problem["type"] == "https://tools.ietf.org/html/rfc9110#section-15.5.1"


async def test_a_body_that_is_not_json_is_415_and_a_huge_one_413(emulator: RunningEmulator) -> None:
    headers = {"Authorization": f"Bearer {emulator.token}", "Content-Type": "text/plain"}
    url = f"{emulator.url}/api/Order/searchOpen"
    assert (await emulator.http.post(url, content="{}", headers=headers)).status_code == 415
    assert (await emulator.post("/api/Order/searchOpen", '"' + "x" * 1_100_000 + '"')).status_code == 413


async def test_ping_answers_pong_without_a_token(emulator: RunningEmulator) -> None:
    assert (await emulator.http.get(f"{emulator.url}/api/Status/ping")).text == '"pong"'


async def test_the_date_header_carries_the_emulated_time() -> None:
    async with running_emulator(frozen=True) as emulator:
        emulator.step(86_400 * 30)
        response = await emulator.http.get(f"{emulator.url}/api/Status/ping")
        shown = parsedate_to_datetime(response.headers["date"])
        assert shown == emulator.gateway.clock.now().replace(microsecond=0)
        assert shown == datetime.fromisoformat(STOPPED) + timedelta(days=30)


async def test_contracts_are_51_and_none_for_live(emulator: RunningEmulator) -> None:
    rows = (await emulator.call("/api/Contract/available", live=False))["contracts"]
    assert len(rows) == 51
    assert list(rows[0]) == [
        "id",
        "name",
        "description",
        "tickSize",
        "tickValue",
        "activeContract",
        "symbolId",
    ]
    assert (await emulator.call("/api/Contract/available", live=True))["contracts"] == []
    yen = await emulator.post("/api/Contract/search", {"searchText": "6J", "live": False})
    assert b'"tickSize":0.0000005' in yen.content


async def test_search_is_fuzzy_and_capped_at_20(emulator: RunningEmulator) -> None:
    found = (await emulator.call("/api/Contract/search", searchText="NQ", live=False))["contracts"]
    assert {"F.US.ENQ", "F.US.MNQ"} <= {row["symbolId"] for row in found}
    assert len((await emulator.call("/api/Contract/search", live=False))["contracts"]) == 20


async def test_search_by_id_knows_expired_contracts_and_refuses_unknown_ones(
    emulator: RunningEmulator,
) -> None:
    expired = await emulator.call("/api/Contract/searchById", contractId="CON.F.US.MNQ.H20")
    unknown = await emulator.call("/api/Contract/searchById", contractId="CON.F.US.XXX.H20")
    assert expired["contract"]["name"] == "MNQH0"
    assert expired["contract"]["activeContract"] is False
    assert (unknown["contract"], unknown["errorCode"]) == (None, 1)


def window(**changes: object) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "live": False,
        "startTime": (now - timedelta(hours=3)).isoformat(),
        "endTime": (now + timedelta(hours=1)).isoformat(),
        "unit": 2,
        "unitNumber": 1,
        "limit": 100,
        "includePartialBar": False,
        **changes,
    }


async def test_bars_come_newest_first_and_the_limit_cuts_the_old_end(emulator: RunningEmulator) -> None:
    contract = emulator.contract("MNQ")
    every = (await emulator.call("/api/History/retrieveBars", contractId=contract, **window(limit=1000)))[
        "bars"
    ]
    few = (await emulator.call("/api/History/retrieveBars", contractId=contract, **window(limit=5)))["bars"]
    starts = [bar["t"] for bar in every]
    assert starts == sorted(starts, reverse=True)
    assert 170 <= len(every) <= 181
    assert few == every[:5]
    assert list(few[0]) == ["t", "o", "h", "l", "c", "v"]
    assert few[0]["t"].endswith(":00+00:00")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"contractId": "CON.F.US.NIX.Z26"}, 1),
        ({"unit": 0}, 2),
        ({"unit": 8}, 2),
        ({"unitNumber": 0}, 3),
        ({"limit": 20_001}, 4),
        ({"limit": 0}, 4),
    ],
)
async def test_bad_history_requests_have_their_codes(
    emulator: RunningEmulator, changes: dict[str, object], code: int
) -> None:
    body = window() | {"contractId": emulator.contract("ES")} | changes
    envelope = await emulator.call("/api/History/retrieveBars", **body)
    assert (envelope["success"], envelope["errorCode"]) == (False, code)


async def test_live_bars_are_an_empty_success(emulator: RunningEmulator) -> None:
    body = window(live=True, contractId=emulator.contract("ES"))
    assert (await emulator.call("/api/History/retrieveBars", **body))["bars"] == []


async def test_bars_of_every_unit_are_served_and_months_add_up(emulator: RunningEmulator) -> None:
    emulator.order("clock", frozen=True)
    contract = emulator.contract("ES")
    since = (datetime.now(UTC) - timedelta(days=200)).isoformat()
    for unit in (1, 2, 3, 4, 5, 6):
        body = window(unit=unit, startTime=since, limit=3, includePartialBar=True, contractId=contract)
        assert len((await emulator.call("/api/History/retrieveBars", **body))["bars"]) == 3
    days = window(unit=4, startTime=since, limit=500, includePartialBar=True, contractId=contract)
    months = days | {"unit": 6}
    day_rows = (await emulator.call("/api/History/retrieveBars", **days))["bars"]
    month_rows = (await emulator.call("/api/History/retrieveBars", **months))["bars"]
    # a month that began before the window is not in it
    whole = [row for row in day_rows if row["t"] >= month_rows[-1]["t"]]
    assert 0 < len(day_rows) - len(whole) < 32
    assert sum(row["v"] for row in whole) == sum(row["v"] for row in month_rows)
    assert month_rows[0]["c"] == day_rows[0]["c"]


async def test_the_51st_history_call_in_30_seconds_is_429_and_other_calls_pass(
    emulator: RunningEmulator,
) -> None:
    body = window(limit=1, contractId=emulator.contract("ES"))
    statuses = [(await emulator.post("/api/History/retrieveBars", body)).status_code for _ in range(51)]
    assert statuses == [200] * 50 + [429]
    assert (await emulator.post("/api/Account/search", {"onlyActiveAccounts": True})).status_code == 200


async def test_the_201st_call_in_60_seconds_is_429_logins_included() -> None:
    async with running_emulator(switches=Switches(retry_after=True)) as emulator:
        statuses = [
            (await emulator.post("/api/Account/search", {"onlyActiveAccounts": True})).status_code
            for _ in range(199)
        ]
        refused = await emulator.post("/api/Account/search", {"onlyActiveAccounts": True})
        assert set(statuses) == {200}
        assert (refused.status_code, refused.content) == (429, b"")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
