"""Keys come from the table of actions, do one thing on each screen, and can be remapped."""

import pytest

from tradeconsole.actions import ACTIONS, BY_ID, Danger, Where
from tradeconsole.errors import ConfigError
from tradeconsole.tui.handlers import HANDLERS
from tradeconsole.tui.keys import (
    PANIC,
    bindings_on,
    clashes,
    confirm_key,
    danger_mark,
    key_map,
    keys_of,
    show_key,
)


def test_every_action_has_a_handler_and_every_handler_an_action() -> None:
    assert set(HANDLERS) == set(BY_ID)


def test_no_key_does_two_things_on_one_screen() -> None:
    assert list(clashes({})) == []


def test_every_action_is_bound_where_it_is_offered() -> None:
    for where in Where:
        bound = {binding.id for binding in bindings_on(where)}
        assert bound == {action.id for action in ACTIONS if where in action.where}


def test_only_panic_outranks_dialogs_and_inputs() -> None:
    urgent = [binding.id for where in Where for binding in bindings_on(where) if binding.priority]
    assert urgent == [PANIC]


def test_no_action_that_asks_is_confirmed_by_the_key_that_asked() -> None:
    for action in ACTIONS:
        if action.danger >= Danger.TWO_KEYS:
            assert confirm_key(action.keys) not in action.keys


def test_the_confirming_key_gives_way_when_the_user_took_it() -> None:
    assert confirm_key(("y",)) == "o"
    assert confirm_key(("y", "o")) == "c"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("ctrl+x", "^x"),
        ("shift+up", "⇧↑"),
        ("question_mark", "?"),
        ("f2", "f2"),
        ("A", "A"),
        ("equals_sign", "="),
        ("minus", "-"),
        ("pageup", "PgUp"),
    ],
)
def test_keys_are_shown_as_a_trader_reads_them(key: str, shown: str) -> None:
    assert show_key(key) == shown


def test_each_danger_has_a_symbol_of_its_own() -> None:
    marks = [danger_mark(danger) for danger in Danger]
    assert marks[0] == ""
    assert len(set(marks)) == len(marks)


def test_users_remap_by_action_id() -> None:
    assert key_map({"order.buy": ("B", "f9")}) == {"order.buy": "B,f9"}
    assert keys_of(BY_ID["order.buy"], {"order.buy": ("B",)}) == ("B",)
    assert keys_of(BY_ID["order.buy"], {}) == ("b",)


def test_an_unknown_action_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"no action 'order\.bui'; did you mean 'order\.buy'"):
        key_map({"order.bui": ("B",)})


def test_an_action_cannot_be_left_without_a_key() -> None:
    with pytest.raises(ConfigError, match=r"position\.panic: needs at least one key"):
        key_map({"position.panic": ()})


def test_a_key_cannot_be_given_to_two_actions_of_one_screen() -> None:
    with pytest.raises(ConfigError, match=r"'s' is bound to both"):
        key_map({"order.buy": ("s",)})


def test_two_actions_may_swap_their_keys() -> None:
    assert key_map({"order.buy": ("s",), "order.sell": ("b",)}) == {"order.buy": "s", "order.sell": "b"}
