"""Acceptance of the gateway, REST: literal requests over plain sockets, answers compared to the byte."""

import base64
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from emulator_fixture import running_emulator
from raw_gateway import Wire, request, rest_shape

NOTHING = '"success":true,"errorCode":0,"errorMessage":null}'


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with (
        running_emulator(login=False) as running,
        Wire(running.url, running.user, running.key) as wire,
    ):
        await wire.login()
        yield wire


async def test_a_login_answers_to_the_byte(wire: Wire) -> None:
    body = f'{{"userName":"{wire.user}","apiKey":"{wire.key}"}}'
    answer = await wire.post("/api/Auth/loginKey", body, token="")
    assert re.fullmatch(
        rb'\{"token":"[\w-]+\.[\w-]+\.[\w-]+","success":true,"errorCode":0,"errorMessage":null\}', answer.body
    )
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    payload = answer.json()["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["exp"] - claims["iat"] == 86_400
    assert abs(claims["iat"] - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize("user", ["demo", "nobody"])
async def test_a_wrong_user_or_key_is_error_3_to_the_byte(wire: Wire, user: str) -> None:
    answer = await wire.post("/api/Auth/loginKey", f'{{"userName":"{user}","apiKey":"x"}}', token="")
    assert (answer.status, answer.body) == (
        200,
        b'{"token":null,"success":false,"errorCode":3,"errorMessage":null}',
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (7, "Please log into the ProjectX platform and complete the required agreements"),
        (9, None),
        (10, None),
    ],
)
async def test_a_login_can_be_refused_for_the_users_standing(
    wire: Wire, code: int, message: str | None
) -> None:
    await wire.control("fail", path="/api/auth/loginkey", code=code, message=message)
    refused = await wire.call("/api/Auth/loginKey", userName=wire.user, apiKey=wire.key)
    assert (refused["success"], refused["errorCode"], refused["errorMessage"]) == (False, code, message)
    assert not refused.get("token")
    assert (await wire.call("/api/Auth/loginKey", userName=wire.user, apiKey=wire.key))["success"]


@pytest.mark.parametrize(
    "body", ['{"userName":"demo"}', '{"apiKey":"k"}', "{}", '{"userName":null,"apiKey":"k"}']
)
async def test_a_login_without_user_or_key_is_a_400_and_no_envelope(wire: Wire, body: str) -> None:
    answer = await wire.post("/api/Auth/loginKey", body, token="")
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    problem = answer.json()
    assert list(problem) == ["type", "title", "status", "errors", "traceId"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", problem["traceId"])


async def test_a_wrong_type_names_the_field_and_the_place_as_aspnet_does(wire: Wire) -> None:
    answer = await wire.post("/api/Order/searchOpen", '{"accountId":"12345"}')
    body = re.sub(rb'"00-[0-9a-f-]+"', b'"trace"', answer.body)
    assert (answer.status, body.decode()) == (
        400,
        (
            '{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1",'
            '"title":"One or more validation errors occurred.","status":400,'
            '"errors":{"request":["The request field is required."],'
            '"$.accountId":["The JSON value could not be converted to System.Int32. '
            'Path: $.accountId | LineNumber: 0 | BytePositionInLine: 20."]},"traceId":"trace"}'
        ),
    )


async def test_an_expired_token_is_401_with_an_empty_body_and_a_challenge(wire: Wire) -> None:
    await wire.control("expire-tokens")
    for path in ("/api/Account/search", "/api/Auth/validate", "/hubs/user/negotiate"):
        answer = await wire.post(path, '{"onlyActiveAccounts":true}')
        assert (answer.status, answer.body) == (401, b"")
        assert re.fullmatch(
            r'Bearer error="invalid_token", error_description="[^"]+"', answer.headers["www-authenticate"]
        )


async def test_a_token_of_another_deployment_is_named_as_such(wire: Wire) -> None:
    head, payload, _ = wire.token.split(".")
    answer = await wire.post("/api/Account/search", "{}", token=f"{head}.{payload}.c2lnbmF0dXJl")
    assert answer.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The signature key was not found"'
    )


@pytest.mark.parametrize("body", ["", "{}"])
async def test_validate_takes_no_body_or_an_empty_one_and_gives_a_new_token(wire: Wire, body: str) -> None:
    answer = await wire.post("/api/Auth/validate", body)
    assert re.fullmatch(
        rb'\{"newToken":"[\w-]+\.[\w-]+\.[\w-]+","success":true,"errorCode":0,"errorMessage":null\}',
        answer.body,
    )
    for token in (wire.token, answer.json()["newToken"]):
        again = await wire.post("/api/Account/search", '{"onlyActiveAccounts":true}', token=token)
        assert again.status == 200


async def test_bodiless_posts_need_neither_length_nor_type(wire: Wire) -> None:
    raw = f"POST /api/Auth/logout HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {wire.token}\r\n\r\n"
    answer = await wire.send(raw.encode())
    assert (answer.status, answer.body) == (200, b'{"success":true,"errorCode":0,"errorMessage":null}')
    assert (await wire.post("/api/Account/search", '{"onlyActiveAccounts":true}')).status == 401


async def test_accounts_are_rows_as_recorded(wire: Wire) -> None:
    answer = await wire.post("/api/Account/search", '{"onlyActiveAccounts":true}')
    row = r'\{"id":\d+,"name":"(?:PRAC-V2|50KTC-V2(?:-DLL)?)-[\w-]+","balance":%d,"canTrade":true,"isVisible":true,"simulated":true\}'
    text = answer.body.decode()
    assert text.startswith('{"accounts":[')
    assert text.endswith("]," + NOTHING)
    assert re.search(row % 150_000, text)
    assert re.search(row % 50_000, text)


async def test_live_data_is_an_empty_success_to_the_byte(wire: Wire) -> None:
    empty = ('{"contracts":[],' + NOTHING).encode()
    assert (await wire.post("/api/Contract/available", '{"live":true}')).body == empty
    assert (await wire.post("/api/Contract/search", '{"searchText":"ES","live":true}')).body == empty


async def test_a_contract_is_a_row_as_recorded(wire: Wire) -> None:
    contract_id = await wire.contract("F.US.ENQ")
    answer = await wire.post("/api/Contract/searchById", f'{{"contractId":"{contract_id}"}}')
    assert re.fullmatch(
        r'\{"contract":\{"id":"CON\.F\.US\.ENQ\.[FGHJKMNQUVXZ]\d\d","name":"NQ[FGHJKMNQUVXZ]\d",'
        r'"description":"E-mini NASDAQ-100: [A-Z][a-z]+ 20\d\d","tickSize":0\.25,"tickValue":5,'
        r'"activeContract":true,"symbolId":"F\.US\.ENQ"\},' + re.escape(NOTHING),
        answer.body.decode(),
    )
    missing = await wire.post("/api/Contract/searchById", '{"contractId":"CON.F.US.NIX.Z99"}')
    assert missing.body == b'{"contract":null,"success":false,"errorCode":1,"errorMessage":null}'


async def test_search_is_fuzzy_and_stops_at_20_rows(wire: Wire) -> None:
    found = (await wire.call("/api/Contract/search", searchText="NQ", live=False))["contracts"]
    assert {"F.US.ENQ", "F.US.MNQ"} < {row["symbolId"] for row in found}
    found = (await wire.call("/api/Contract/search", searchText="ES", live=False))["contracts"]
    assert {"F.US.EP", "F.US.MES"} < {row["symbolId"] for row in found}
    assert len((await wire.call("/api/Contract/search", searchText="", live=False))["contracts"]) == 20
    assert len((await wire.call("/api/Contract/available", live=False))["contracts"]) == 51


def window(contract_id: str, **changes: object) -> str:
    now = datetime.now(UTC)
    body: dict[str, object] = {
        "contractId": contract_id,
        "live": False,
        "startTime": (now - timedelta(hours=2)).isoformat(),
        "endTime": now.isoformat(),
        "unit": 2,
        "unitNumber": 1,
        "limit": 20_000,
        "includePartialBar": True,
    }
    return json.dumps(body | changes)


async def test_bars_are_rows_as_recorded_newest_first_and_the_limit_cuts_the_old_end(wire: Wire) -> None:
    contract_id = await wire.contract("F.US.MNQ")
    answer = await wire.post("/api/History/retrieveBars", window(contract_id, includePartialBar=False))
    number = r"\d+(?:\.\d*[1-9])?"
    bar = (
        rf'\{{"t":"\d{{4}}-\d\d-\d\dT\d\d:\d\d:00\+00:00","o":{number},"h":{number},"l":{number},'
        rf'"c":{number},"v":\d+\}}'
    )
    assert re.fullmatch(rf'\{{"bars":\[{bar}(?:,{bar})*\],' + re.escape(NOTHING), answer.body.decode())
    bars = answer.json()["bars"]
    times = [bar["t"] for bar in bars]
    assert len(bars) > 100
    assert times == sorted(times, reverse=True)
    few = await wire.post(
        "/api/History/retrieveBars", window(contract_id, includePartialBar=False, limit=3, endTime=times[0])
    )
    assert few.json()["bars"] == bars[1:4] or few.json()["bars"] == bars[:3]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"limit": 20_001}, 4), ({"limit": 0}, 4), ({"unit": 0}, 2), ({"unitNumber": 0}, 3)],
)
async def test_bars_out_of_bounds_have_their_codes(wire: Wire, changes: dict[str, object], code: int) -> None:
    answer = await wire.post("/api/History/retrieveBars", window(await wire.contract("F.US.EP"), **changes))
    assert (answer.status, answer.json()["errorCode"], answer.json()["success"]) == (200, code, False)


async def test_live_bars_are_an_empty_success(wire: Wire) -> None:
    answer = await wire.post("/api/History/retrieveBars", window(await wire.contract("F.US.EP"), live=True))
    assert answer.body == ('{"bars":[],' + NOTHING).encode()


async def test_paths_and_keys_match_in_any_case_and_unknown_keys_say_nothing(wire: Wire) -> None:
    body = '{"ONLYactiveACCOUNTS":true,"startTime":"not even a time","x":{"y":[1]}}'
    answer = await wire.post("/API/account/Search", body)
    assert len(answer.json()["accounts"]) >= 2


@pytest.mark.parametrize("kind", ["application/json", "text/json", "application/vnd.x+json; charset=utf-8"])
async def test_json_goes_by_several_names_and_is_answered_as_json(wire: Wire, kind: str) -> None:
    answer = await wire.post(
        "/api/Account/search", '{"onlyActiveAccounts":true}', content_type=kind, accept="text/plain"
    )
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_ping_is_a_get_without_a_token_that_answers_a_string(wire: Wire) -> None:
    answer = await wire.send(request("GET", "/api/Status/ping"))
    assert (answer.status, answer.body) == (200, b'"pong"')


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_wrong_methods_are_405_and_unknown_routes_404_both_empty(wire: Wire, method: str) -> None:
    wrong = await wire.send(request(method, "/api/Order/place"))
    assert (wrong.status, wrong.body, wrong.headers["allow"]) == (405, b"", "POST")
    unknown = await wire.send(request(method, "/api/Order/cancelAll"))
    assert (unknown.status, unknown.body) == (404, b"")


async def test_several_requests_use_one_connection(wire: Wire) -> None:
    reader, writer = await wire.connect()
    once = request("GET", "/api/Status/ping")
    writer.write(once * 3)
    received = b""
    while received.count(b'"pong"') < 3:
        received += await reader.read(4096)


async def test_the_51st_bars_call_in_30_seconds_is_429_over_all_tokens_of_a_user(wire: Wire) -> None:
    body = window(await wire.contract("F.US.EP"), limit=1)
    tokens = [wire.token, (await wire.call("/api/Auth/validate"))["newToken"], await wire.login()]
    statuses = [
        (await wire.post("/api/History/retrieveBars", body, token=tokens[number % 3])).status
        for number in range(51)
    ]
    assert statuses == [200] * 50 + [429]
    refused = await wire.post("/api/History/retrieveBars", body)
    assert (refused.status, refused.body) == (429, b"")
    assert "retry-after" not in refused.headers
    assert (await wire.post("/api/Account/search", '{"onlyActiveAccounts":true}')).status == 200


async def test_the_201st_call_in_60_seconds_is_429_over_all_tokens_and_endpoints_of_a_user(
    wire: Wire,
) -> None:
    # one login has been made before
    tokens = [wire.token, await wire.login()]
    calls = (
        ("/api/Account/search", '{"onlyActiveAccounts":true}'),
        ("/api/Contract/available", '{"live":true}'),
    )
    statuses = []
    for number in range(199):
        path, body = calls[number % 2]
        statuses.append((await wire.post(path, body, token=tokens[number // 2 % 2])).status)
    assert statuses == [200] * 198 + [429]
    refused = await wire.post(
        "/api/Auth/loginKey", f'{{"userName":"{wire.user}","apiKey":"{wire.key}"}}', token=""
    )
    assert (refused.status, refused.body) == (429, b"")
    # history has a budget of its own, a ping none
    bars = await wire.post("/api/History/retrieveBars", window("CON.F.US.NIX.Z26"))
    assert (bars.status, bars.json()["errorCode"]) == (200, 1)
    assert (await wire.send(request("GET", "/api/Status/ping"))).status == 200


async def test_rest_times_have_no_more_than_six_digits(wire: Wire) -> None:
    account = (await wire.accounts())[0]
    contract_id = await wire.contract("F.US.MNQ")
    await wire.call(
        "/api/Order/place", accountId=account, contractId=contract_id, type=1, side=0, size=1, limitPrice=1
    )
    answer = await wire.post(
        "/api/Order/search", f'{{"accountId":{account},"startTimestamp":"2020-01-01T00:00:00Z"}}'
    )
    assert rest_shape(answer.body).count("<rest>") == 2
