"""Which rows a table shows: filters, order, bracket legs under their entry, flashes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.tui.render.flash import FlashLog
from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.rows import matches, nested, ordered
from tradeconsole.tui.render.table import Column, place

Order = tuple[str, str | None]
Quote = tuple[str, float | None]

LAST: Column[Quote] = Column(
    key="last", title="Last", width=8, cell=lambda row, _: (str(row[1]), Role.TEXT),
    sort=lambda row: row[1], watch=lambda row: row[1],
)  # fmt: skip


def names(rows: list[Quote]) -> str:
    return "".join(name for name, _ in rows)


def test_a_filter_wants_every_word_whatever_its_case() -> None:
    assert matches("▼ SELL MNQZ6 working", "mnq sell")
    assert not matches("▼ SELL MNQZ6 working", "mnq buy")
    assert matches("anything", "  ")


def test_an_exclamation_mark_turns_a_filter_round() -> None:
    assert not matches("MNQZ6 working", "!mnq")
    assert matches("MESZ6 working", "!mnq")
    assert matches("MESZ6 working", "!")


def test_rows_without_a_value_come_last_both_ways() -> None:
    rows: list[Quote] = [("a", None), ("b", 2.0), ("c", 1.0)]
    assert names(ordered(rows, LAST, descending=False)) == "cba"
    assert names(ordered(rows, LAST, descending=True)) == "bca"


def test_equal_rows_keep_their_order_both_ways() -> None:
    rows: list[Quote] = [("a", 1.0), ("b", 1.0), ("c", 0.0)]
    assert names(ordered(rows, LAST, descending=False)) == "cab"
    assert names(ordered(rows, LAST, descending=True)) == "abc"


def test_rows_stay_as_they_came_without_a_column() -> None:
    rows: list[Quote] = [("b", 2.0), ("a", 1.0)]
    assert ordered(rows, None, descending=True) == rows


def arrange(rows: list[Order]) -> list[tuple[Order, bool]]:
    return nested(rows, lambda row: row[0], lambda row: row[1])


def test_legs_follow_their_entry_in_their_own_order() -> None:
    rows: list[Order] = [("stop", "entry"), ("other", None), ("entry", None), ("target", "entry")]
    assert arrange(rows) == [
        (("other", None), False),
        (("entry", None), False),
        (("stop", "entry"), True),
        (("target", "entry"), True),
    ]


def test_a_leg_whose_entry_is_gone_stands_alone() -> None:
    assert arrange([("stop", "entry")]) == [(("stop", "entry"), False)]


@given(parents=st.lists(st.integers(-1, 9), max_size=10))
@settings(max_examples=200, deadline=None)
def test_no_row_is_ever_lost_or_doubled_whatever_the_links(parents: list[int]) -> None:
    rows: list[Order] = [(str(index), str(parent)) for index, parent in enumerate(parents)]
    assert sorted(row for row, _ in arrange(rows)) == sorted(rows)


def test_a_change_lights_its_cell_in_its_direction_until_forgotten() -> None:
    log: FlashLog[Quote] = FlashLog([LAST], lambda row: row[0])
    placed = place([LAST], 20)
    assert not log.note([("a", 1.0), ("b", 1.0), ("c", None)], light=True)
    assert log.note([("a", 1.25), ("b", 0.75), ("c", 3.0)], light=True)
    assert log.roles("a", placed) == (Role.FLASH_UP,)
    assert log.roles("b", placed) == (Role.FLASH_DOWN,)
    assert log.roles("c", placed) == (None,)
    log.forget()
    assert log.roles("a", placed) == ()


def test_nothing_lights_with_reduced_motion() -> None:
    log: FlashLog[Quote] = FlashLog([LAST], lambda row: row[0])
    log.note([("a", 1.0)], light=False)
    assert not log.note([("a", 2.0)], light=False)
