"""Which order the keys act on: what the user chose, or what an order that was just sent has led to."""

from collections.abc import Sequence

from tradeconsole.domain.orders import OrderRole, OrderStatus
from tradeconsole.views.models import OrderRow


class OrderSelection:
    """The order under the cursor. It moves by itself only from a sent order to the stop that it brought.

    A sent order is selected as soon as it is listed, and once it is over the cursor goes on to its stop, or to its
    target if it has no stop. Whatever the user chooses ends that. The first list of orders selects a working stop.
    """

    def __init__(self) -> None:
        self.order_id: str | None = None
        self._followed: str | None = None
        self._started = False

    def choose(self, order_id: str | None) -> None:
        """The user put the cursor there; choosing the selected one again changes nothing."""
        if order_id != self.order_id:
            self.order_id, self._followed = order_id, None

    def follow(self, order_id: str, orders: Sequence[OrderRow]) -> None:
        """Go where an order goes that was just sent."""
        self._followed = order_id
        self.update(orders)

    def update(self, orders: Sequence[OrderRow]) -> bool:
        """Look where the followed order stands now; true if the cursor went on from it to its stop or target."""
        if not self._started and orders:
            self._started = True
            self.order_id = self.order_id or _leg(orders)
        followed = next((row for row in orders if row.order_id == self._followed), None)
        if followed is None:
            return False
        self.order_id = followed.order_id
        leg = None if followed.is_open else _leg(orders, followed.order_id)
        if leg is not None:
            self.order_id, self._followed = leg, None
        return leg is not None


def _leg(orders: Sequence[OrderRow], parent_id: str | None = None) -> str | None:
    """The working stop of an order, or its target if it has none; without an order, the first working stop."""
    for role in (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT):
        for row in orders:
            at_work = row.can_move and row.status is not OrderStatus.SUSPENDED
            if row.role is role and at_work and parent_id in (None, row.parent_id):
                return row.order_id
    return None
