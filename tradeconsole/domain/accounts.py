"""Trading accounts as the broker reports them."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class AccountKind(StrEnum):
    """What is at stake; shown loud on every screen."""

    PRACTICE = "practice"
    EVALUATION = "evaluation"
    FUNDED = "funded"
    LIVE = "live"


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One account; `balance` is realised cash in its currency, without open profit."""

    account_id: str
    name: str
    balance: Decimal
    kind: AccountKind
    can_trade: bool = True
    is_visible: bool = True
    simulated: bool = True
