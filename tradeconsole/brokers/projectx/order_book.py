"""The depth of one contract, rebuilt from the gateway's rows. Pure."""

from datetime import datetime
from heapq import nlargest, nsmallest
from typing import Final

from tradeconsole.brokers.projectx.wire import DomType
from tradeconsole.domain.market import Depth, DepthLevel

LEVELS: Final = 10
"""Levels a side that are passed on; the gateway shows about as many (unverified)."""

_ASKS: Final = frozenset({int(DomType.ASK), int(DomType.BEST_ASK), int(DomType.NEW_BEST_ASK)})
_BIDS: Final = frozenset({int(DomType.BID), int(DomType.BEST_BID), int(DomType.NEW_BEST_BID)})
# what NEW_BEST_BID and NEW_BEST_ASK mean follows from their names (unverified)
_PLAIN: Final = frozenset({int(DomType.ASK), int(DomType.BID)})


class OrderBook:
    """Sizes by price. Rows that are not about the book (prints, session extremes) change nothing."""

    def __init__(self) -> None:
        self._bids: dict[float, int] = {}
        self._asks: dict[float, int] = {}
        self._has_levels = False

    def apply(self, kind: int, price: float, size: int) -> bool:
        """Take one row; whether the book may have changed."""
        if kind == DomType.RESET:
            self._bids.clear()
            self._asks.clear()
            self._has_levels = False
            return True
        side = self._bids if kind in _BIDS else self._asks if kind in _ASKS else None
        if side is None:
            return False
        if kind in _PLAIN:
            self._has_levels = True
        else:
            self._lead(side, price)
        if size > 0:
            side[price] = size
        else:
            side.pop(price, None)
        return True

    def _lead(self, side: dict[float, int], best: float) -> None:
        # without the depth entitlement only best prices come (unverified), and nobody takes an old one back
        if not self._has_levels:
            side.clear()
            return
        better = [price for price in side if (price > best if side is self._bids else price < best)]
        for price in better:
            del side[price]

    def depth(self, instrument_id: str, time: datetime) -> Depth:
        """The best levels, best first."""
        return Depth(
            instrument_id,
            time,
            tuple(DepthLevel(price, self._bids[price]) for price in nlargest(LEVELS, self._bids)),
            tuple(DepthLevel(price, self._asks[price]) for price in nsmallest(LEVELS, self._asks)),
        )
