"""Endpoint `Account/search`."""

from typing import Final

import msgspec

from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, Payload, success
from tradeconsole.emulator.wire import WireAccount, account_row


class SearchAccounts(msgspec.Struct, rename="camel"):
    only_active_accounts: bool


def search(gateway: Gateway, caller: Caller, request: SearchAccounts) -> Payload:
    """The caller's accounts; `canTrade` is taken for active (unverified for the real gateway)."""
    return success(
        accounts=[
            account_row(account)
            for account in gateway.exchange.accounts(caller.user)
            if account.can_trade or not request.only_active_accounts
        ]
    )


ENDPOINTS: Final = (
    Endpoint(
        path="/api/Account/search",
        operation="Account_SearchAccounts",
        shape=SearchAccounts,
        handle=search,
        payload={"accounts": list[WireAccount]},
    ),
)
