"""When an unprotected position becomes an alarm, and when the alarm becomes an act; pure."""

from enum import StrEnum
from typing import Final

import msgspec

LOST_GRACE: Final = 0.5
"""Seconds in which the close that a stop went with may still be told."""
REMIND: Final = 60.0
"""Seconds between repeated alarms."""


class Policy(StrEnum):
    """What is done about contracts whose promised stop is missing, after the alarm."""

    ALERT = "alert"
    REPLACE = "replace"
    FLATTEN = "flatten"


class ProtectionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Patience with a stop that is not confirmed, in seconds, and what follows."""

    policy: Policy = Policy.ALERT
    alert_after: float = 3.0
    act_after: float = 10.0


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """A position as its protection stands: `promised` contracts should have a stop by the brackets of their entries.

    Of `unexplained` of them nobody knows whether the user took the stop away: they are told of, and nothing is done.
    `stopped` contracts would be closed if all working stops filled, however many are held. `lost`: a promised stop is
    known to have ended.
    """

    size: int = 0
    promised: int = 0
    unexplained: int = 0
    stopped: int = 0
    lost: bool = False

    @property
    def covered(self) -> int:
        """Contracts that a working stop would close."""
        return min(self.stopped, abs(self.size))

    @property
    def is_owed(self) -> bool:
        """Whether contracts lack a stop that the user certainly did not take away."""
        return self.covered < self.promised - self.unexplained


class Call(StrEnum):
    """What is to be done about a position now."""

    ALARM = "alarm"
    ACT = "act"
    RELIEVED = "relieved"  # after an alarm, everything promised is covered again
    MENTION = "mention"  # a position for which nobody promised a stop
    WARN = "warn"  # stops that together would close more than is held


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen and said of one position so far; times in monotonic seconds."""

    is_long: bool = True
    unproven_since: float | None = None
    alarmed_at: float | None = None
    owed_since: float | None = None
    acted: bool = False
    bare_since: float | None = None
    mentioned: bool = False
    crowded_since: float | None = None
    warned: bool = False


def look(
    watch: Watch, exposure: Exposure, now: float, options: ProtectionOptions
) -> tuple[Watch, list[Call]]:
    """Take in how a position stands; what to do, and what to remember."""
    if not exposure.size:
        return Watch(), []
    is_long = exposure.size > 0
    if watch.is_long is not is_long:
        # it was turned without a rest in between: what was said was of another position
        watch = Watch(is_long=is_long)
    if exposure.covered < exposure.promised:
        return _unproven(watch, exposure, now, options)
    calls = [Call.RELIEVED] if watch.alarmed_at is not None else []
    since = mentioned = None
    if exposure.covered < abs(exposure.size):
        since, mentioned = _overdue(watch.bare_since, watch.mentioned, now, options)
        if mentioned and not watch.mentioned:
            calls.append(Call.MENTION)
    crowded = warned = None
    if exposure.stopped > abs(exposure.size):
        crowded, warned = _overdue(watch.crowded_since, watch.warned, now, options)
        if warned and not watch.warned:
            calls.append(Call.WARN)
    seen = Watch(
        is_long=is_long,
        bare_since=since,
        mentioned=bool(mentioned),
        crowded_since=crowded,
        warned=bool(warned),
    )
    return seen, calls


def _overdue(since: float | None, said: bool, now: float, options: ProtectionOptions) -> tuple[float, bool]:
    """Since when something is so, and whether that has been long enough to say so."""
    began = now if since is None else since
    return began, said or now - began >= options.alert_after


def _unproven(
    watch: Watch, exposure: Exposure, now: float, options: ProtectionOptions
) -> tuple[Watch, list[Call]]:
    since = watch.unproven_since if watch.unproven_since is not None else now
    calls: list[Call] = []
    alarmed_at, acted = watch.alarmed_at, watch.acted
    if alarmed_at is None:
        patience = min(LOST_GRACE, options.alert_after) if exposure.lost else options.alert_after
        if now - since >= patience:
            calls, alarmed_at = [Call.ALARM], now
    elif now - alarmed_at >= REMIND:
        calls, alarmed_at = [Call.ALARM], now
    owed = None if not exposure.is_owed else now if watch.owed_since is None else watch.owed_since
    if (
        options.policy is not Policy.ALERT
        and not acted
        and owed is not None
        and now - owed >= options.act_after
    ):
        calls.append(Call.ACT)
        acted = True
    seen = msgspec.structs.replace(
        watch, unproven_since=since, alarmed_at=alarmed_at, owed_since=owed, acted=acted
    )
    return seen, calls


class Budget:
    """Placements of one kind of leg for one slice: so many a minute, then no more until it is reset."""

    LIMIT: Final = 6
    WINDOW: Final = 60.0

    def __init__(self) -> None:
        self._spent: list[float] = []
        self.is_broken = False

    def spend(self, now: float) -> bool:
        """Whether one more may be placed; the first that may not breaks the budget."""
        self._spent = [at for at in self._spent if now - at < self.WINDOW]
        if len(self._spent) >= self.LIMIT:
            self.is_broken = True
        if not self.is_broken:
            self._spent.append(now)
        return not self.is_broken
