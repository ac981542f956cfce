"""Finds out when a gateway that is away answers again: soon, and without the hubs knocking ever so often."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from tradeconsole.errors import AuthenticationFailed, BrokerError, BrokerRejected, RateLimited

log = logging.getLogger(__name__)

_JITTER: Final = 0.2


class Lookout:
    """Asks the gateway something cheap until it answers.

    `ask` asks; `unasked_for` tells for how many seconds nobody has, because whoever asks finds out as well.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[object]], unasked_for: Callable[[], float], pause: float
    ) -> None:
        self._ask = ask
        self._unasked_for = unasked_for
        self._pause = pause
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Something broke: look until the gateway answers, which may be at once."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look(), name="lookout")

    async def close(self) -> None:
        """Stop; never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            if self._unasked_for() >= self._pause and await self._answers():
                return
            # many consoles that lost one gateway must not all ask in the same moment
            await asyncio.sleep(self._pause * random.uniform(1, 1 + _JITTER))  # noqa: S311 - no secret

    async def _answers(self) -> bool:
        try:
            await self._ask()
        except (AuthenticationFailed, BrokerRejected, RateLimited) as error:
            log.debug("the gateway is there, and refuses: %s", error)
        except BrokerError:
            return False
        return True
