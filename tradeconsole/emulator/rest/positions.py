"""Endpoints `Position/*`."""

from typing import Final

import msgspec

from tradeconsole.emulator.bodies import Int32
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, Payload, envelope, failure, success
from tradeconsole.emulator.journal import CloseContract, PartialClose
from tradeconsole.emulator.wire import REST, WirePosition, position_row

_ACCOUNT_NOT_FOUND: Final = 1


class SearchOpenPositions(msgspec.Struct, rename="camel"):
    account_id: Int32


class CloseContractPosition(msgspec.Struct, rename="camel"):
    account_id: Int32
    contract_id: str


class PartialCloseContractPosition(msgspec.Struct, rename="camel"):
    account_id: Int32
    contract_id: str
    size: Int32


def search_open(gateway: Gateway, caller: Caller, request: SearchOpenPositions) -> Payload:
    """Open positions, one per contract."""
    if gateway.account(caller.user, request.account_id) is None:
        return failure(_ACCOUNT_NOT_FOUND, positions=None)
    found = gateway.exchange.positions(request.account_id)
    return success(positions=[position_row(position, REST) for position in found])


def close_contract(gateway: Gateway, caller: Caller, request: CloseContractPosition) -> Payload:
    """Close a whole position at the market; the order's id is not told."""
    account_id = gateway.visible(caller.user, request.account_id)
    command = CloseContract(at=gateway.moment(), account_id=account_id, contract_id=request.contract_id)
    return envelope(gateway.tell(command))


def partial_close(gateway: Gateway, caller: Caller, request: PartialCloseContractPosition) -> Payload:
    """Reduce a position at the market."""
    command = PartialClose(
        at=gateway.moment(),
        account_id=gateway.visible(caller.user, request.account_id),
        contract_id=request.contract_id,
        size=request.size,
    )
    return envelope(gateway.tell(command))


ENDPOINTS: Final = (
    Endpoint(
        path="/api/Position/searchOpen",
        operation="Position_SearchOpenPositions",
        shape=SearchOpenPositions,
        handle=search_open,
        payload={"positions": list[WirePosition]},
    ),
    Endpoint(
        path="/api/Position/closeContract",
        operation="Position_CloseContractPosition",
        shape=CloseContractPosition,
        handle=close_contract,
    ),
    Endpoint(
        path="/api/Position/partialCloseContract",
        operation="Position_PartialCloseContractPosition",
        shape=PartialCloseContractPosition,
        handle=partial_close,
    ),
)
