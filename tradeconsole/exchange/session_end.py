"""What becomes of orders that still work when the session of their product ends; pure."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.matching import Matcher
from tradeconsole.exchange.records import ExchangeOptions, SessionEnd, VenueOrder
from tradeconsole.exchange.store import Store

EndOf = Callable[[ProductGroup, datetime], datetime | None]
"""When the session that contains a moment ends for a group; None between sessions, and where sessions never end."""

_STATUS: Final = {SessionEnd.CANCEL: OrderStatus.CANCELLED, SessionEnd.EXPIRE: OrderStatus.EXPIRED}


class SessionEnds:
    """Ends day orders."""

    def __init__(
        self, catalogue: Catalogue, store: Store, matcher: Matcher, options: ExchangeOptions, end_of: EndOf
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._matcher = matcher
        self._options = options
        self._end_of = end_of
        self._ends: dict[ProductGroup, datetime] = {}

    def next_time(self, now: datetime) -> datetime | None:
        """When the first of the open orders ends with its session; None: none does."""
        groups = {self._group(order) for order in self._store.all_open_orders()}
        ends = {group: self._end_of(group, now) for group in groups}
        self._ends = {group: end for group, end in ends.items() if end is not None}
        return min(self._ends.values(), default=None)

    def attend(self, now: datetime) -> None:
        """End the orders whose session ends now, as `next_time` has found."""
        status = _STATUS.get(self._options.session_end)
        if status is None:
            return
        for order in list(self._store.all_open_orders()):
            if self._ends.get(self._group(order)) == now:
                self._matcher.end(order, status, now)

    def _group(self, order: VenueOrder) -> ProductGroup:
        return self._catalogue.known(order.contract_id).product.group
