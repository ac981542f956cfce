"""Acceptance of the gateway, its own description: public, complete, and true of every request and response."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from emulator_fixture import running_emulator
from raw_gateway import Json, Wire, request

from tradeconsole.emulator.app import ENDPOINTS

OPERATIONS = {
    "Auth_LoginKey", "Auth_LoginApp", "Auth_Validate", "Auth_Logout", "Account_SearchAccounts",
    "Contract_SearchContracts", "Contract_SearchContractById", "Contract_AvailableContracts", "History_GetBars",
    "Order_SearchOrders", "Order_SearchOpenOrders", "Order_SearchOrderById", "Order_QueryOrders", "Order_PlaceOrder",
    "Order_CancelOrder", "Order_ModifyOrder", "Position_SearchOpenPositions", "Position_CloseContractPosition",
    "Position_PartialCloseContractPosition", "Trade_SearchHalfTurnTrades", "Status_Ping",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with (
        running_emulator(frozen=True, volatility=0.0, login=False) as running,
        Wire(running.url, running.user, running.key) as wire,
    ):
        yield wire


async def description(wire: Wire) -> Json:
    answer = await wire.send(request("GET", "/swagger/v1/swagger.json"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    return answer.json()


class Described:
    """Calls the gateway and holds what is said on both sides against its description."""

    def __init__(self, wire: Wire, document: Json) -> None:
        self.called: set[str] = set()
        self._wire = wire
        self._document = document

    async def call(self, path: str, **body: Any) -> Json:
        """POST what the description allows; the answer, which it allows as well."""
        operation = self._document["paths"][path]["post"]
        parameters = operation.get("parameters", [])
        for parameter in parameters:
            self.check(parameter["schema"], body, path)
        answer = await self._wire.post(path, json.dumps(body) if parameters else "")
        self.check(operation["responses"][str(answer.status)]["schema"], answer.json(), path)
        self.called.add(operation["operationId"])
        return answer.json()

    def check(self, schema: Json, value: Any, where: str) -> None:
        """Fail where a value is not of a schema; members that it does not name do not exist either."""
        if value is None:
            assert schema.get("x-nullable"), f"{where} is null"
            return
        if "allOf" in schema:
            (schema,) = schema["allOf"]
        if "$ref" in schema:
            schema = self._document["definitions"][schema["$ref"].removeprefix("#/definitions/")]
        match schema["type"]:
            case "object":
                assert not set(schema.get("required", [])) - value.keys(), where
                for name, member in value.items():
                    described = schema["properties"].get(name)
                    assert described is not None or "additionalProperties" in schema, f"{where}.{name}"
                    if described is not None:
                        self.check(described, member, f"{where}.{name}")
            case "array":
                for index, item in enumerate(value):
                    self.check(schema["items"], item, f"{where}[{index}]")
            case _:
                assert is_scalar(schema, value), f"{where} is {value!r}"


def is_scalar(schema: Json, value: Any) -> bool:
    """Whether a value is of the type and format that a schema names."""
    match schema["type"], schema.get("format"):
        case "integer", size:
            bits = {"int32": 31, "int64": 63}[size]
            return type(value) is int and -(2**bits) <= value < 2**bits
        case "number", _:
            return type(value) in {int, float}
        case "boolean", _:
            return type(value) is bool
        case "string", "date-time":
            return type(value) is str and TIME.fullmatch(value) is not None
        case kind, _:
            return kind == "string" and type(value) is str


async def test_the_description_is_public_and_names_every_operation(wire: Wire) -> None:
    document = await description(wire)
    assert document["swagger"] == "2.0"
    assert document["info"] == {"title": "ProjectX Gateway API", "version": "1.0.0"}
    assert not {"basePath", "securityDefinitions", "host"} & document.keys()
    described = {
        (path, method.upper(), operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert described == {(each.path, each.method, each.operation) for each in ENDPOINTS}
    assert {operation for _, _, operation in described} == OPERATIONS


async def test_every_reference_leads_somewhere_and_every_definition_is_used(wire: Wire) -> None:
    document = await description(wire)
    used = set(re.findall(r'"#/definitions/(\w+)"', json.dumps(document)))
    assert used == document["definitions"].keys()


async def test_ids_times_and_optional_members_are_described_as_the_gateway_has_them(wire: Wire) -> None:
    definitions = (await description(wire))["definitions"]
    order = definitions["Order"]
    assert {"limitPrice", "parentOrderId", "customTag"} & set(order["required"]) == set()
    assert order["properties"]["id"] == {"type": "integer", "format": "int64"}
    assert order["properties"]["accountId"] == {"type": "integer", "format": "int32"}
    assert order["properties"]["updateTimestamp"] == {"type": "string", "format": "date-time"}
    assert definitions["Trade"]["properties"]["profitAndLoss"]["x-nullable"]
    place = definitions["PlaceOrderRequest"]
    assert place["required"] == ["accountId", "contractId", "type", "side", "size"]


async def test_what_is_asked_and_answered_is_as_described(wire: Wire) -> None:
    described = Described(wire, await description(wire))
    call = described.call
    await call("/api/Auth/loginApp", userName="x", password="x", deviceId="x", appId="x", verifyKey="x")
    await call("/api/Auth/loginKey", userName=wire.user, apiKey="wrong")
    wire.token = (await call("/api/Auth/loginKey", userName=wire.user, apiKey=wire.key))["token"]
    account = (await call("/api/Account/search", onlyActiveAccounts=True))["accounts"][0]["id"]
    await call("/api/Contract/available", live=False)
    contract = (await call("/api/Contract/search", live=False, searchText="MNQ"))["contracts"][0]["id"]
    await call("/api/Contract/searchById", contractId=contract)
    assert (await call("/api/Contract/searchById", contractId="none"))["contract"] is None
    bars = {"contractId": contract, "live": False, "limit": 5, "includePartialBar": True, "unitNumber": 1}
    window = {"startTime": "2026-10-20T00:00:00Z", "endTime": "2026-11-24T00:00:00Z"}
    for unit in (1, 2, 4, 6, 7):
        assert (await call("/api/History/retrieveBars", **bars, **window, unit=unit))["bars"]
    legs = {"stopLossBracket": {"ticks": -40, "type": 5}, "takeProfitBracket": {"ticks": 40, "type": 1}}
    order = {"accountId": account, "contractId": contract, "type": 2, "side": 0}
    placed = await call("/api/Order/place", **order, size=2, customTag="a", **legs)
    await call("/api/Order/place", **order, size=2, customTag="a")
    resting = await call("/api/Order/place", **(order | {"type": 1}), size=1, limitPrice=100.25)
    await call("/api/Order/modify", accountId=account, orderId=resting["orderId"], limitPrice=100.5)
    await call(
        "/api/Order/v2/query", filter={"accountId": account, "statuses": [1, 8]}, includeTotalCount=True
    )
    await call("/api/Order/v2/query", filter={"accountId": account}, pageSize=0)
    await wire.step(1)
    await call("/api/Order/cancel", accountId=account, orderId=resting["orderId"])
    assert len((await call("/api/Order/searchOpen", accountId=account))["orders"]) == 2
    await call("/api/Order/searchById", accountId=account, orderId=placed["orderId"])
    assert (await call("/api/Position/searchOpen", accountId=account))["positions"]
    await call("/api/Position/partialCloseContract", accountId=account, contractId=contract, size=1)
    await wire.step(1)
    await call("/api/Position/closeContract", accountId=account, contractId=contract)
    await wire.step(1)
    since = {"accountId": account, "startTimestamp": "2020-01-01T00:00:00Z"}
    assert len((await call("/api/Order/search", **since))["orders"]) == 7
    assert len((await call("/api/Trade/search", **since))["trades"]) == 3
    assert (await call("/api/Trade/search", **(since | {"accountId": 1})))["trades"] is None
    wire.token = (await call("/api/Auth/validate"))["newToken"]
    await call("/api/Auth/logout")
    assert described.called == OPERATIONS - {"Status_Ping"}
