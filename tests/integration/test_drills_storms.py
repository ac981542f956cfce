"""Every drill holds, and a drill in which something does not hold says so."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from tradeconsole.domain.commands import PlaceOrder
from tradeconsole.drills.catalogue import ALL, drills_named
from tradeconsole.drills.drill import Drill, Report
from tradeconsole.drills.run import FLAT, KNOWN_AGAIN, PLAYED, run_drill
from tradeconsole.drills.theatre import Staging, Theatre
from tradeconsole.drills.timeline import Who

AT_ONCE = 4


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the drills of a test make theirs."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def left_in(folder: Path) -> list[Path]:
    """What drills have left behind."""
    return list(folder.glob("tradeconsole-drill-*"))


async def play(drills: Iterable[Drill], seed: int = 7) -> list[Report]:
    """Play drills, some of them at the same time: most of a drill is waiting."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(drill: Drill) -> Report:
        async with turn:
            return await run_drill(drill, seed)

    return list(await asyncio.gather(*map(one, drills)))


@pytest.mark.timeout(300)
async def test_every_drill_holds_and_leaves_nothing_behind(folders: Path) -> None:
    drills = [drill for drill in drills_named(ALL) if not drill.staging.database]
    reports = await play(drills)
    troubles = {
        report.replay: [c for c in report.checks if not c.held] for report in reports if not report.held
    }
    assert not troubles
    for report in reports:
        assert {KNOWN_AGAIN, FLAT} <= {finding.check for finding in report.checks}
        assert report.known_again is not None
        assert report.known_again <= report.bound
        assert {moment.who for moment in report.timeline} == set(Who)
        assert [moment.ms for moment in report.timeline] == sorted(moment.ms for moment in report.timeline)
    assert left_in(folders) == []


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("public_folder")
async def test_the_drill_with_a_database_holds_and_leaves_nothing_behind(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    (report,) = await play(drills_named("database-gone"))
    assert not [finding for finding in report.checks if not finding.held]
    assert left_in(open_folder) == []


def drill(storm: object, bound: float = 1.0, staging: Staging | None = None) -> Drill:
    return Drill(name="made-up", what="…", bound=bound, storm=storm, staging=staging or Staging())  # type: ignore[arg-type]


def failures(report: Report) -> dict[str, str]:
    return {finding.check: finding.compared for finding in report.checks if not finding.held}


async def test_an_order_sent_behind_the_engines_back_is_found_twice(folders: Path) -> None:
    async def storm(theatre: Theatre) -> None:
        desk = theatre.desk
        command: PlaceOrder = desk.command()
        await desk.engine.handle(command)  # the trader asked for nothing

    (report,) = await play([drill(storm)])
    assert not report.held
    assert failures(report)["no order twice"] == "1 order taken, 0 asked for"
    assert "not all known 1 s after the storm" in failures(report)[KNOWN_AGAIN]
    assert report.known_again is None
    assert report.replay == "tradeconsole drill run made-up --seed 7"


async def test_what_is_not_known_within_the_bound_is_a_finding(folders: Path) -> None:
    async def storm(theatre: Theatre) -> None:
        await theatre.desk.rest()
        theatre.order("events", kind="drop", batches=1000)
        theatre.move(-60)
        await asyncio.sleep(0.2)

    deaf = Staging(reconcile=3600.0)
    (report,) = await play([drill(storm, staging=deaf)])
    assert KNOWN_AGAIN in failures(report)
    assert "fills equal the gateway's trades" in failures(report)


async def test_a_storm_that_breaks_is_a_finding_and_everything_is_cleared_away(folders: Path) -> None:
    async def storm(theatre: Theatre) -> None:
        theatre.expect("seen before", True, "well")
        await theatre.start_victim()
        raise RuntimeError("out of scenery")

    (report,) = await play([drill(storm)])
    assert failures(report) == {PLAYED: "RuntimeError: out of scenery"}
    assert [finding.check for finding in report.checks] == [PLAYED, "seen before"]
    assert left_in(folders) == []


async def test_a_check_of_the_drill_itself_counts(folders: Path) -> None:
    async def storm(theatre: Theatre) -> None:
        await theatre.desk.buy_protected()
        theatre.expect("pigs fly", False, "none did")

    (report,) = await play([drill(storm)])
    assert failures(report) == {"pigs fly": "none did"}
    assert not report.held


async def test_a_victim_that_does_something_else_than_told_is_a_finding(folders: Path) -> None:
    async def storm(theatre: Theatre) -> None:
        victim = await theatre.start_victim()
        theatre.order("throttle", seconds=5.0)
        await victim.do("buy")

    (report,) = await play([drill(storm, staging=Staging(opens=False))])
    assert "the process to be killed answered 'RateLimited" in failures(report)[PLAYED]


async def test_a_victim_ends_by_itself_when_nobody_gives_instructions(folders: Path) -> None:
    async with Theatre(Staging(opens=False), seed=7, bound=1.0) as theatre:
        victim = await theatre.start_victim()
        process = victim._process
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(20):
            assert await process.wait() == 0
