"""The verbs of the drills, over drills that are not really played."""

import asyncio

import pytest
from command_line import RunCommand

from tradeconsole.drills import run as drills_run
from tradeconsole.drills.catalogue import ALL, THEMES, drills_named
from tradeconsole.drills.checks import Finding
from tradeconsole.drills.drill import Drill, Report
from tradeconsole.drills.timeline import Moment, Who

FAILED = Finding("none forgotten", False, "order 7 is not in the book")
TIMELINE = (
    Moment(12, Who.TRADER, "asks to BUY 2 MNQ market"),
    Moment(1250, Who.STORM, "close the port"),
    Moment(1300, Who.DESK, "account stream down"),
)


def play(monkeypatch: pytest.MonkeyPatch, *broken: str, interrupted: bool = False) -> list[tuple[str, int]]:
    """Let drills hold, except those named; returns what is played."""
    played: list[tuple[str, int]] = []

    async def run_drill(drill: Drill, seed: int) -> Report:
        played.append((drill.name, seed))
        if interrupted:
            raise KeyboardInterrupt
        await asyncio.sleep(0)
        held = drill.name not in broken
        checks = (Finding("no order twice", True, "3 orders, each tag once"), *(() if held else (FAILED,)))
        return Report(
            name=drill.name,
            what=drill.what,
            how=drill.how,
            seed=seed,
            held=held,
            bound=drill.bound,
            known_again=0.25 if held else None,
            seconds=1.5,
            checks=checks,
            timeline=TIMELINE,
            replay=f"tradeconsole drill run {drill.name} --seed {seed}",
        )

    monkeypatch.setattr(drills_run, "run_drill", run_drill)
    return played


NAMES = [drill.name for drills in THEMES.values() for drill in drills]


def test_the_list_names_every_drill_with_theme_and_bound(command: RunCommand) -> None:
    done = command("drill", "list", "--json")
    assert done.code == 0
    assert [row["name"] for row in done.json] == NAMES
    assert all(row["bound_s"] > 0 and row["what"] and row["how"] for row in done.json)
    assert "kill-flatten" in command("drill", "list").out


def test_the_list_has_every_storm_that_was_promised() -> None:
    assert len(NAMES) == len(set(NAMES)) == 26
    for part in (
        "outage",
        "mute",
        "flap",
        "answer",
        "token",
        "kick",
        "halt",
        "roll",
        "bracket",
        "kill",
        "skew",
    ):
        assert any(part in name for name in NAMES), part


def test_a_drill_that_held_is_reported_with_its_timeline(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(monkeypatch)
    done = command("drill", "run", "lost-fill", "--seed", "3")
    assert (done.code, done.err) == (0, "")
    assert played == [("lost-fill", 3)]
    lines = [line.strip() for line in done.out.splitlines()]
    assert lines[1].startswith("lost-fill: a resting order")
    assert "ok    no order twice  3 orders, each tag once" in lines
    assert "t+1,250 ms  storm   close the port" in lines
    assert lines[-1] == "everything held"


def test_without_a_seed_one_is_drawn_and_told(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(monkeypatch)
    done = command("drill", "run", "halt", "--json")
    (seed,) = {seed for _, seed in played}
    assert done.json["seed"] == seed


def test_a_drill_that_did_not_hold_ends_with_a_code_of_its_own_and_says_how_to_repeat_it(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, "random")
    done = command("drill", "run", "random", "--seed", "41")
    assert done.code == 8
    lines = done.out.splitlines()
    assert lines[-2:] == ["NOT EVERYTHING HELD", "again: tradeconsole drill run random --seed 41"]
    assert any(line.startswith("FAIL") and "order 7 is not in the book" in line for line in lines)


def test_all_drills_are_a_line_each_and_the_failed_ones_in_full(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(monkeypatch, "halt")
    done = command("drill", "run", ALL, "--seed", "9")
    assert done.code == 8
    assert [name for name, _ in played] == NAMES
    assert f"{len(NAMES) - 1} of {len(NAMES)} drills held" in done.out
    assert done.out.count("order 7 is not in the book") == 1
    assert done.out.count("t+1,250 ms") == 1
    assert done.out.splitlines()[-1] == "again: tradeconsole drill run halt --seed 9"


def test_json_has_everything(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, "halt")
    done = command("drill", "run", "halt", "--seed", "9", "--json")
    assert done.code == 8
    assert (done.json["held"], done.json["seed"]) == (False, 9)
    (report,) = done.json["drills"]
    assert report["known_again_s"] is None
    assert report["checks"][1] == {
        "check": "none forgotten",
        "held": False,
        "compared": "order 7 is not in the book",
    }
    assert report["timeline"][1] == {"ms": 1250, "who": "storm", "what": "close the port"}
    assert report["replay"] == "tradeconsole drill run halt --seed 9"
    held = command("drill", "run", "lost-fill", "--json")
    assert held.code == 0
    assert held.json["drills"][0]["known_again_s"] == 0.25


@pytest.mark.parametrize(
    ("typed", "meant"), [("outage", "outage-10s"), ("lostfill", "lost-fill"), ("al", "all"), ("RANDOM", None)]
)
def test_an_unknown_name_names_the_nearest(command: RunCommand, typed: str, meant: str | None) -> None:
    done = command("drill", "run", typed)
    assert done.code == 2
    assert done.out == ""
    assert f"there is no drill '{typed}'" in done.err
    assert (f"did you mean {meant}?" if meant else "drill list") in done.err


def test_a_name_picks_one_drill_and_all_picks_every_one() -> None:
    assert [drill.name for drill in drills_named("halt")] == ["halt"]
    assert [drill.name for drill in drills_named(ALL)] == NAMES


def test_an_interrupt_ends_with_the_code_of_interrupts(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, interrupted=True)
    assert command("drill", "run", "halt").code == 130


def test_a_negative_seed_is_refused(command: RunCommand) -> None:
    done = command("drill", "run", "halt", "--seed", "-1")
    assert done.code == 2
    assert "--seed" in done.err
