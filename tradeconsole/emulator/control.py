"""The control plane under `/__emu/`: clock, prices and faults, for tests and drills. Loopback only."""

import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Final

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tradeconsole.emulator import journal
from tradeconsole.emulator.faults import Hub, RestFault, ServerErrors
from tradeconsole.emulator.formats import rest_time
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import json_response
from tradeconsole.emulator.hubs import Hubs
from tradeconsole.emulator.operations import (
    OPERATIONS,
    AccountChange,
    AccountReset,
    Arguments,
    ClockOrder,
    Disorder,
    FeedBar,
    FeedPrices,
    Fills,
    HaltContract,
    HubChoice,
    Lag,
    Move,
    Mute,
    Operation,
    Outage,
    PriceOf,
    Reject,
    RollContract,
    Skew,
    Throttle,
    TurnSwitch,
    Window,
)
from tradeconsole.emulator.scenario import bracket_mode
from tradeconsole.emulator.switchboard import positions
from tradeconsole.errors import ConfigError, InvalidRequest
from tradeconsole.exchange.catalogue import Contract
from tradeconsole.exchange.disturbances import Portions, Rejection
from tradeconsole.exchange.records import PlaceCode

PREFIX: Final = "/__emu"

HIGHEST_PRICE: Final = 10_000_000


class ControlError(Exception):
    """The order cannot be followed; the message says why."""


class ControlStatus(msgspec.Struct, frozen=True):
    """How the emulator is."""

    pid: int
    time: str
    frozen: bool
    speed: float
    hubs: dict[str, int]
    contracts: list[str]
    faults: list[str]
    switches: dict[str, str]


class Control:
    """Carries orders out: each operation is a method of its name."""

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
            faults=[*gateway.faults.pending(), *gateway.exchange.disturbances.words()],
            switches=positions(gateway.switches, gateway.exchange.options),
        )

    def carry_out(self, name: str, order: msgspec.Struct) -> None:
        """Follow one order.

        Raises:
            ControlError: it cannot be followed now.
        """
        try:
            getattr(self, name.replace("-", "_"))(order)
        except (InvalidRequest, ConfigError) as error:
            raise ControlError(str(error)) from error

    # -- the wire -----------------------------------------------------------------------------------------

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

    def window5xx(self, order: ServerErrors) -> None:
        self._gateway.faults.fail_all(order)

    def throttle(self, order: Throttle) -> None:
        self._gateway.faults.throttle(order.seconds)

    def events(self, order: Disorder) -> None:
        self._gateway.faults.add_events(order.kind, order.batches)

    def lag(self, order: Lag) -> None:
        self._gateway.faults.lag_ms = order.ms
        self._gateway.settle()

    def expire_tokens(self, _order: Arguments) -> None:
        self._gateway.tokens.expire_all()

    def clear(self, _order: Arguments) -> None:
        self._gateway.faults.clear()
        self._tell(journal.CallOff(at=self._gateway.moment()))

    # -- the venue ----------------------------------------------------------------------------------------

    def reject(self, order: Reject) -> None:
        rejection = Rejection(order.orders, PlaceCode(order.code), order.message, order.later)
        self._tell(journal.RejectOrders(at=self._gateway.moment(), rejection=rejection))

    def fills(self, order: Fills) -> None:
        portions = Portions(order.size, order.gap_ms, order.fills) if order.size else None
        self._tell(journal.CutFills(at=self._gateway.moment(), portions=portions))

    def halt(self, order: HaltContract) -> None:
        contract_id = self._contract(order.contract).id
        self._tell(journal.Halt(at=self._gateway.moment(), contract_id=contract_id, halted=order.halted))

    def session(self, order: Window) -> None:
        self._tell(journal.CloseWindow(at=self._gateway.moment(), closed=order.closed))

    def roll(self, order: RollContract) -> None:
        self._tell(journal.Roll(at=self._gateway.moment(), symbol=order.product))

    def price(self, order: PriceOf) -> None:
        contract = self._contract(order.contract)
        price = self._on_grid(contract, order.price)
        self._tell(journal.SetPrice(at=self._gateway.moment(), contract_id=contract.id, price=price))

    def move(self, order: Move) -> None:
        contract_id = self._contract(order.contract).id
        self._tell(journal.MovePrice(at=self._gateway.moment(), contract_id=contract_id, ticks=order.ticks))

    def feed(self, order: FeedPrices) -> None:
        contract = self._contract(order.contract)
        if bool(order.ticks) is bool(order.bars):
            raise ControlError("give ticks or bars")
        prices = []
        at = 0.0
        for tick in order.ticks:
            at += tick.after_ms
            prices.append((at, self._on_grid(contract, tick.price)))
        for index, bar in enumerate(order.bars):
            start = index * order.bar_seconds * 1000
            for part, price in _inside(bar):
                prices.append((start + part * order.bar_seconds * 1000, self._on_grid(contract, price)))
        moment = self._gateway.moment()
        self._tell(journal.Feed(at=moment, contract_id=contract.id, prices=tuple(prices)))

    def account(self, order: AccountChange) -> None:
        if self._gateway.exchange.account(order.account_id) is None:
            raise ControlError(f"no account {order.account_id}")
        at = self._gateway.moment()
        if order.can_trade is not None:
            self._tell(journal.SetCanTrade(at=at, account_id=order.account_id, can_trade=order.can_trade))
        brackets = order.position_brackets
        if brackets is not None:
            account_id = order.account_id
            self._tell(journal.SetPositionBrackets(at=at, account_id=account_id, brackets=brackets))
        mode = bracket_mode(order.bracket_mode, brackets)
        if mode is not None:
            self._tell(journal.SetBracketMode(at=at, account_id=order.account_id, mode=mode))

    def reset(self, order: AccountReset) -> None:
        account = self._gateway.exchange.account(order.account_id)
        if account is None:
            raise ControlError(f"no account {order.account_id}")
        new_id = self._gateway.exchange.highest_account_id + 1
        name = f"{account.name.rpartition('-')[0] or account.name}-{new_id}"
        at = self._gateway.moment()
        self._tell(journal.ResetAccount(at=at, account_id=account.id, new_id=new_id, name=name))

    def switch(self, order: TurnSwitch) -> None:
        self._gateway.turn(order.name, order.value)

    # -- time ---------------------------------------------------------------------------------------------

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

    def skew(self, order: Skew) -> None:
        try:
            self._gateway.clock.skew(timedelta(seconds=order.seconds))
        except ValueError as error:
            raise ControlError(str(error)) from error
        self._gateway.settle()

    # -- inside -------------------------------------------------------------------------------------------

    def _tell(self, command: journal.AnyCommand) -> None:
        self._gateway.tell(command)

    def _contract(self, text: str) -> Contract:
        """A contract by id, or the active one of a root.

        Raises:
            ControlError: there is none.
        """
        contract = self._gateway.catalogue.contract(text)
        if contract is not None:
            return contract
        for contract in self._gateway.listing.available(self._gateway.today):
            if contract.product.symbol == text.upper():
                return contract
        raise ControlError(f"no contract '{text}': expected a root such as MNQ, or a contract id")

    @staticmethod
    def _on_grid(contract: Contract, price: Decimal) -> Decimal:
        if not price.is_finite() or not 0 < price <= HIGHEST_PRICE or not contract.product.is_on_grid(price):
            raise ControlError(f"{price} is not a price on the grid of {contract.product.tick}")
        return price


def _inside(bar: FeedBar) -> Iterator[tuple[float, Decimal]]:
    """The prices of a bar, and after which part of its time each trades."""
    first, second = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise ControlError(f"no bar has open {bar.open}, high {bar.high}, low {bar.low}, close {bar.close}")
    yield from ((0.0, bar.open), (0.3, first), (0.6, second), (0.9, bar.close))


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
            arguments = _arguments(await request.body() or b"{}", operation)
            if operation.answers_first:
                return _answer_first(control, operation, arguments)
            control.carry_out(operation.name, arguments)
        except ControlError as error:
            return json_response({"error": str(error)}, 400)
        return json_response(control.status())

    return order


def _answer_first(control: Control, operation: Operation, arguments: msgspec.Struct) -> Response:
    """An answer after which an order is carried out that ends all connections; this one has ended by then."""

    async def carry_out() -> None:
        control.carry_out(operation.name, arguments)

    answer = json_response(control.status())
    answer.headers["connection"] = "close"
    answer.background = BackgroundTask(carry_out)
    return answer


def _arguments(body: bytes, operation: Operation) -> msgspec.Struct:
    try:
        arguments: msgspec.Struct = msgspec.json.decode(body, type=operation.arguments)
    # besides what is no JSON: text that is no UTF-8, and nesting deeper than the stack
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ControlError(str(error)) from error
    return arguments


def _denied(request: Request) -> Response | None:
    """Strangers, and web pages that a browser on this machine shows, may not give orders."""
    host = request.url.hostname or ""
    local = request.client is not None and ip_address(request.client.host).is_loopback
    if not local or host not in {"127.0.0.1", "localhost"} or "origin" in request.headers:
        return json_response({"error": "the control plane answers to this machine only"}, 403)
    return None
