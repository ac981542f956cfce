"""What tests and drills make the venue do: refusals, fills in portions, prices from a script, a closed window; pure."""

from bisect import insort
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from tradeconsole.exchange.records import PlaceCode
from tradeconsole.exchange.settlement import Piece


class Rejection(msgspec.Struct, frozen=True):
    """How the next orders end: refused with code and words, or taken and refused a moment `later` without any."""

    orders: int = 1
    code: PlaceCode = PlaceCode.ORDER_REJECTED
    message: str | None = None
    later: bool = False


class Portions(msgspec.Struct, frozen=True):
    """Orders get no more than `size` lots at once, and the next only `gap_ms` later.

    `fills` counts the fills that are cut before everything fills whole again; None: until it is lifted.
    """

    size: int
    gap_ms: float
    fills: int | None = None


class ScriptedPrice(msgspec.Struct, frozen=True, order=True):
    """A contract trades at a price at a moment."""

    time: datetime
    contract_id: str
    price: Decimal


class Disturbances(msgspec.Struct):
    """Everything that is in force; a part of the exchange's state."""

    rejections: list[Rejection] = []
    portions: Portions | None = None
    script: list[ScriptedPrice] = []
    closed: bool = False
    """The window in which orders are taken; prices go on, cancelling is always possible."""

    turned: dict[str, str | bool | int | float] = {}
    """Switches of the venue that were turned while it ran, as they were written."""

    def load(self, other: "Disturbances") -> None:
        """Take over what was in force elsewhere."""
        self.rejections, self.portions = other.rejections, other.portions
        self.script, self.closed = other.script, other.closed
        self.turned = other.turned

    def words(self) -> list[str]:
        """What is in force, in words."""
        words = [
            f"reject ×{rejection.orders} code {rejection.code:d}{' later' if rejection.later else ''}"
            for rejection in self.rejections
        ]
        if self.portions is not None:
            words.append(f"fills of {self.portions.size} every {self.portions.gap_ms:g} ms")
        if self.script:
            words.append(f"{len(self.script)} prices to come")
        if self.closed:
            words.append("window closed")
        return words

    def next_rejection(self) -> Rejection | None:
        """What is to happen to the order at hand; it is used up by this."""
        if not self.rejections:
            return None
        first = self.rejections[0]
        rest = [msgspec.structs.replace(first, orders=first.orders - 1)] if first.orders > 1 else []
        self.rejections[:1] = rest
        return first

    def portion(self, pieces: list[Piece]) -> tuple[list[Piece], timedelta | None]:
        """What of a fill may happen now, and how long the order then waits; None when nothing was cut."""
        portions = self.portions
        if portions is None or sum(size for _, size in pieces) <= portions.size:
            return pieces, None
        left = portions.size
        cut: list[Piece] = []
        for price, size in pieces:
            if left:
                cut.append((price, min(size, left)))
                left -= cut[-1][1]
        if portions.fills is not None:
            fills = portions.fills - 1
            self.portions = msgspec.structs.replace(portions, fills=fills) if fills else None
        return cut, timedelta(milliseconds=portions.gap_ms)

    def add_prices(self, prices: list[ScriptedPrice]) -> None:
        """Put prices into the script, behind others of the same moment."""
        for price in prices:
            insort(self.script, price, key=lambda scripted: scripted.time)

    @property
    def next_price(self) -> ScriptedPrice | None:
        return self.script[0] if self.script else None
