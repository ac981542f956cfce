"""What the user has set up, apart from the settings."""

from tradeconsole.domain.workspace import Workspace


def test_an_added_symbol_stays_until_it_is_removed() -> None:
    workspace = Workspace().watching("ZB", configured=False).watching("ZN", configured=False)
    assert workspace.added == ("ZB", "ZN")
    left = workspace.ignoring("ZB", configured=False)
    assert (left.added, left.removed) == (("ZN",), ())


def test_a_symbol_of_the_settings_stays_removed_until_it_is_added_again() -> None:
    workspace = Workspace().ignoring("MNQ", configured=True)
    assert workspace.removed == ("MNQ",)
    again = workspace.watching("MNQ", configured=True)
    assert (again.added, again.removed) == ((), ())


def test_a_symbol_that_the_settings_have_dropped_meanwhile_can_be_added() -> None:
    removed = Workspace().ignoring("MNQ", configured=True)
    assert removed.watching("MNQ", configured=False) == Workspace(added=("MNQ",))


def test_doing_it_twice_changes_nothing() -> None:
    workspace = Workspace().watching("ZB", configured=False).using("17")
    assert workspace.watching("ZB", configured=False).using("17") == workspace


EARLIER = Workspace(account_id="17", added=("ZB", "ZN"), removed=("MNQ", "ES"))


def test_a_change_made_without_knowing_the_earlier_one_leaves_the_rest_of_it() -> None:
    change = Workspace().ignoring("ZB", configured=False).watching("CL", configured=False)
    whole = change.watching("ES", configured=True).over(EARLIER)
    assert (whole.account_id, whole.added, whole.removed) == ("17", ("ZN", "CL"), ("MNQ",))


def test_the_last_word_on_a_symbol_holds() -> None:
    change = Workspace().watching("ZB", configured=False).ignoring("ZB", configured=False)
    assert change.over(EARLIER).added == ("ZN",)
    assert change.using("18").over(EARLIER).account_id == "18"


def test_laying_it_over_again_changes_nothing() -> None:
    change = Workspace().watching("CL", configured=False).ignoring("NQ", configured=True)
    once = change.over(EARLIER)
    assert change.over(once) == once


def test_over_each_other_one_by_one_or_together_is_the_same() -> None:
    first = Workspace().ignoring("ZB", configured=False).watching("CL", configured=False)
    second = Workspace(account_id="18").watching("ZB", configured=False).ignoring("CL", configured=False)
    assert second.over(first.over(EARLIER)) == second.over(first).over(EARLIER)
