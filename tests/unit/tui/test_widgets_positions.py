"""What the list of positions says about protection."""

import pytest
from factories import make_position_row

from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.table import place
from tradeconsole.tui.widgets.positions import PositionsTable, protection_cell


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


TRADE_AT_120, TRADE_AT_80, DASHBOARD_AT_80 = 72, 76, 48
"""Cells inside the frame of the table on these screens."""


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (TRADE_AT_120, ["size", "name", "average", "last", "pnl", "protection"]),
        (TRADE_AT_80, ["size", "name", "average", "last", "pnl", "protection"]),
        (DASHBOARD_AT_80, ["size", "name", "pnl", "protection"]),
    ],
)
def test_what_a_position_cost_goes_after_ticks_and_fees_and_its_protection_never(
    cells: int, shown: list[str]
) -> None:
    placed = place(PositionsTable.COLUMNS, cells)
    assert [column.key for column, _ in placed] == shown
    widths = {column.key: width for column, width in placed}
    assert widths["protection"] >= len("broker stop 28,712.50")
