"""The gateway's operations that the adapter uses: path, urgency, reply, and what its error codes mean.

Each operation numbers its errors by itself, so every entry has its own table (section 13 of the reference). Codes
listed as `pending` mean that the outcome is not known yet: the broker's records settle it, nothing is sent again.
"""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from tradeconsole.brokers.projectx import wire
from tradeconsole.brokers.projectx.limits import Urgency

R = TypeVar("R", bound=wire.Reply)


class Endpoint(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """One operation. `changes` is True if it can change something at the broker: then it is sent once."""

    name: str
    path: str
    urgency: Urgency
    reply: type[R]
    errors: Mapping[int, str]
    pending: frozenset[int] = frozenset()
    changes: bool = False
    is_history: bool = False

    def when(self, urgent: bool) -> "Endpoint[R]":
        """This operation, or the same ahead of everything else: flattening must not wait for its own questions."""
        return msgspec.structs.replace(self, urgency=Urgency.CANCEL) if urgent else self

    def decode(self, body: bytes) -> R:
        """The reply in the body.

        Raises:
            msgspec.DecodeError: it is no such reply.
        """
        return msgspec.json.decode(body, type=self.reply, strict=False)

    def sentence(self, reply: wire.Reply) -> str:
        """Why the gateway said no: its own words where it has any."""
        known = self.errors.get(reply.error_code, f"the gateway gave error code {reply.error_code}")
        return wire.words(reply.error_message or "") or known


_NO_ACCOUNT: Final = "the gateway does not know this account"
_NO_ORDER: Final = "the gateway does not know this order"
_UNKNOWN: Final = "the gateway failed and does not say why"
_ACCOUNT_NO: Final = "the account does not accept this"
_PENDING: Final = "the gateway has not decided yet"
_NOT_ACTIVE: Final = "the contract is not the active one any more"
_NO_CONTRACT: Final = "the gateway does not know this contract"
NO_SUCH_ACCOUNT: Final = 1
"""What the gateway's questions about an account answer when it does not know it."""
_ONLY_ACCOUNT: Final = {NO_SUCH_ACCOUNT: _NO_ACCOUNT}

CONTRACT_NOT_ACTIVE: Final = 9
"""`Order/place` refuses a contract that has rolled."""

ALREADY_FINISHED: Final = 5
"""`Order/cancel` refuses an order that is filled, cancelled or rejected; the name of the code is "unknown error"."""

LOGIN_KEY: Final = Endpoint(
    name="login",
    path="/api/Auth/loginKey",
    urgency=Urgency.CANCEL,
    reply=wire.LoginReply,
    errors={
        1: "the gateway does not know this user",
        3: "user name or API key is wrong; the user name is the platform login, not the e-mail",
        7: "agreements are not signed; log into the platform in a browser and complete them",
        8: _UNKNOWN,
        9: "the user has no API subscription, or it is not linked to this firm",
        10: "the firm has switched key logins off",
    },
)
VALIDATE: Final = Endpoint(
    name="validate",
    path="/api/Auth/validate",
    urgency=Urgency.CANCEL,
    reply=wire.ValidateReply,
    errors={
        1: "the session is not valid",
        2: "the session was not found",
        3: "the token has expired",
        4: _UNKNOWN,
    },
)
ACCOUNTS: Final = Endpoint(
    name="accounts",
    path="/api/Account/search",
    urgency=Urgency.QUERY,
    reply=wire.AccountsReply,
    errors={},
)
CONTRACT_SEARCH: Final = Endpoint(
    name="contract_search",
    path="/api/Contract/search",
    urgency=Urgency.QUERY,
    reply=wire.ContractsReply,
    errors={},
)
CONTRACT_BY_ID: Final = Endpoint(
    name="contract",
    path="/api/Contract/searchById",
    urgency=Urgency.QUERY,
    reply=wire.ContractReply,
    errors={1: _NO_CONTRACT},
)
CONTRACTS_AVAILABLE: Final = Endpoint(
    name="contracts",
    path="/api/Contract/available",
    urgency=Urgency.QUERY,
    reply=wire.ContractsReply,
    errors={},
)
BARS: Final = Endpoint(
    name="bars",
    path="/api/History/retrieveBars",
    urgency=Urgency.HISTORY,
    reply=wire.BarsReply,
    is_history=True,
    errors={
        1: _NO_CONTRACT,
        2: "the gateway has no bars of this unit",
        3: "the gateway has no bars of this length",
        4: "too many bars were asked for at once",
    },
)
ORDER_SEARCH: Final = Endpoint(
    name="orders",
    path="/api/Order/search",
    urgency=Urgency.QUERY,
    reply=wire.OrdersReply,
    errors=_ONLY_ACCOUNT,
)
ORDER_BY_ID: Final = Endpoint(
    name="order",
    path="/api/Order/searchById",
    urgency=Urgency.QUERY,
    reply=wire.OrderReply,
    errors={1: _NO_ORDER},
)
ORDER_SEARCH_OPEN: Final = Endpoint(
    name="open_orders",
    path="/api/Order/searchOpen",
    urgency=Urgency.QUERY,
    reply=wire.OrdersReply,
    errors=_ONLY_ACCOUNT,
)
ORDER_QUERY: Final = Endpoint(
    name="order_query",
    path="/api/Order/v2/query",
    urgency=Urgency.QUERY,
    reply=wire.OrdersReply,
    errors=_ONLY_ACCOUNT,
)
ORDER_PLACE: Final = Endpoint(
    name="place_order",
    path="/api/Order/place",
    urgency=Urgency.ORDER,
    reply=wire.PlaceReply,
    changes=True,
    # "unknown error" is in doubt too: a refusal that was none would leave a live order nobody watches
    pending=frozenset({6, 7}),
    errors={
        1: _NO_ACCOUNT,
        2: "the gateway rejected the order and does not say why",
        3: "the account has not enough funds",
        4: "the order would break a rule of the account",
        5: "outside trading hours",
        6: _PENDING,
        7: _UNKNOWN,
        8: _NO_CONTRACT,
        9: _NOT_ACTIVE,
        10: _ACCOUNT_NO,
    },
)
ORDER_CANCEL: Final = Endpoint(
    name="cancel_order",
    path="/api/Order/cancel",
    urgency=Urgency.CANCEL,
    reply=wire.Reply,
    changes=True,
    pending=frozenset({4}),
    errors={
        1: _NO_ACCOUNT,
        2: _NO_ORDER,
        3: "the gateway refused to cancel the order",
        4: _PENDING,
        # what "unknown error" turned out to mean (section 8.4; unverified that it means nothing else)
        ALREADY_FINISHED: "the order cannot be cancelled: it may be finished already",
        6: _ACCOUNT_NO,
    },
)
ORDER_MODIFY: Final = Endpoint(
    name="modify_order",
    path="/api/Order/modify",
    urgency=Urgency.ORDER,
    reply=wire.Reply,
    changes=True,
    pending=frozenset({4}),
    errors={
        1: _NO_ACCOUNT,
        2: _NO_ORDER,
        3: "the gateway refused to change the order",
        4: _PENDING,
        5: _UNKNOWN,
        6: _ACCOUNT_NO,
        7: _NO_CONTRACT,
    },
)
POSITIONS: Final = Endpoint(
    name="positions",
    path="/api/Position/searchOpen",
    urgency=Urgency.QUERY,
    reply=wire.PositionsReply,
    errors=_ONLY_ACCOUNT,
)
_NO_POSITION: Final = "there is no position in this contract"
CLOSE_CONTRACT: Final = Endpoint(
    name="close_position",
    path="/api/Position/closeContract",
    urgency=Urgency.CANCEL,
    reply=wire.Reply,
    changes=True,
    pending=frozenset({6, 7}),
    errors={
        1: _NO_ACCOUNT,
        2: _NO_POSITION,
        3: _NO_CONTRACT,
        4: _NOT_ACTIVE,
        5: "the closing order was rejected: the market may be closed",
        6: _PENDING,
        7: _UNKNOWN,
        8: _ACCOUNT_NO,
    },
)
PARTIAL_CLOSE: Final = Endpoint(
    name="reduce_position",
    path="/api/Position/partialCloseContract",
    urgency=Urgency.CANCEL,
    reply=wire.Reply,
    changes=True,
    pending=frozenset({7, 8}),
    errors={
        1: _NO_ACCOUNT,
        2: _NO_POSITION,
        3: _NO_CONTRACT,
        4: _NOT_ACTIVE,
        5: "the size to close is not between 1 and the size of the position",
        6: "the closing order was rejected: the market may be closed",
        7: _PENDING,
        8: _UNKNOWN,
        9: _ACCOUNT_NO,
    },
)
TRADES: Final = Endpoint(
    name="fills",
    path="/api/Trade/search",
    urgency=Urgency.QUERY,
    reply=wire.TradesReply,
    errors=_ONLY_ACCOUNT,
)

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (
    LOGIN_KEY,
    VALIDATE,
    ACCOUNTS,
    CONTRACT_SEARCH,
    CONTRACT_BY_ID,
    CONTRACTS_AVAILABLE,
    BARS,
    ORDER_SEARCH,
    ORDER_BY_ID,
    ORDER_SEARCH_OPEN,
    ORDER_QUERY,
    ORDER_PLACE,
    ORDER_CANCEL,
    ORDER_MODIFY,
    POSITIONS,
    CLOSE_CONTRACT,
    PARTIAL_CLOSE,
    TRADES,
)
