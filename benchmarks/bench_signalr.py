"""How many market frames a second one core takes from the bytes of a WebSocket message to a published event."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec
from reporting import Figure, report
from signalrcore.protocol.json_hub_protocol import JsonHubProtocol

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.hub_connection import HubConnection
from tradeconsole.brokers.projectx.market import MarketStream
from tradeconsole.brokers.projectx.signalr import HubProtocol, Invocation
from tradeconsole.brokers.projectx.stamps import VenueStamps
from tradeconsole.domain.events import BrokerEvent
from tradeconsole.domain.instruments import Instrument

COUNT: Final = 200_000
ROUNDS: Final = 5
CONTRACT: Final = "CON.F.US.MNQ.U26"
GOAL: Final = 100_000

MNQ: Final = Instrument(
    instrument_id=CONTRACT,
    symbol="MNQ",
    name="MNQU6",
    description="",
    tick_size=Decimal("0.25"),
    tick_value=Decimal("0.5"),
)

METHOD = f"""
one event: a sparse quote of a recorded form (bid, ask, two time stamps, contract; 240 bytes), one record a message
bytes to event: HubProtocol.receive, MarketStream (typed decode, merge, tick grid), publish to a list of one
signalrcore {COUNT:,} times parse_messages of its JSON protocol, which stops at dicts; json.loads of the bare record
best of {ROUNDS} rounds of {COUNT:,}, sockets excluded, one process, CPU time
"""


class StoppedClock:
    """No time passes."""

    def now(self) -> datetime:
        return datetime(2026, 8, 19, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def records() -> list[bytes]:
    """Different quotes, as many as a minute of a busy market has."""
    form = (
        '{{"type":1,"target":"GatewayQuote","arguments":["CON.F.US.MNQ.U26",{{"symbol":"F.US.MNQ","bestBid":{bid},'
        '"bestAsk":{ask},"lastUpdated":"2026-08-19T20:51:{second:02d}.4347534+00:00",'
        '"timestamp":"2026-08-19T20:51:{second:02d}.348+00:00","contract":"CON.F.US.MNQ.U26"}}]}}\x1e'
    )
    prices = [29500 + (n * 7 % 200) / 4 for n in range(2000)]
    return [
        form.format(bid=price, ask=price + 0.25, second=n % 60).encode() for n, price in enumerate(prices)
    ]


def ours(messages: list[bytes]) -> int:
    """Frames to published events; returns how many came out."""
    published = 0
    last: BrokerEvent | None = None

    def publish(event: BrokerEvent) -> None:
        nonlocal published, last
        published += 1
        last = event

    stream = MarketStream(publish, {CONTRACT: MNQ}.get, StoppedClock(), VenueStamps(lambda _: None))
    connection = _connection(stream)
    protocol = connection._protocol
    take = connection._take
    for message in messages:
        for frame in protocol.receive(message):
            take(frame)
    return published


def _connection(stream: MarketStream) -> HubConnection:
    connection = HubConnection(None, stream.handlers, Timings(), lambda: 0.0)  # type: ignore[arg-type] - no socket
    connection._protocol.receive(b"{}\x1e")
    return connection


def core_only(messages: list[bytes]) -> int:
    """The protocol core alone: bytes to typed frames with undecoded arguments."""
    protocol = HubProtocol()
    protocol.receive(b"{}\x1e")
    return sum(isinstance(frame, Invocation) for message in messages for frame in protocol.receive(message))


def signalrcore(messages: list[bytes]) -> int:
    """The library's own decoder."""
    protocol = JsonHubProtocol()
    return sum(len(protocol.parse_messages(message.decode())) for message in messages)


def plain_json(messages: list[bytes]) -> int:
    """The standard library, on records already cut."""
    return sum("target" in json.loads(message[:-1]) for message in messages)


def plain_msgspec(messages: list[bytes]) -> int:
    """msgspec without types, on records already cut."""
    return sum("target" in msgspec.json.decode(message[:-1]) for message in messages)


def rate(work: Callable[[list[bytes]], int]) -> float:
    """Events per second of CPU time, best of several rounds."""
    some = records()
    messages = some * (COUNT // len(some))
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        done = work(messages)
        taken = time.process_time() - began
        assert done == len(messages)
        best = max(best, done / taken)
    return best


def main() -> None:
    logging.disable(logging.CRITICAL)
    us, core, them, loads, untyped = (
        rate(work) for work in (ours, core_only, signalrcore, plain_json, plain_msgspec)
    )
    report(
        "Hub frames: bytes to event",
        METHOD,
        [
            Figure(name="quote: bytes to published event", value=us, unit="1/s", budget=GOAL, at_least=True),
            Figure(name="quote: protocol core alone", value=core, unit="1/s"),
            Figure(name="signalrcore: bytes to dicts", value=them, unit="1/s"),
            Figure(name="json.loads: bytes to dicts", value=loads, unit="1/s"),
            Figure(name="msgspec untyped: bytes to dicts", value=untyped, unit="1/s"),
            Figure(name="ours to event / signalrcore to dicts", value=us / them, unit="×"),
            Figure(name="ours to event / json.loads to dicts", value=us / loads, unit="×"),
        ],
    )


if __name__ == "__main__":
    main()
