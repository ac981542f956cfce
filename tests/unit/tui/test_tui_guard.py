"""Deliberate keys, heartbeats, lag and coalesced price steps, by their arithmetic alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.tui.guard import KeyGuard
from tradeconsole.tui.health import HeartbeatWatch, LagWatch
from tradeconsole.tui.nudges import Nudges


def test_a_key_right_after_the_question_does_not_count() -> None:
    assert not KeyGuard(0.25, now=100.0).accepts(100.2)


def test_a_key_after_a_rest_counts() -> None:
    assert KeyGuard(0.25, now=100.0).accepts(100.25)


def test_a_key_pressed_before_the_question_appeared_never_counts() -> None:
    assert not KeyGuard(0.25, now=100.0).accepts(99.0)


@given(st.lists(st.floats(0.001, 0.249), min_size=1, max_size=60))
@settings(max_examples=60)
def test_a_held_key_never_counts_however_long_it_is_held(gaps: list[float]) -> None:
    guard, now = KeyGuard(0.25, now=100.0), 100.0
    for gap in gaps:
        now += gap
        assert not guard.accepts(now)


def test_any_other_key_starts_the_rest_anew() -> None:
    guard = KeyGuard(0.25, now=100.0)
    guard.accepts(100.9)
    assert not guard.accepts(101.0)
    assert guard.accepts(101.25)


def test_a_heart_that_beats_is_not_silent() -> None:
    watch = HeartbeatWatch(0.0)
    for second in range(10):
        watch.observe(second, float(second))
        assert watch.silence(second + 0.9) is None


def test_a_heart_that_stands_still_is_silent_for_as_long_as_it_does() -> None:
    watch = HeartbeatWatch(0.0)
    watch.observe(7, 1.0)
    watch.observe(7, 3.5)
    assert watch.silence(2.9) is None
    assert watch.silence(4.0) == 3.0


def test_an_engine_that_has_not_begun_is_not_called_silent() -> None:
    assert HeartbeatWatch(0.0).silence(60.0) is None


def test_a_heart_that_beats_again_ends_the_silence() -> None:
    watch = HeartbeatWatch(0.0)
    watch.observe(7, 1.0)
    watch.observe(8, 9.0)
    assert watch.silence(9.5) is None


def test_a_timer_on_time_is_no_lag() -> None:
    watch = LagWatch(0.5, now=10.0)
    assert watch.tick(10.5) is None
    assert watch.tick(11.1) is None


def test_a_late_timer_tells_by_how_much() -> None:
    watch = LagWatch(0.5, now=10.0)
    assert watch.tick(12.0) == 1.5
    assert watch.tick(12.5) is None


def test_steps_add_up_while_one_is_on_its_way() -> None:
    nudges = Nudges()
    assert nudges.add("o1", 1)
    assert nudges.take("o1") == 1
    assert not nudges.add("o1", 1)
    assert not nudges.add("o1", 1)
    assert nudges.take("o1") == 2
    assert nudges.take("o1") == 0
    assert nudges.add("o1", -1)


def test_orders_do_not_wait_for_each_other() -> None:
    nudges = Nudges()
    assert nudges.add("o1", 1)
    assert nudges.add("o2", 1)


def test_after_a_failure_nothing_that_was_wanted_is_sent_later() -> None:
    nudges = Nudges()
    nudges.add("o1", 1)
    nudges.take("o1")
    nudges.add("o1", 5)
    nudges.drop("o1")
    assert nudges.add("o1", 1)
    assert nudges.take("o1") == 1


@given(st.lists(st.integers(-3, 3), max_size=30))
@settings(max_examples=60)
def test_no_step_is_lost_and_none_sent_twice(steps: list[int]) -> None:
    nudges, sent = Nudges(), 0
    for index, step in enumerate(steps):
        nudges.add("o1", step)
        if index % 3 == 0:
            sent += nudges.take("o1")
    sent += nudges.take("o1")
    assert sent == sum(steps)
