"""The control plane under `/__emu/`: clock, prices and faults, for tests and drills. Loopback only."""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tradeconsole.emulator.faults import EventFault, Hub, RestFault
from tradeconsole.emulator.formats import rest_time
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import json_response
from tradeconsole.emulator.hubs import Hubs
from tradeconsole.emulator.journal import Halt, MovePrice, SetCanTrade, SetPrice
from tradeconsole.exchange.catalogue import Contract

PREFIX: Final = "/__emu"


class ControlError(Exception):
    """The order cannot be followed; the message says why."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No arguments."""


class Outage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds for which the port is closed."""

    seconds: float


class Mute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds of silence on a hub, or on both; 0 ends it."""

    seconds: float
    hub: Hub | None = None


class HubChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hub, or both."""

    hub: Hub | None = None


class Throttle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds of 429 for every call; 0 ends it."""

    seconds: float


class Disorder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to the next batches of user events."""

    kind: EventFault
    batches: int = 1


class HaltContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contract (id or root) whose trading stops or goes on."""

    contract: str
    halted: bool = True


class PriceOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contract (id or root) and the price at which it trades now."""

    contract: str
    price: Decimal


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contract (id or root) and by how many ticks it moves now."""

    contract: str
    ticks: int


class AccountLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Account, and whether it may trade."""

    account_id: int
    can_trade: bool


class ClockOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Freeze or resume, another speed, and a step forward in emulated seconds; in this order."""

    frozen: bool | None = None
    speed: float | None = None
    step_seconds: float | None = None


class ControlStatus(msgspec.Struct, frozen=True):
    """How the emulator is."""

    pid: int
    time: str
    frozen: bool
    speed: float
    hubs: dict[str, int]
    contracts: list[str]
    faults: list[str]


class Operation(msgspec.Struct, frozen=True):
    """One order: its name in the path, its arguments, what it does in words, and the function that does it."""

    name: str
    arguments: type[msgspec.Struct]
    help: str
    run: Callable[["Control", Any], None]


class Control:
    """Carries orders out."""

    def __init__(self, gateway: Gateway, hubs: Hubs) -> None:
        self._gateway = gateway
        self._hubs = hubs

    def status(self) -> ControlStatus:
        """How the emulator is."""
        gateway = self._gateway
        return ControlStatus(
            pid=os.getpid(),
            time=rest_time(gateway.clock.now()),
            frozen=gateway.clock.is_frozen,
            speed=gateway.clock.speed,
            hubs={hub: len(self._hubs.connections(hub)) for hub in Hub},
            contracts=sorted(self._hubs.market_contracts()),
            faults=gateway.faults.pending(),
        )

    def outage(self, order: Outage) -> None:
        self._gateway.refuse(order.seconds)

    def mute(self, order: Mute) -> None:
        for hub in Hub if order.hub is None else (order.hub,):
            self._gateway.faults.mute(hub, order.seconds)

    def drop(self, order: HubChoice) -> None:
        self._hubs.drop(self._hubs.connections(order.hub))

    def kick(self, order: HubChoice) -> None:
        self._hubs.log_out(self._hubs.connections(order.hub))

    def fail(self, order: RestFault) -> None:
        self._gateway.faults.add_rest(order)

    def throttle(self, order: Throttle) -> None:
        self._gateway.faults.throttle(order.seconds)

    def events(self, order: Disorder) -> None:
        self._gateway.faults.add_events(order.kind, order.batches)

    def clear(self, _order: Nothing) -> None:
        self._gateway.faults.clear()

    def expire_tokens(self, _order: Nothing) -> None:
        self._gateway.tokens.expire_all()

    def halt(self, order: HaltContract) -> None:
        contract_id = self._contract(order.contract).id
        self._gateway.tell(Halt(at=self._gateway.moment(), contract_id=contract_id, halted=order.halted))

    def price(self, order: PriceOf) -> None:
        contract = self._contract(order.contract)
        if order.price <= 0 or not contract.product.is_on_grid(order.price):
            raise ControlError(f"{order.price} is not a price on the grid of {contract.product.tick}")
        self._gateway.tell(SetPrice(at=self._gateway.moment(), contract_id=contract.id, price=order.price))

    def move(self, order: Move) -> None:
        contract_id = self._contract(order.contract).id
        self._gateway.tell(MovePrice(at=self._gateway.moment(), contract_id=contract_id, ticks=order.ticks))

    def account(self, order: AccountLock) -> None:
        if self._gateway.exchange.account(order.account_id) is None:
            raise ControlError(f"no account {order.account_id}")
        self._gateway.tell(
            SetCanTrade(at=self._gateway.moment(), account_id=order.account_id, can_trade=order.can_trade)
        )

    def clock(self, order: ClockOrder) -> None:
        clock = self._gateway.clock
        try:
            if order.speed is not None:
                clock.set_speed(order.speed)
            if order.frozen is not None and order.frozen is not clock.is_frozen:
                (clock.freeze if order.frozen else clock.resume)()
            if order.step_seconds is not None:
                clock.step(timedelta(seconds=order.step_seconds))
        except ValueError as error:
            raise ControlError(str(error)) from error
        self._gateway.settle()

    def _contract(self, text: str) -> Contract:
        """A contract by id, or the active one of a root.

        Raises:
            ControlError: there is none.
        """
        catalogue = self._gateway.catalogue
        contract = catalogue.contract(text)
        if contract is not None:
            return contract
        for contract in catalogue.available(self._gateway.today):
            if contract.product.symbol == text.upper():
                return contract
        raise ControlError(f"no contract '{text}': expected a root such as MNQ, or a contract id")


OPERATIONS: Final = (
    Operation("outage", Outage, "close the port and every connection for some seconds", Control.outage),
    Operation("mute", Mute, "leave a hub's sockets open and silent for some seconds", Control.mute),
    Operation("drop", HubChoice, "cut hub connections without a word", Control.drop),
    Operation("kick", HubChoice, "log hub connections out with GatewayLogout", Control.kick),
    Operation("fail", RestFault, "let the next calls fail, before or after they take effect", Control.fail),
    Operation("throttle", Throttle, "answer 429 to every call for some seconds", Control.throttle),
    Operation("events", Disorder, "duplicate, reverse or drop the next user events", Control.events),
    Operation("clear", Nothing, "call every fault off", Control.clear),
    Operation("expire-tokens", Nothing, "make every token useless", Control.expire_tokens),
    Operation("halt", HaltContract, "stop a contract's trading, or let it go on", Control.halt),
    Operation("price", PriceOf, "let a contract trade at a price", Control.price),
    Operation("move", Move, "move a contract's price by ticks", Control.move),
    Operation("account", AccountLock, "lock or unlock an account", Control.account),
    Operation("clock", ClockOrder, "freeze, resume, speed up or step the clock", Control.clock),
)
"""Every order, as `POST /__emu/<name>` with its arguments as JSON; `GET /__emu/status` tells how things are."""


def control_routes(control: Control) -> list[BaseRoute]:
    """The routes of the control plane."""

    async def status(request: Request) -> Response:
        return _denied(request) or json_response(control.status())

    return [
        Route(f"{PREFIX}/status", status, methods=["GET"]),
        *(
            Route(f"{PREFIX}/{operation.name}", _order(control, operation), methods=["POST"])
            for operation in OPERATIONS
        ),
    ]


def _order(control: Control, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def order(request: Request) -> Response:
        if (denied := _denied(request)) is not None:
            return denied
        try:
            arguments = msgspec.json.decode(await request.body() or b"{}", type=operation.arguments)
            operation.run(control, arguments)
        except (msgspec.MsgspecError, ControlError) as error:
            return json_response({"error": str(error)}, 400)
        return json_response(control.status())

    return order


def _denied(request: Request) -> Response | None:
    """Strangers, and web pages that a browser on this machine shows, may not give orders."""
    host = request.url.hostname or ""
    local = request.client is not None and ip_address(request.client.host).is_loopback
    if not local or host not in {"127.0.0.1", "localhost"} or "origin" in request.headers:
        return json_response({"error": "the control plane answers to this machine only"}, 403)
    return None
