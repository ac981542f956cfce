"""Endpoint `Trade/search`."""

from datetime import datetime
from typing import Final

import msgspec

from tradeconsole.emulator.bodies import Int32
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, Payload, failure, success
from tradeconsole.emulator.wire import REST, WireTrade, trade_row

_ACCOUNT_NOT_FOUND: Final = 1


class SearchTrades(msgspec.Struct, rename="camel"):
    account_id: Int32
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None


def search(gateway: Gateway, caller: Caller, request: SearchTrades) -> Payload:
    """Half-turns of a window, newest first."""
    if gateway.account(caller.user, request.account_id) is None:
        return failure(_ACCOUNT_NOT_FOUND, trades=None)
    found = gateway.exchange.trades(request.account_id, request.start_timestamp, request.end_timestamp)
    commissions = gateway.switches.rest_commissions
    return success(trades=[trade_row(trade, REST, commissions=commissions) for trade in found])


ENDPOINTS: Final = (
    Endpoint(
        path="/api/Trade/search",
        operation="Trade_SearchHalfTurnTrades",
        shape=SearchTrades,
        handle=search,
        payload={"trades": list[WireTrade]},
    ),
)
