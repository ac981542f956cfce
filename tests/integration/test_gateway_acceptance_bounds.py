"""Acceptance of the gateway, bounds: crowds, floods and the deaf, at a process whose memory is watched."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from emulator_process import EmulatorProcess, emulator_process
from raw_gateway import HANDSHAKE, PING, HubWire, Wire, read_answer, request

CROWD = 500
MEGABYTE = 1_000_000
ROOM = 150.0
"""MB by which the process may grow; without bounds each of these tests would need far more."""


async def connected(wire: Wire) -> dict[str, int]:
    """Hub connections that the emulator counts."""
    answer = await wire.send(request("GET", "/__emu/status"))
    hubs: dict[str, int] = answer.json()["hubs"]
    return hubs


async def wait_until(condition: Callable[[], object], wire: Wire) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # type: ignore[misc]
            await asyncio.sleep(0.1)
    assert (await wire.call("/api/Account/search", onlyActiveAccounts=True))["success"]


@asynccontextmanager
async def bounded(process: EmulatorProcess) -> AsyncIterator[None]:
    """What is done inside may let the process grow a little."""
    await process.wire.contract("F.US.MNQ")
    before = process.resident()
    yield
    assert process.resident() - before < ROOM


async def open_hub(wire: Wire, name: str) -> HubWire:
    answer, reader, writer = await wire.upgrade(f"/hubs/{name}?access_token={wire.token}")
    assert answer.status == 101
    hub = HubWire(reader, writer)
    await hub.frame(HANDSHAKE)
    assert await hub.record() == b"{}"
    return hub


async def test_500_hub_clients_at_once_are_all_served() -> None:
    async with emulator_process(frozen=True, volatility=0.0) as process, bounded(process):
        wire = process.wire
        contract = await wire.contract("F.US.MNQ")
        hubs = await asyncio.gather(*(open_hub(wire, "market") for _ in range(CROWD)))
        assert (await connected(wire))["market"] == CROWD
        completions = await asyncio.gather(*(hub.invoke("SubscribeContractTrades", contract) for hub in hubs))
        assert set(completions) == {b'{"type":3,"invocationId":"0","result":null}'}
        await wire.control("move", contract="MNQ", ticks=4)
        events = await asyncio.gather(*(hub.event("GatewayTrade") for hub in hubs))
        assert all(event == events[0] for event in events)
        for hub in hubs:
            await hub.close()

        async def all_gone() -> bool:
            return (await connected(wire))["market"] == 0

        await wait_until(all_gone, wire)


async def test_500_callers_at_once_are_all_answered() -> None:
    async with emulator_process() as process, bounded(process):
        wire = process.wire
        answers = await asyncio.gather(
            *(wire.post("/api/Contract/available", '{"live":false}') for _ in range(CROWD))
        )
        assert {answer.status for answer in answers} == {200}
        assert all(len(answer.json()["contracts"]) == 51 for answer in answers)


async def test_a_client_that_never_reads_is_dropped_while_others_are_served() -> None:
    # an hour of a lively market each minute
    async with emulator_process(activity=10.0, speed=60.0) as process, bounded(process):
        wire = process.wire
        contracts = (await wire.call("/api/Contract/available", live=False))["contracts"]
        deaf = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", wire.port))
        reader, writer = await asyncio.open_connection(sock=deaf, limit=1024)
        writer.write(
            f"GET /hubs/market?access_token={wire.token} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n"
            "upgrade: websocket\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
        )
        assert (await read_answer(reader)).status == 101
        hub = HubWire(reader, writer)
        await hub.frame(HANDSHAKE)
        assert await hub.record() == b"{}"
        for row in contracts:
            for thing in ("Quotes", "Trades", "MarketDepth"):
                call = {"type": 1, "target": f"SubscribeContract{thing}", "arguments": [row["id"]]}
                await hub.frame(json.dumps(call).encode() + b"\x1e")
        async with wire.hub("market") as listener:
            await listener.invoke("SubscribeContractQuotes", contracts[0]["id"])

            async def dropped() -> bool:
                await listener.event("GatewayQuote")
                return (await connected(wire))["market"] == 1

            await wait_until(dropped, wire)
            await listener.event("GatewayQuote")
        await hub.close()


async def test_a_client_that_floods_calls_and_reads_no_answers_is_dropped() -> None:
    async with emulator_process() as process, bounded(process):
        wire = process.wire
        hub = await open_hub(wire, "user")
        calls = b'{"type":1,"invocationId":"%s","target":"NoSuchMethod","arguments":[]}\x1e' % (b"x" * 100)
        with suppress(ConnectionError):
            async with asyncio.timeout(60):
                while (await connected(wire))["user"]:
                    for _ in range(20):
                        await hub.frame(calls * 300)
        assert (await connected(wire))["user"] == 0


async def test_a_client_that_floods_pings_and_reads_no_pongs_is_dropped() -> None:
    async with emulator_process(hub={"client_silence": 600.0}) as process, bounded(process):
        wire = process.wire
        hub = await open_hub(wire, "user")
        with suppress(ConnectionError):
            async with asyncio.timeout(60):
                while (await connected(wire))["user"]:
                    await hub.frames(b"x" * 125, PING, times=20_000)
        assert (await connected(wire))["user"] == 0


async def test_frames_and_bodies_beyond_measure_leave_no_trace() -> None:
    async with emulator_process() as process, bounded(process):
        wire = process.wire

        async def shout() -> None:
            hub = await open_hub(wire, "user")
            with suppress(ConnectionError):
                await hub.frame(b"x" * 10 * MEGABYTE)
            with suppress(ConnectionError):
                await hub.wait_closed()

        async def pour() -> None:
            with suppress(ConnectionError, EOFError):
                answer = await wire.post("/api/Order/place", b"[" * 30 * MEGABYTE)
                assert answer.status == 413

        async def nest() -> None:
            answer = await wire.post("/api/Order/place", b'{"a":' * 150_000)
            assert answer.status == 400

        for _ in range(3):
            await asyncio.gather(*(work() for work in (shout, pour, nest) for _ in range(8)))
        assert await connected(wire) == {"user": 0, "market": 0}


async def test_those_that_never_finish_what_they_began_are_let_go() -> None:
    hasty = {"handshake": 1.0, "client_silence": 2.0, "goodbye": 1.0}
    short = {"idle": 1.0, "head": 1.0, "grace": 1.0}
    async with emulator_process(hub=hasty, http=short) as process, bounded(process):
        wire = process.wire
        path = f"/hubs/user?access_token={wire.token}"
        unfinished = []
        for raw in (
            b"",
            b"POST /api/Order/place HTTP/1.1\r\nhost: x\r\nx-a: ",
            request("POST", "/x", b"ab")[:-1],
        ):
            for _ in range(100):
                reader, writer = await wire.connect()
                writer.write(raw)
                unfinished.append(reader)
        for _ in range(100):
            answer, reader, _ = await wire.upgrade(path)
            assert answer.status == 101
            unfinished.append(reader)
        hubs = await asyncio.gather(*(open_hub(wire, "user") for _ in range(100)))
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(hub.wait_closed() for hub in hubs), *(reader.read() for reader in unfinished)
            )
        assert await connected(wire) == {"user": 0, "market": 0}
