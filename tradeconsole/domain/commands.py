"""What a front end may ask for: frozen, imperative. The answer is an event, never a return of state."""

from decimal import Decimal

import msgspec

from tradeconsole.domain.orders import Bracket, OrderType, Side


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Place one order. Prices are absolute; bracket and trail distances are positive ticks."""

    account_id: str
    symbol: str
    side: Side
    size: int
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_ticks: int | None = None
    bracket: Bracket | None = None
    origin: str = "hand"


class ModifyOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Change a working order; None leaves a field as it is."""

    order_id: str
    size: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


class NudgeOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Move a working order's price by whole ticks, up or down, from its price at the broker."""

    order_id: str
    ticks: int


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    order_id: str


class CancelAll(msgspec.Struct, frozen=True, gc=False):
    """Cancel every open order of an account, or of one symbol in it."""

    account_id: str
    symbol: str | None = None


class ClosePosition(msgspec.Struct, frozen=True, gc=False):
    """Close a position, or `size` contracts of it, at the market."""

    account_id: str
    symbol: str
    size: int | None = None


class Flatten(msgspec.Struct, frozen=True, gc=False):
    """Cancel all, close all, and keep at it until the broker confirms flat; one symbol if given."""

    account_id: str
    symbol: str | None = None


class Arm(msgspec.Struct, frozen=True, gc=False):
    """Allow orders that add risk on an account; `phrase` is what live accounts ask for."""

    account_id: str
    phrase: str = ""


class Disarm(msgspec.Struct, frozen=True, gc=False):
    account_id: str


class Reconcile(msgspec.Struct, frozen=True, gc=False):
    """Compare the book with the broker's records now."""


class DismissNotifications(msgspec.Struct, frozen=True, gc=False):
    """Mark everything in the feed as read."""


Command = (
    PlaceOrder
    | ModifyOrder
    | NudgeOrder
    | CancelOrder
    | CancelAll
    | ClosePosition
    | Flatten
    | Arm
    | Disarm
    | Reconcile
    | DismissNotifications
)
