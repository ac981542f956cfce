"""Ticks wanted but not yet sent: while one move of an order is on its way, further key presses add up."""


class Nudges:
    """Sums of ticks per order, with at most one sender per order at a time."""

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        self._sending: set[str] = set()

    def add(self, order_id: str, ticks: int) -> bool:
        """Want some more ticks; true if the caller must now send until `take` gives 0."""
        self._waiting[order_id] = self._waiting.get(order_id, 0) + ticks
        if order_id in self._sending:
            return False
        self._sending.add(order_id)
        return True

    def take(self, order_id: str) -> int:
        """Ticks to send now; 0 ends the sending."""
        ticks = self._waiting.pop(order_id, 0)
        if ticks == 0:
            self._sending.discard(order_id)
        return ticks

    def drop(self, order_id: str) -> None:
        """Forget what was wanted, after a failure."""
        self._waiting.pop(order_id, None)
        self._sending.discard(order_id)
