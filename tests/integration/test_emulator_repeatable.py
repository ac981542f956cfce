"""With a seed, a start and a stepped clock two runs are the same to the byte; time can be frozen, stepped, sped up."""

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from datetime import datetime
from typing import Any

import pytest
from emulator_fixture import PATIENCE, SEPARATOR, RunningEmulator, running_emulator
from websockets.asyncio.client import ClientConnection, connect

from tradeconsole.emulator.switches import Switches, TokenTime
from tradeconsole.errors import ConfigError

START = "2026-08-19T15:00:00Z"
PING = '{"type":6}'


class RawHub:
    """A hub connection that keeps what it was sent, as it was sent, pings aside."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._rest = ""
        self.records: list[str] = []

    @classmethod
    async def opened(cls, emulator: RunningEmulator, name: str) -> "RawHub":
        url = emulator.url.replace("http", "ws", 1)
        socket = await connect(f"{url}/hubs/{name}?access_token={emulator.token}", max_size=None)
        await socket.send('{"protocol":"json","version":1}' + SEPARATOR)
        return cls(socket)

    async def invoke(self, target: str, *arguments: object) -> None:
        """Call a method and read everything up to its completion."""
        call = f"{len(self.records)}"
        record = {"type": 1, "invocationId": call, "target": target, "arguments": arguments}
        await self._socket.send(json.dumps(record) + SEPARATOR)
        completion = f'"invocationId":"{call}"'
        async with asyncio.timeout(PATIENCE):
            while not any(completion in record for record in self.records[-200:]):
                *records, self._rest = (self._rest + str(await self._socket.recv())).split(SEPARATOR)
                self.records += [record for record in records if record != PING]

    async def close(self) -> None:
        await self._socket.close()


async def life_of(seed: int) -> tuple[list[bytes], list[str], list[str]]:
    """Some trading: bodies of REST answers, records of the user hub and of the market hub."""
    bodies: list[bytes] = []
    async with running_emulator(fast=False, frozen=True, seed=seed, start=START) as emulator:
        account, contract = emulator.practice_id, emulator.contract("MNQ")
        last = round(emulator.last("MNQ"))

        async def call(path: str, **body: Any) -> None:
            bodies.append((await emulator.post(path, body)).content)

        user = await RawHub.opened(emulator, "user")
        market = await RawHub.opened(emulator, "market")
        await user.invoke("SubscribeAccounts")
        for name in ("Orders", "Positions", "Trades"):
            await user.invoke(f"Subscribe{name}", account)
        for name in ("Quotes", "Trades", "MarketDepth"):
            await market.invoke(f"SubscribeContract{name}", contract)
        order = {"accountId": account, "contractId": contract, "type": 2, "side": 0, "size": 3}
        legs = {"stopLossBracket": {"ticks": -8, "type": 4}, "takeProfitBracket": {"ticks": 8, "type": 1}}
        resting = {"type": 1, "limitPrice": last - 2, "customTag": "resting"}
        for step, body in enumerate((order | legs, order | resting, order | {"side": 1, "size": 1}, order)):
            await call("/api/Order/place", **body)
            emulator.step(0.7 + step)
            # read what the step has sent before the next one
            await user.invoke("SubscribeAccounts")
            await market.invoke("SubscribeContractTrades", contract)
        emulator.step(90)
        await user.invoke("SubscribeAccounts")
        await market.invoke("SubscribeContractTrades", contract)
        window = {"startTimestamp": "2026-01-01T00:00:00Z"}
        await call("/api/Position/searchOpen", accountId=account)
        await call("/api/Order/search", accountId=account, **window)
        await call("/api/Trade/search", accountId=account, **window)
        await call("/api/Account/search", onlyActiveAccounts=True)
        await call("/api/Contract/available", live=False)
        for unit in range(1, 7):
            await call(
                "/api/History/retrieveBars", contractId=contract, live=False, unit=unit, unitNumber=1, limit=50,
                startTime="2026-06-01T00:00:00Z", endTime="2026-08-19T16:00:00Z", includePartialBar=True,
            )  # fmt: skip
        for hub in (user, market):
            await hub.close()
    return bodies, user.records, market.records


async def test_two_runs_with_a_seed_and_a_stepped_clock_are_byte_identical() -> None:
    first, second = await life_of(11), await life_of(11)
    for one, other in zip(first, second, strict=True):
        assert one == other
    bodies, user, market = first
    assert any(b'"profitAndLoss":null' in body for body in bodies)
    assert sum("GatewayUser" in record for record in user) > 20
    assert sum("Gateway" in record for record in market) > 20


async def test_another_seed_is_another_market() -> None:
    first, second = await life_of(11), await life_of(12)
    assert first[2] != second[2]


async def test_a_market_that_begins_at_a_time_of_its_own_lives_there() -> None:
    async with running_emulator(start=START, frozen=True) as emulator:
        url = f"{emulator.url}/__emu"
        assert (await emulator.http.get(f"{url}/status")).json()["time"] == "2026-08-19T15:00:00+00:00"
        assert emulator.contract("MNQ") == "CON.F.US.MNQ.U26"
        stepped = (await emulator.http.post(f"{url}/clock", json={"step_seconds": 86_400})).json()
        assert stepped["time"] == "2026-08-20T15:00:00+00:00"


async def test_at_a_multiple_of_the_speed_a_minute_passes_in_a_moment() -> None:
    async with running_emulator(start=START, speed=600.0) as emulator:
        began = datetime.fromisoformat(emulator.control.status().time)
        async with asyncio.timeout(PATIENCE):
            while (datetime.fromisoformat(emulator.control.status().time) - began).total_seconds() < 60:
                await asyncio.sleep(0.01)
        async with emulator.hub("market") as hub:
            await hub.invoke("SubscribeContractQuotes", emulator.contract("MNQ"))
            await hub.wait_for("GatewayQuote", 3)


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=="))
    return claims


@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("token_time", TokenTime)
async def test_tokens_live_in_the_time_that_clients_have_unless_it_stands_still(
    stands: bool, token_time: TokenTime
) -> None:
    began = time.time()
    async with running_emulator(
        start=START, frozen=stands, switches=Switches(token_time=token_time)
    ) as emulator:
        claims = claims_of(emulator.token)
    assert claims["exp"] == claims["iat"] + 86_400
    gateways = token_time is TokenTime.GATEWAY or (token_time is TokenTime.AUTO and stands)
    if gateways and stands:
        assert claims["iat"] == datetime.fromisoformat(START).timestamp()
    else:
        assert (int(began) <= claims["iat"] <= time.time()) is not gateways


async def test_a_clock_that_stands_at_the_present_is_the_machines() -> None:
    began = time.time()
    async with running_emulator(frozen=True, start=None) as emulator:
        assert int(began) <= claims_of(emulator.token)["iat"]


async def test_a_day_that_is_stepped_over_ends_a_token() -> None:
    async with running_emulator(start=START, frozen=True) as emulator:
        emulator.step(86_399)
        assert (await emulator.post("/api/Account/search", {"onlyActiveAccounts": True})).status_code == 200
        emulator.step(1)
        assert (await emulator.post("/api/Account/search", {"onlyActiveAccounts": True})).status_code == 401


@pytest.mark.parametrize("start", ["yesterday", "2026-13-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59Z"])
async def test_a_start_that_is_no_time_is_refused(start: str) -> None:
    with pytest.raises(ConfigError, match=r"is not (a start|possible)"):
        async with running_emulator(start=start):
            pass
