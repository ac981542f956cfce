"""What a drill is, and what its report says."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from tradeconsole.drills.checks import Finding
from tradeconsole.drills.theatre import Staging, Theatre
from tradeconsole.drills.timeline import Moment

Storm = Callable[[Theatre], Awaitable[None]]
"""Plays a storm to its end: when it returns the gateway is well again, and the clock of `bound` starts."""

SHORT_WAITS: Final = "the adapter's waits are a tenth of a trader's"


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """One scripted storm.

    Attributes:
        name: what one types.
        what: what happens, in a sentence.
        bound: seconds from the storm's end within which the desk must be right about everything again.
        storm: plays it.
        staging: how the stage is set.
        how: where time or patience are not those of a trader, how they differ.
    """

    name: str
    what: str
    bound: float
    storm: Storm
    staging: Staging = Staging()
    how: str = SHORT_WAITS


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What held of one drill.

    `known_again` is measured in seconds from the storm's end (None: not within the bound), `seconds` is what the
    drill took on the wall clock.
    """

    name: str
    what: str
    how: str
    seed: int
    held: bool
    bound: float
    known_again: float | None
    seconds: float
    checks: tuple[Finding, ...]
    timeline: tuple[Moment, ...]
    replay: str
