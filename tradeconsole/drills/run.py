"""Plays drills and reports what held."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Final

from tradeconsole.domain.notation import count
from tradeconsole.drills.checks import Finding
from tradeconsole.drills.desk import Stalled
from tradeconsole.drills.drill import Drill, Report
from tradeconsole.drills.theatre import Theatre

log = logging.getLogger(__name__)

PLAYED: Final = "the storm went as planned"
KNOWN_AGAIN: Final = "all known again in time"
FLAT: Final = "flat at the end, to the cent"
_LONGEST: Final = 180.0
"""Seconds after which a drill that does not end by itself is broken off."""


async def run_drill(drill: Drill, seed: int) -> Report:
    """Play one drill; whatever goes wrong in it is a finding of the report."""
    started = time.monotonic()
    theatre = Theatre(drill.staging, seed=seed, bound=drill.bound)
    findings: list[Finding] = []
    try:
        async with asyncio.timeout(_LONGEST), theatre:
            await _play(drill, theatre, findings)
    except Exception as error:
        log.exception("drill %s broke", drill.name)
        said = str(error) if isinstance(error, Stalled) else f"{type(error).__name__}: {error}"
        findings.insert(0, Finding(PLAYED, False, said))
    is_known = any(finding.check == KNOWN_AGAIN and finding.held for finding in findings)
    return Report(
        name=drill.name,
        what=drill.what,
        how=drill.how,
        seed=seed,
        held=all(finding.held for finding in findings),
        bound=drill.bound,
        known_again=theatre.slowest if is_known else None,
        seconds=time.monotonic() - started,
        checks=tuple(findings),
        timeline=tuple(theatre.timeline.moments),
        replay=f"tradeconsole drill run {drill.name} --seed {seed}",
    )


async def _play(drill: Drill, theatre: Theatre, findings: list[Finding]) -> None:
    """The storm, calm, the checks, and a flatten with the checks again."""
    try:
        await drill.storm(theatre)
    finally:
        findings += theatre.findings
    theatre.order("clear")
    try:
        await theatre.recovers()
    except Stalled as late:
        findings += [Finding(KNOWN_AGAIN, False, str(late)), *theatre.examine()]
        return
    told = f"{theatre.slowest:.2f} s after the storm, bound {drill.bound:g} s"
    findings += [Finding(KNOWN_AGAIN, True, told), *theatre.examine()]
    await theatre.desk.flatten()
    with suppress(Stalled):
        await theatre.recovers()
    findings.append(_flat(theatre))


def _flat(theatre: Theatre) -> Finding:
    """The same checks once more, when everything has been closed, in one line."""
    records = theatre.records()
    troubles = [f"{finding.check}: {finding.compared}" for finding in theatre.examine() if not finding.held]
    left = sum(abs(position.size) for position in records.positions)
    if left:
        troubles.append(f"{count(left, 'contract')} left at the gateway")
    earned = records.balance - records.start_balance
    told = f"{count(len(theatre.desk.trips()), 'round trip')} from flat to flat, {earned:+.2f} as the balance moved"
    return Finding(FLAT, not troubles, "; ".join(troubles) or told)
