"""Builds screens before anybody asks for them, so that the first visit of one is as quick as any other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

REST: Final = 3.0
"""Seconds without a key or a click after which the next one is not expected at once."""

_LOOK: Final = 0.25


class Ahead:
    """Waits for moments in which a screen may be built; a key that comes in between waits for a slice of the work.

    Args:
        is_calm: whether nothing is under way that the user waits for.
        clock: monotonic seconds.
    """

    def __init__(self, is_calm: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._is_calm = is_calm
        self._clock = clock
        self._touched = clock()

    def touch(self) -> None:
        """The user has pressed or clicked something."""
        self._touched = self._clock()

    async def run(self, names: Iterable[str], build: Callable[[str], Awaitable[object]]) -> None:
        """Build one after the other, with a rest before each."""
        for name in names:
            while not self._is_calm() or self._clock() - self._touched < REST:  # noqa: ASYNC110 -- nothing tells of a rest
                await asyncio.sleep(_LOOK)
            await build(name)
            self.touch()
