"""Keys take effect in the order typed: the next one waits until the one before has had its whole effect."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

Deliver = Callable[[events.Key | events.Paste], Awaitable[None]]

_SAME_BURST: Final = 0.5
"""Seconds between two keys below which the second belongs to what was typed with the first."""

_ROUNDS: Final = 3
"""A key climbs from the focused widget to the app, then what it made the widget say, then what the app answers."""


class KeyOrder:
    """Holds keys back while an earlier one is on its way.

    Textual hands a key to the queue of the widget that has the focus when the key arrives, which in a burst (a slow
    line, a paste) is before the Tab or the action ahead of it has moved the focus. A price would land in the field
    of another one. For the same reason keys are dropped, all that were typed together, when the one before them has
    had no effect in time.

    Args:
        app: whose widgets hear the keys.
        deliver: forwards one key, within the app's own handling of messages.
        dropped: is told how many keys were dropped.
        patience: seconds that a key waits for the one before.
    """

    def __init__(
        self, app: App[Any], deliver: Deliver, dropped: Callable[[int], None], patience: float
    ) -> None:
        self._app = app
        self._deliver = deliver
        self._dropped = dropped
        self._patience = patience
        self._last_dropped = float("-inf")
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._busy = False
        self._settling: asyncio.Task[None] | None = None
        self._restless: set[asyncio.Task[Any] | None] = set()
        self._resting = asyncio.Event()
        self._resting.set()

    @property
    def is_busy(self) -> bool:
        """Whether a key is still on its way."""
        return self._busy

    async def take(self, key: events.Key | events.Paste) -> None:
        """Deliver a key at once, or as soon as those before it have had their effect."""
        if key.time - self._last_dropped < _SAME_BURST:
            self._last_dropped = key.time
        elif self._busy:
            self._waiting.append(key)
        else:
            await self._hand_over(key)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Run by a task that a key started: until it rests or ends it may open a dialog or move the focus."""
        self._restless.add(asyncio.current_task())
        self._resting.clear()
        try:
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        """The running task has opened what it would, or waits for the broker: keys may go on."""
        self._restless.discard(asyncio.current_task())
        if not self._restless:
            self._resting.set()

    async def _hand_over(self, key: events.Key | events.Paste) -> None:
        self._busy = True
        await self._deliver(key)
        self._settling = asyncio.create_task(self._settle(), name="keys in order")

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._quiet()
        except TimeoutError:
            self._drop()  # what is typed into a wrong field costs money, what is not typed costs typing
        # still busy until the app hands over the next, so that no newer key overtakes it
        if not self._waiting or not self._app.call_later(self._hand_over, self._waiting.popleft()):
            self._busy = False

    def _drop(self) -> None:
        if self._waiting:
            self._last_dropped = self._waiting[-1].time
            self._dropped(len(self._waiting))
            self._waiting.clear()

    async def _quiet(self) -> None:
        """Until all who may hear a key have heard it, and what it started rests."""
        rounds = 0
        while rounds < _ROUNDS:
            before = (self._app.screen, self._app.focused)
            for pump in self._chain():
                await _caught_up(pump)
            if not self._resting.is_set():
                await self._resting.wait()
                rounds = 0
            elif before != (self._app.screen, self._app.focused):
                rounds = 0
            else:
                rounds += 1

    def _chain(self) -> list[MessagePump]:
        start = self._app.focused or self._app.screen
        return [*start.ancestors_with_self]


async def _caught_up(pump: MessagePump) -> None:
    """Until a widget has handled all that was in its queue; at once if it is gone."""
    reached = asyncio.Event()
    if pump.is_running and pump.call_later(reached.set):
        await reached.wait()
