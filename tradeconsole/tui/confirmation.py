"""How much deliberation a change to an order deserves: reducing risk is one level cheaper than adding it."""

from collections.abc import Iterable
from decimal import Decimal

from tradeconsole.actions import Danger
from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.orders import OrderRole, OrderType, Side
from tradeconsole.views.models import OrderRow, PositionRow

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_REAL_MONEY = frozenset({AccountKind.FUNDED, AccountKind.LIVE})


def protects(order: OrderRow, positions: Iterable[PositionRow]) -> bool:
    """Whether an order is a stop that limits the loss of a position held, or of an entry that still waits."""
    if order.role is OrderRole.STOP_LOSS:
        return True
    return order.type in _STOPS and any(
        position.instrument_id == order.instrument_id and position.size * order.side.sign < 0
        for position in positions
    )


def loosens(order: OrderRow, move: Decimal) -> bool:
    """Whether moving a protecting stop by that much gives the market more room: down for a sell, up for a buy."""
    return move < 0 if order.side is Side.SELL else move > 0


def danger_of_cancel(order: OrderRow, positions: Iterable[PositionRow]) -> Danger:
    """Taking protection away adds risk; taking away an entry or a target does not."""
    return Danger.TWO_KEYS if protects(order, positions) else Danger.ONE_KEY


def danger_of_move(order: OrderRow, move: Decimal, positions: Iterable[PositionRow]) -> Danger:
    """Loosening a protecting stop adds risk; tightening it, or moving an entry or target, does not."""
    return Danger.TWO_KEYS if loosens(order, move) and protects(order, positions) else Danger.ONE_KEY


def danger_of_arming(kind: AccountKind) -> Danger:
    """Accounts with real money, or that can lose a funded status, ask for their name."""
    return Danger.TYPED if kind in _REAL_MONEY else Danger.TWO_KEYS
