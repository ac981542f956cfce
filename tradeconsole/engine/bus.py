"""The bus: state first, then subscribers; synchronous, typed by class, on the engine's loop."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from tradeconsole.domain.events import Event

log = logging.getLogger(__name__)


class Bus:
    """Publishes events: `apply` changes the state, then the handlers of the event's class run in order.

    What `apply` derives is published after its cause. A handler that publishes is served after the current
    event is done, so that every handler sees events in one order.
    """

    def __init__(self, apply: Callable[[Any], Iterable[Event]]) -> None:
        self._apply = apply
        self._handlers: dict[type, tuple[Callable[[Any], None], ...]] = {}
        self._queue: deque[tuple[Event, bool]] = deque()
        """Events to tell, each with whether it is applied already."""
        self._busy = False

    def subscribe(self, handler: Callable[[Any], None], *events: type) -> None:
        """Call `handler` for each event of these classes. It must return within microseconds."""
        for event in events:
            self._handlers[event] = (*self._handlers.get(event, ()), handler)

    def unsubscribe(self, handler: Callable[[Any], None]) -> None:
        """Stop calling `handler` for anything."""
        for event, handlers in self._handlers.items():
            self._handlers[event] = tuple(known for known in handlers if known != handler)

    def publish(self, event: Event) -> None:
        """Apply an event and tell the subscribers. Never raises what a handler raised."""
        self._queue.append((event, False))
        self._deliver()

    def hold(self, event: Event) -> None:
        """Apply an event now; tell the subscribers at `release`, or before whatever is published next.

        For what the state must know at once, where telling it would hold up an order.
        """
        if self._busy:
            self._queue.append((event, False))
            return
        derived = self._applied(event)
        if derived is not None:
            self._queue.append((event, True))
            for each in derived:
                self.hold(each)

    def release(self) -> None:
        """Tell what is held."""
        self._deliver()

    def _deliver(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            while self._queue:
                event, is_applied = self._queue.popleft()
                derived = () if is_applied else self._applied(event)
                if derived is not None:
                    self._tell(event)
                    self._queue.extendleft((each, False) for each in reversed(derived))
        finally:
            self._busy = False

    def _applied(self, event: Event) -> tuple[Event, ...] | None:
        """What follows from the event; None if the book could not take it."""
        try:
            return tuple(self._apply(event))
        except Exception:
            log.exception("the book could not apply %s", type(event).__name__)
            return None

    def _tell(self, event: Event) -> None:
        for handler in self._handlers.get(type(event), ()):
            try:
                handler(event)
            except Exception:
                log.exception("a handler failed for %s", type(event).__name__)
