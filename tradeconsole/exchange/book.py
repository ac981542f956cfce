"""Working orders of one contract, and which of them a price reaches; pure."""

from math import inf

from tradeconsole.domain.orders import OrderType, Side
from tradeconsole.exchange.catalogue import Product
from tradeconsole.exchange.records import ExchangeOptions, VenueOrder


class Working:
    """One working order as matching sees it: prices as floats on the grid, `trail` a distance in price."""

    __slots__ = ("id", "is_buy", "limit", "stop", "trail")

    def __init__(self, order: VenueOrder, product: Product) -> None:
        self.id = order.id
        self.is_buy = order.side is Side.BUY
        waits = order.stop_price is not None and not order.triggered
        self.stop = float(order.stop_price) if waits and order.stop_price is not None else None
        self.limit = float(order.limit_price) if self.stop is None and order.limit_price is not None else None
        trails = order.type is OrderType.TRAILING_STOP and order.trail_distance is not None
        self.trail = abs(order.trail_distance or 0) * product.tick_float if trails else 0.0


class WorkingBook:
    """Working orders, and the band of prices in which none of them is touched.

    `low`: nothing happens while asks and prints stay above it; `high`: while bids and prints stay below.
    """

    __slots__ = ("_options", "_orders", "_product", "high", "low")

    def __init__(self, product: Product, options: ExchangeOptions) -> None:
        self._product = product
        self._options = options
        self._orders: dict[int, Working] = {}
        self.low, self.high = -inf, inf

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._orders

    def put(self, order: VenueOrder) -> None:
        """Add an order or take its changed prices."""
        self._orders[order.id] = Working(order, self._product)
        self._measure()

    def drop(self, order_id: int) -> None:
        """Take an order out; it is fine if it is not there."""
        if self._orders.pop(order_id, None) is not None:
            self._measure()

    def reached_by_quote(self, bid: float, ask: float) -> list[int]:
        """Ids of orders that a quote reaches: asks come down to buy limits and sell stops, bids up to the others."""
        if self.low < ask and bid < self.high:
            return []
        return [order.id for order in self._orders.values() if self._meets_quote(order, bid, ask)]

    def reached_by_print(self, price: float) -> list[int]:
        """Ids of orders that a print reaches. Limits need a print beyond their price, or at it if touch is enough."""
        if self.low < price < self.high:
            return []
        return [order.id for order in self._orders.values() if self._meets_print(order, price)]

    def ratchet(self, price: float) -> list[tuple[int, float]]:
        """Move trailing stops after a print; ids and new stops of those that moved."""
        if self.low < price < self.high:
            return []
        moved = []
        for order in self._orders.values():
            if order.trail and order.stop is not None:
                wanted = price + order.trail if order.is_buy else price - order.trail
                if (wanted < order.stop) if order.is_buy else (wanted > order.stop):
                    order.stop = self._product.price_of(self._product.ticks_of(wanted))
                    moved.append((order.id, order.stop))
        if moved:
            self._measure()
        return moved

    def _meets_quote(self, order: Working, bid: float, ask: float) -> bool:
        if order.stop is not None:
            return bid >= order.stop if order.is_buy else ask <= order.stop
        if order.limit is not None:
            return ask <= order.limit if order.is_buy else bid >= order.limit
        return False

    def _meets_print(self, order: Working, price: float) -> bool:
        if order.stop is not None:
            return price >= order.stop if order.is_buy else price <= order.stop
        if order.limit is not None:
            if price == order.limit:
                return self._options.fill_on_touch
            return price < order.limit if order.is_buy else price > order.limit
        return False

    def _measure(self) -> None:
        low, high = -inf, inf
        for order in self._orders.values():
            if order.stop is not None:
                below, above = (
                    (order.stop - order.trail, order.stop)
                    if order.is_buy
                    else (order.stop, order.stop + order.trail)
                )
                if order.trail or not order.is_buy:
                    low = max(low, below)
                if order.trail or order.is_buy:
                    high = min(high, above)
            elif order.limit is not None:
                if order.is_buy:
                    low = max(low, order.limit)
                else:
                    high = min(high, order.limit)
        tick = self._product.tick_float
        # half a tick of room: sums of floats must not hide a price that lies exactly on the band
        self.low, self.high = low + tick / 2, high - tick / 2
