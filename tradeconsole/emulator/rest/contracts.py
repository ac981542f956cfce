"""Endpoints `Contract/*`."""

from typing import Final

import msgspec

from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, Payload, failure, success
from tradeconsole.emulator.wire import WireContract, contract_row

_CONTRACT_NOT_FOUND: Final = 1


class SearchContracts(msgspec.Struct, rename="camel"):
    live: bool
    search_text: str | None = None


class SearchContractById(msgspec.Struct, rename="camel"):
    contract_id: str


class AvailableContracts(msgspec.Struct):
    live: bool


def search(gateway: Gateway, _caller: Caller, request: SearchContracts) -> Payload:
    """Fuzzy text search, at most 20 rows; nobody here is entitled to live data."""
    found = [] if request.live else gateway.listing.search(request.search_text or "", gateway.today)
    return success(contracts=[contract_row(contract, active=True) for contract in found])


def search_by_id(gateway: Gateway, _caller: Caller, request: SearchContractById) -> Payload:
    """One contract, expired ones included."""
    contract = gateway.catalogue.contract(request.contract_id)
    if contract is None:
        return failure(_CONTRACT_NOT_FOUND, contract=None)
    active = gateway.listing.is_active(contract, gateway.today)
    return success(contract=contract_row(contract, active=active))


def available(gateway: Gateway, _caller: Caller, request: AvailableContracts) -> Payload:
    """The active contract of every product."""
    listed = [] if request.live else gateway.listing.available(gateway.today)
    return success(contracts=[contract_row(contract, active=True) for contract in listed])


ENDPOINTS: Final = (
    Endpoint(
        path="/api/Contract/search",
        operation="Contract_SearchContracts",
        shape=SearchContracts,
        handle=search,
        payload={"contracts": list[WireContract]},
    ),
    Endpoint(
        path="/api/Contract/searchById",
        operation="Contract_SearchContractById",
        shape=SearchContractById,
        handle=search_by_id,
        payload={"contract": WireContract},
    ),
    Endpoint(
        path="/api/Contract/available",
        operation="Contract_AvailableContracts",
        shape=AvailableContracts,
        handle=available,
        payload={"contracts": list[WireContract]},
    ),
)
