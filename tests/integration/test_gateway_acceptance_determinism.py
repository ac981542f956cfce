"""Acceptance of the gateway, determinism: with a seed and a stepped clock, two runs say the same to the byte."""

import json

import pytest
from emulator_process import emulator_process
from raw_gateway import Wire

START = "2026-11-23T14:30:00Z"
Said = list[tuple[str, bytes]]


class Script:
    """Calls a gateway and writes down what it answers."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.said: Said = []

    async def post(self, path: str, body: str = "") -> bytes:
        answer = await self._wire.post(path, body)
        self.said.append((f"{path} {body} {answer.status} {answer.headers.get('date')}", answer.body))
        return answer.body

    async def call(self, path: str, **body: object) -> bytes:
        return await self.post(path, json.dumps(body))

    async def play(self) -> None:
        """Everything that a busy client does in a quarter of an hour."""
        wire = self._wire
        self.said.append(("token", wire.token.encode()))
        second = json.loads(await self.call("/api/Auth/loginKey", userName=wire.user, apiKey=wire.key))[
            "token"
        ]
        wire.token = json.loads(await self.post("/api/Auth/validate"))["newToken"]
        self.said.append(("logout", (await wire.post("/api/Auth/logout", token=second)).body))
        accounts = json.loads(await self.call("/api/Account/search", onlyActiveAccounts=True))["accounts"]
        account = accounts[0]["id"]
        await self.call("/api/Contract/available", live=False)
        await self.call("/api/Contract/search", searchText="ES", live=False)
        mnq, es = await wire.contract("F.US.MNQ"), await wire.contract("F.US.EP")
        for hub in ("user", "market"):
            await self.post(f"/hubs/{hub}/negotiate?negotiateVersion=1")
        await self.post("/api/Order/place", '{"accountId":"x"}')
        await self.call("/api/Order/v2/query", filter={"accountId": account}, pageSize=-1)
        async with wire.hub("user") as user, wire.hub("market") as market:
            await user.invoke("SubscribeAccounts")
            for thing in ("Orders", "Positions", "Trades"):
                await user.invoke(f"Subscribe{thing}", account)
            for contract in (mnq, es, await wire.contract("F.US.CLE"), await wire.contract("F.US.GCE")):
                for thing in ("Quotes", "Trades", "MarketDepth"):
                    await market.invoke(f"SubscribeContract{thing}", contract)
            await self._trade(account, mnq, es)
            for hub in (user, market):
                await hub.events_until()
            for name, hub in (("user", user), ("market", market)):
                self.said += [(name, message) for message in hub.heard if message != b'{"type":6}\x1e']
        since = {"accountId": account, "startTimestamp": "2020-01-01T00:00:00Z"}
        await self.call("/api/Order/search", **since)
        await self.call("/api/Trade/search", **since)
        for path in ("Order/searchOpen", "Position/searchOpen"):
            await self.call(f"/api/{path}", accountId=account)
        for unit in (1, 2, 3, 4):
            await self.call(
                "/api/History/retrieveBars",
                contractId=mnq, live=False, startTime="2026-11-20T14:00:00Z", endTime="2026-11-24T00:00:00Z",
                unit=unit, unitNumber=1, limit=300, includePartialBar=True,
            )  # fmt: skip

    async def _trade(self, account: int, mnq: str, es: str) -> None:
        wire = self._wire
        bracket = {
            "stopLossBracket": {"ticks": -40, "type": 4},
            "takeProfitBracket": {"ticks": 40, "type": 1},
        }
        market = {"accountId": account, "type": 2, "side": 0}
        await self.call("/api/Order/place", **market, contractId=mnq, size=2, customTag="first", **bracket)
        await wire.step(0.5)
        await self.call("/api/Order/place", **market, contractId=es, size=1)
        await self.call("/api/Order/place", **market, contractId=es, size=1, customTag="first")
        await self.call(
            "/api/Order/place", accountId=account, contractId=es, type=5, side=1, size=1, trailPrice=1
        )
        resting = await self.call(
            "/api/Order/place", accountId=account, contractId=es, type=1, side=0, size=3, limitPrice=100
        )
        for seconds in (1, 7, 0.05, 61):
            await wire.step(seconds)
        order_id = json.loads(resting)["orderId"]
        await self.call("/api/Order/modify", accountId=account, orderId=order_id, size=2, limitPrice=101)
        await wire.control("move", contract="MNQ", ticks=-80)
        await wire.step(1)
        await wire.control("move", contract="ES", ticks=12)
        await self.call("/api/Order/cancel", accountId=account, orderId=order_id)
        await self.call("/api/Position/partialCloseContract", accountId=account, contractId=mnq, size=1)
        await wire.step(600)
        await self.call("/api/Position/closeContract", accountId=account, contractId=es)
        await wire.step(2)


async def played(hash_seed: int, seed: int = 7) -> Said:
    async with emulator_process(
        hash_seed=hash_seed, seed=seed, key="k", start=START, frozen=True, activity=3.0
    ) as process:
        script = Script(process.wire)
        await script.play()
        return script.said


async def test_two_runs_with_one_seed_are_identical_to_the_byte_and_another_seed_is_not() -> None:
    first, second, other = await played(1), await played(2), await played(1, seed=8)
    assert len(first) == len(second)
    for (where, body), (there, again) in zip(first, second, strict=True):
        assert where == there
        assert body == again, where
    assert [body for _, body in first] != [body for _, body in other]
    heard = b"".join(body for where, body in first if where == "market")
    assert all(name in heard for name in (b"GatewayQuote", b"GatewayTrade", b"GatewayDepth"))


@pytest.mark.parametrize("hash_seed", [3])
async def test_a_run_is_the_same_however_a_step_is_cut(hash_seed: int) -> None:
    """One step of a minute, or sixty of a second: the same orders, fills and balances in the end."""
    ends = []
    for steps in ([60.0], [1.0] * 60):
        async with emulator_process(
            hash_seed=hash_seed, seed=7, key="k", start=START, frozen=True
        ) as process:
            wire = process.wire
            account = (await wire.accounts())[0]
            contract = await wire.contract("F.US.MNQ")
            for side in (0, 1):
                await wire.call(
                    "/api/Order/place", accountId=account, contractId=contract, type=1, side=side, size=1,
                    limitPrice=0.25 if side == 0 else 10**6,
                )  # fmt: skip
            await wire.call(
                "/api/Order/place", accountId=account, contractId=contract, type=2, side=0, size=1
            )
            for seconds in steps:
                await wire.step(seconds)
            script = Script(wire)
            since = {"accountId": account, "startTimestamp": "2020-01-01T00:00:00Z"}
            await script.call("/api/Order/search", **since)
            await script.call("/api/Trade/search", **since)
            await script.call("/api/Account/search", onlyActiveAccounts=True)
            ends.append(script.said)
    assert ends[0] == ends[1]
