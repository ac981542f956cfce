"""Plans by lot: the same seed draws the same plan, and everything in it can be ordered."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeconsole.drills.plan import Enter, Trouble, draw_plan
from tradeconsole.emulator.operations import operation


def test_a_seed_draws_one_plan_and_another_seed_another() -> None:
    assert draw_plan(Random(4)) == draw_plan(Random(4))
    assert draw_plan(Random(4)) != draw_plan(Random(5))


@given(st.randoms(use_true_random=False))
def test_every_trouble_is_an_order_that_the_gateway_understands(chance: Random) -> None:
    for each in draw_plan(chance):
        for trouble in each.troubles:
            known = operation(trouble.name)
            assert known is not None
            own = {"account_id": 1} if trouble.name == "account" else {}
            assert msgspec.convert({**own, **trouble.arguments}, known.arguments)


@pytest.fixture(scope="module")
def drawn() -> list[object]:
    """Everything that two hundred seeds draw."""
    rounds = [each for seed in range(200) for each in draw_plan(Random(seed))]
    return [item for each in rounds for item in (*each.troubles, *each.actions)]


def test_every_kind_of_trouble_is_drawn(drawn: list[object]) -> None:
    names = {item.name for item in drawn if isinstance(item, Trouble)}
    assert names >= {"fail", "events", "drop", "kick", "outage", "throttle", "mute", "lag", "reject", "fills"}


def test_every_kind_of_order_is_drawn(drawn: list[object]) -> None:
    entries = [item for item in drawn if isinstance(item, Enter)]
    assert {entry.type.value for entry in entries} == {"market", "limit", "stop", "trailing-stop", "join-bid"}
    assert {entry.bracket for entry in entries} == {True, False}
    assert {type(item).__name__ for item in drawn} >= {
        "Nudge",
        "Resize",
        "Cancel",
        "Close",
        "FlattenEverything",
    }


def test_desks_are_restarted_now_and_then() -> None:
    restarts = [each.restarts for seed in range(50) for each in draw_plan(Random(seed))]
    assert any(restarts)
    assert not all(restarts)
