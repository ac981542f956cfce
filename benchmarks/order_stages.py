"""Where an order's time goes: moments noted on its way, from the ticket to the bytes on the wire."""

import time
from collections.abc import Callable
from typing import Any, Final

from tradeconsole.brokers.projectx import rest
from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.http_connection import HttpConnection
from tradeconsole.domain.orders import Order
from tradeconsole.engine import risk
from tradeconsole.views.local import LocalSession

STAGES: Final[dict[str, str]] = {
    "sent": "the front end's thread calls `session.send`",
    "arrived": "the engine's loop takes the command up",
    "gate": "the risk gate has let it pass",
    "spool": "the intent is written to the spool",
    "broker": "`broker.place_order` is entered",
    "body": "the request's body is encoded",
    "budget": "token and request budget are there",
    "wire": "the bytes are about to be given to the socket",
}
"""In order. "Engine side" is from `arrived` to `wire`. Before the socket call, not after: on loopback it wakes the
receiving process, which is no part of ours."""

_PLACE: Final = b"POST /api/Order/place "


class Stages:
    """Notes when the one order that is under way passes each stage, in nanoseconds."""

    def __init__(self, session: LocalSession) -> None:
        self._at: dict[str, int] = {}
        self._processor: list[int] = []
        engine = session._engine
        broker = engine.broker
        assert isinstance(broker, ProjectXBroker)
        session._handle = self._arriving(session._handle)  # type: ignore[method-assign]
        risk.check = self._after("gate", risk.check)
        engine.journal.append = self._after_intent(engine.journal.append)  # type: ignore[method-assign]
        broker.place_order = self._before("broker", broker.place_order)  # type: ignore[method-assign]
        rest._encode = self._after("body", rest._encode)  # type: ignore[misc]
        transport = broker._rest._transport
        transport.post = self._before("budget", transport.post)  # type: ignore[method-assign]
        HttpConnection.ask = self._at_wire(HttpConnection.ask)  # type: ignore[method-assign]

    def begin(self) -> None:
        """An order is being sent now."""
        self._at = {"sent": time.perf_counter_ns()}
        self._processor = []

    def taken(self) -> list[float]:
        """Milliseconds from `sent` to each stage of the order that has just been sent."""
        return [(self._at[stage] - self._at["sent"]) / 1e6 for stage in STAGES]

    def processor(self) -> float:
        """Milliseconds for which the engine's thread had a processor between `arrived` and `wire`."""
        began, ended = self._processor
        return (ended - began) / 1e6

    def _note(self, stage: str) -> None:
        # previews ask the gate too: only the first moment after the one before counts
        self._at.setdefault(stage, time.perf_counter_ns())

    def _arriving(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def handle(command: Any) -> Any:
            self._processor.append(time.thread_time_ns())
            self._note("arrived")
            return await call(command)

        return handle

    def _after(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            result = call(*arguments)
            if "arrived" in self._at:
                self._note(stage)
            return result

        return timed

    def _after_intent(self, append: Callable[..., Any]) -> Callable[..., Any]:
        def timed(record: Any) -> None:
            append(record)
            if isinstance(record, Order) and "gate" in self._at:
                self._note("spool")

        return timed

    def _before(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def timed(*arguments: Any, **options: Any) -> Any:
            if "spool" in self._at:
                self._note(stage)
            return await call(*arguments, **options)

        return timed

    def _at_wire(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        async def timed(connection: HttpConnection, request: bytes, patience: float) -> Any:
            if request.startswith(_PLACE):
                self._note("wire")
                self._processor.append(time.thread_time_ns())
            return await ask(connection, request, patience)

        return timed
