"""When a hub connects again, and when it does not."""

import pytest

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.hub_connection import HubDenied, HubEnded, HubKicked, HubSilent
from tradeconsole.brokers.projectx.patience import Patience

TIMINGS = Timings(reconnect=(0.0, 1.0, 5.0), kicked=(60.0, 300.0), stable=10.0)


def pauses(ended: HubEnded, *lasted: float) -> list[float | None]:
    patience = Patience(TIMINGS)
    return [patience.after(ended, each) for each in lasted]


@pytest.mark.parametrize("ended", [HubEnded("lost"), HubSilent("silent")])
def test_failures_are_answered_with_growing_pauses(ended: HubEnded) -> None:
    assert pauses(ended, 0.0, 0.1, 0.1, 0.1) == [0.0, 1.0, 5.0, 5.0]


def test_a_connection_that_was_stable_begins_anew() -> None:
    assert pauses(HubEnded("lost"), 0.0, 0.1, 10.0, 0.1) == [0.0, 1.0, 0.0, 1.0]


def test_takeovers_end_in_waiting_for_the_user() -> None:
    assert pauses(HubKicked("taken over"), 0.0, 20.0, 20.0, 20.0) == [60.0, 300.0, None, None]


def test_takeovers_that_lie_far_apart_are_each_the_first() -> None:
    assert pauses(HubKicked("taken over"), 0.0, 300.0, 300.0) == [60.0, 60.0, 60.0]


def test_credentials_that_are_refused_are_tried_again_rarely_but_for_ever() -> None:
    assert pauses(HubDenied("no"), 0.0, 0.0, 0.0, 0.0) == [60.0, 300.0, 300.0, 300.0]


def test_a_sign_of_life_cuts_the_pause_short_and_the_next_ones_grow_anew() -> None:
    patience = Patience(TIMINGS)
    for _ in range(9):
        patience.after(HubEnded("lost"), 0.1)
    assert patience.cut_short(100.0)
    assert [patience.after(HubEnded("lost"), 0.1) for _ in range(3)] == [1.0, 5.0, 5.0]


def test_a_gateway_that_comes_and_goes_cuts_pauses_short_but_rarely() -> None:
    patience = Patience(TIMINGS)
    patience.after(HubEnded("lost"), 0.1)
    assert [patience.cut_short(now) for now in (100.0, 101.0, 104.9, 105.0, 109.9)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    patience.after(HubEnded("lost"), TIMINGS.stable)
    assert patience.cut_short(110.0)


@pytest.mark.parametrize("ended", [HubKicked("taken over"), HubDenied("no")])
def test_no_sign_of_life_cuts_short_what_another_session_or_wrong_credentials_brought(
    ended: HubEnded,
) -> None:
    patience = Patience(TIMINGS)
    patience.after(HubEnded("lost"), 0.1)
    patience.after(ended, 0.1)
    assert not patience.cut_short(100.0)
    assert patience.after(ended, 0.1) == 300.0


def test_a_hub_that_has_not_failed_has_no_pause_to_cut() -> None:
    assert not Patience(TIMINGS).cut_short(100.0)


def test_the_user_may_ask_for_a_new_beginning() -> None:
    patience = Patience(TIMINGS)
    for _ in range(3):
        patience.after(HubKicked("taken over"), 0.0)
    patience.reset()
    assert patience.after(HubKicked("taken over"), 0.0) == 60.0


def test_the_user_is_told_what_happens_next() -> None:
    patience = Patience(TIMINGS)
    lost, kicked = HubEnded("lost"), HubKicked("taken over")
    assert patience.sentence(lost, 0.0) == "lost; reconnecting"
    assert patience.sentence(lost, 5.0) == "lost; trying again in 5 s"
    for _ in range(3):
        pause = patience.after(kicked, 0.0)
    assert patience.sentence(kicked, pause) == (
        "taken over; that happened 3 times, so nothing more is tried until you reconcile"
    )


def test_the_shipped_pauses_let_five_takeovers_happen_at_most() -> None:
    patience = Patience(Timings())
    found = [patience.after(HubKicked("taken over"), 1.0) for _ in range(5)]
    assert found == [60.0, 120.0, 300.0, 900.0, None]
