"""Giving a protecting stop more room: asks once, however many ticks it takes."""

from decimal import Decimal

from textual import events
from textual.widgets import Static

from tradeconsole.tui.dialogs.confirm import Confirm, Question
from tradeconsole.tui.render.numbers import price, signed_money, signed_ticks
from tradeconsole.views.models import OrderRow


class Loosen(Confirm):
    """Holds the number of ticks, which the same keys that asked still change; `ticks` is the answer to use.

    Args:
        order: the stop as it stands.
        ticks: the first move, away from the market.
        tick_size: price of one tick.
        tick_value: money of one tick per contract, if known.
        steps: key names and the ticks that each adds.
    """

    def __init__(
        self,
        order: OrderRow,
        ticks: int,
        *,
        tick_size: Decimal,
        tick_value: Decimal | None,
        steps: dict[str, int],
        key: str,
        quiet: float,
    ) -> None:
        self.order = order
        self.ticks = ticks
        self._tick_size = tick_size
        self._tick_value = tick_value
        self._steps = steps
        question = Question(title="Loosen the stop", facts=self._facts(), verb="give it more room", key=key)
        super().__init__(question, quiet)

    def on_key(self, event: events.Key) -> None:
        """Arrow keys that asked change the number; everything else is as in any confirmation."""
        step = self._steps.get(event.key)
        if step is None:
            return
        event.prevent_default()
        event.stop()
        self.guard.accepts(event.time)
        self.ticks += step
        self.query_one("#facts", Static).update("\n".join(self._facts()))

    def _facts(self) -> list[str]:
        order = self.order
        old = order.price if order.price is not None else Decimal(0)
        new = old + self.ticks * self._tick_size
        unit = "tick" if abs(self.ticks) == 1 else "ticks"
        facts = [
            f"{order.side} stop for {order.size} {order.name}",
            f"{price(old, order.decimals)} → {price(new, order.decimals)}   {signed_ticks(self.ticks)} {unit}",
        ]
        if self._tick_value is not None:
            # the same keys may have brought it nearer to the market than it was
            change = -order.side.sign * self.ticks * self._tick_value * order.size
            facts.append(f"If it fills there, that is {signed_money(change)} against where it is now.")
        return facts
