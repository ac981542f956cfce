"""Trouble that comes by itself, as switched: hub connections that are cut again and again, errors at the reopening."""

import asyncio
from datetime import datetime
from itertools import cycle
from typing import Final

from tradeconsole.domain.sessions import CHICAGO, ROLL
from tradeconsole.emulator.faults import RestFault
from tradeconsole.emulator.hubs import Hubs
from tradeconsole.emulator.switches import Switches

LOOK_SECONDS: Final = 0.25

_REOPENING_FAULTS: Final = (
    RestFault(status=503),
    RestFault(status=200, after=True),
    RestFault(status=502, body="<html><body>Bad Gateway</body></html>"),
    RestFault(status=500, after=True),
)
"""Empty bodies and 5xx, before or after the call took effect."""


class Reopening:
    """Faults of the first seconds after 17:00 in Chicago."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._faults = cycle(_REOPENING_FAULTS)

    def fault(self, now: datetime) -> RestFault | None:
        """What happens to a call now; None: nothing."""
        if not self._switches.empty_body_5xx_window:
            return None
        local = now.astimezone(CHICAGO)
        since = (local - local.replace(hour=ROLL.hour, minute=0, second=0, microsecond=0)).total_seconds()
        return next(self._faults) if 0 <= since < self._switches.empty_body_5xx_window else None


async def keep_dropping(hubs: Hubs, switches: Switches) -> None:
    """Cut every hub connection as often as switched, in the machine's time, until cancelled."""
    loop = asyncio.get_running_loop()
    dropped = loop.time()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if not switches.drop_every:
            dropped = loop.time()
        elif loop.time() - dropped >= switches.drop_every:
            hubs.drop(hubs.connections())
            dropped = loop.time()
