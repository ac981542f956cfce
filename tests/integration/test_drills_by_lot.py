"""Drills by lot: many seeds hold. `STORM_SEEDS` says how many; `make test-storm` plays 200."""

import asyncio
import logging
import os
from random import Random

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tradeconsole.drills.catalogue import drills_named
from tradeconsole.drills.drill import Report
from tradeconsole.drills.plan import Plan, draw_plan
from tradeconsole.drills.run import run_drill
from tradeconsole.drills.storms.mixture import BOUND, play_plan
from tradeconsole.drills.theatre import Theatre

SEEDS = int(os.environ.get("STORM_SEEDS", "25"))
SHRUNK = max(3, SEEDS // 10)
"""Plans that hypothesis draws; it looks for the shortest one that fails."""

AT_ONCE = 6
"""Most of a drill is waiting, so several are played at the same time."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """What storms log is expected, and kept it would be long."""
    caplog.set_level(logging.CRITICAL)


@pytest.mark.timeout(60 + 3 * SEEDS)
async def test_every_seed_holds() -> None:
    (drill,) = drills_named("random")
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> Report:
        async with turn:
            return await run_drill(drill, seed)

    reports = await asyncio.gather(*map(one, range(1, SEEDS + 1)))
    told = [
        "\n    ".join([report.replay, *(f"{c.check}: {c.compared}" for c in report.checks if not c.held)])
        for report in reports
        if not report.held
    ]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


@pytest.mark.timeout(600)
@settings(
    max_examples=SHRUNK, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink), print_blob=True
)
@given(st.randoms(use_true_random=False))
def test_any_plan_holds(chance: Random) -> None:
    plan = draw_plan(chance)
    note("\n".join(map(str, plan)))
    asyncio.run(hold(plan))


async def hold(plan: Plan) -> None:
    """Play a plan, and compare everything."""
    (drill,) = drills_named("random")
    async with Theatre(drill.staging, seed=7, bound=BOUND) as theatre:
        await play_plan(theatre, plan)
        await theatre.recovers()
        await theatre.desk.flatten()
        await theatre.recovers()


def test_a_seed_is_played_as_the_command_plays_it() -> None:
    (drill,) = drills_named("random")
    report = asyncio.run(run_drill(drill, 11))
    assert report.replay == "tradeconsole drill run random --seed 11"
    asked = [moment.what for moment in report.timeline if moment.what.startswith("asks to BUY")]
    again = asyncio.run(run_drill(drill, 11))
    assert (
        asked[:1] == [moment.what for moment in again.timeline if moment.what.startswith("asks to BUY")][:1]
    )
