"""What the list of positions says about protection."""

import pytest
from factories import make_position_row

from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.widgets.positions import protection_cell


@pytest.mark.parametrize(
    ("protected", "proven", "words", "role"),
    [
        (2, True, make_position_row().protection, Role.GOOD),
        (0, True, "!! UNPROTECTED", Role.ALARM),
        (1, True, "!! UNPROTECTED 1 of 2", Role.ALARM),
        (0, False, "?? NOT CHECKED YET", Role.ALARM),
        (1, False, "?? NOT CHECKED YET", Role.ALARM),
    ],
)
def test_a_missing_stop_is_claimed_only_when_the_records_have_been_read(
    protected: int, proven: bool, words: str, role: Role
) -> None:
    row = make_position_row(size=2, protected=protected, proven=proven)
    text, shown = protection_cell(row)
    assert str(text).startswith(words)
    assert shown is role
