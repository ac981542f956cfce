"""What the user has set up, apart from the settings."""

from tradeconsole.domain.workspace import Workspace


def test_an_added_symbol_stays_until_it_is_removed() -> None:
    workspace = Workspace().watching("ZB", configured=False).watching("ZN", configured=False)
    assert workspace.added == ("ZB", "ZN")
    assert workspace.ignoring("ZB", configured=False) == Workspace(added=("ZN",))


def test_a_symbol_of_the_settings_stays_removed_until_it_is_added_again() -> None:
    workspace = Workspace().ignoring("MNQ", configured=True)
    assert workspace.removed == ("MNQ",)
    assert workspace.watching("MNQ", configured=True) == Workspace()


def test_a_symbol_that_the_settings_have_dropped_meanwhile_can_be_added() -> None:
    removed = Workspace().ignoring("MNQ", configured=True)
    assert removed.watching("MNQ", configured=False) == Workspace(added=("MNQ",))


def test_doing_it_twice_changes_nothing() -> None:
    workspace = Workspace().watching("ZB", configured=False).using("17")
    assert workspace.watching("ZB", configured=False).using("17") == workspace
