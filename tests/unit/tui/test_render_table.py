"""Table lines: exact widths, columns that leave in order, numbers that are never cut."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.style import Style
from textual.strip import Strip

import tradeconsole
from tradeconsole.tui.render.glyphs import fit, fit_number, narrow, to_ascii
from tradeconsole.tui.render.palette import Role, default_look, styles_of
from tradeconsole.tui.render.table import Column, column_at, header_strip, place, row_strip, with_rail

LOOK = default_look()
STYLES = styles_of(LOOK.colors)
WIDTHS = st.integers(0, 120)

COLUMNS: tuple[Column[dict[str, str]], ...] = (
    Column(key="name", title="Name", width=6, grow=4, cell=lambda row, _: (row["name"], Role.TEXT)),
    Column(key="last", title="Last", width=9, align="right", cell=lambda row, _: (row["last"], Role.UP)),
    Column(key="bid", title="Bid", width=9, align="right", drop=2, cell=lambda row, _: ("1", Role.TEXT)),
    Column(key="ask", title="Ask", width=9, align="right", drop=2, cell=lambda row, _: ("2", Role.TEXT)),
    Column(key="state", title="State", width=10, drop=1, cell=lambda row, _: (row["state"], Role.ALARM)),
)
ROW = {"name": "MNQZ6", "last": "20,123.25", "state": "UNPROTECTED"}


def keys(width: int) -> list[str]:
    return [placed.column.key for placed in place(COLUMNS, width)]


def test_columns_leave_by_rank_and_equal_ranks_leave_together() -> None:
    assert keys(60) == ["name", "last", "bid", "ask", "state"]
    assert keys(40) == ["name", "last", "state"]
    assert keys(20) == ["name", "last"]


def test_a_number_that_does_not_fit_leaves_rather_than_being_cut() -> None:
    assert keys(16) == ["name"]


def test_the_last_words_are_narrowed_when_nothing_may_leave() -> None:
    words: tuple[Column[str], ...] = (
        Column(key="a", title="A", width=4, cell=lambda row, _: (row, Role.TEXT)),
        Column(key="b", title="B", width=20, cell=lambda row, _: (row, Role.TEXT)),
    )
    assert [placed.width for placed in place(words, 16)] == [4, 10]


def test_spare_cells_go_to_columns_that_grow_up_to_their_limit() -> None:
    assert place(COLUMNS, 200)[0].width == 10
    assert place(COLUMNS, 50)[0].width == 8


@given(width=WIDTHS)
@settings(max_examples=120, deadline=None)
def test_every_line_has_exactly_the_width_of_the_table(width: int) -> None:
    placed = place(COLUMNS, width)
    assert header_strip(placed, STYLES, width).cell_length == width
    assert row_strip(placed, ROW, LOOK, STYLES, width, selected=True).cell_length == width


@given(width=WIDTHS)
@settings(max_examples=120, deadline=None)
def test_a_price_is_whole_or_absent_at_any_width(width: int) -> None:
    text = row_strip(place(COLUMNS, width), ROW, LOOK, STYLES, width).text
    assert "20,123.25" in text or "2" not in text.replace("MNQZ", "")


def test_a_number_wider_than_its_column_is_hidden() -> None:
    row = ROW | {"last": "1,220,123.25"}
    assert "#########" in row_strip(place(COLUMNS, 60), row, LOOK, STYLES, 60).text


def test_the_cursor_is_a_character_and_not_only_a_colour() -> None:
    placed = place(COLUMNS, 60)
    assert row_strip(placed, ROW, LOOK, STYLES, 60, selected=True).text.startswith("▸")
    assert row_strip(placed, ROW, LOOK, STYLES, 60).text.startswith(" ")


def style_at(strip: Strip, text: str) -> Style | None:
    """The style in which a text is drawn."""
    return next(segment.style for segment in strip if text in segment.text)


def test_a_dim_row_keeps_its_alarm() -> None:
    strip = row_strip(place(COLUMNS, 60), ROW, LOOK, STYLES, 60, dim=True)
    assert style_at(strip, "20,123.25") == STYLES[Role.MUTED]
    assert style_at(strip, "UNPROTECT…") == STYLES[Role.ALARM]


def test_a_background_is_painted_behind_the_words_only() -> None:
    strip = row_strip(place(COLUMNS, 60), ROW | {"state": "OFF"}, LOOK, STYLES, 60)
    assert [segment.text for segment in strip if segment.style == STYLES[Role.ALARM]] == ["OFF"]


def test_a_flash_replaces_the_colour_of_its_cell_only() -> None:
    placed = place(COLUMNS, 20)
    strip = row_strip(placed, ROW, LOOK, STYLES, 20, flashes=(None, Role.FLASH_UP))
    assert style_at(strip, "20,123.25") == STYLES[Role.FLASH_UP]
    assert style_at(strip, "MNQZ6") == STYLES[Role.TEXT]


def test_the_header_marks_the_order() -> None:
    placed = place(COLUMNS, 60)
    assert "Last▲" in header_strip(placed, STYLES, 60, sorted_by="last").text
    assert "Last▼" in header_strip(placed, STYLES, 60, sorted_by="last", descending=True).text


def test_the_column_under_the_mouse_is_the_one_drawn_there() -> None:
    placed = place(COLUMNS, 60)
    header = header_strip(placed, STYLES, 60).text
    for column, _ in placed:
        found = column_at(placed, header.index(column.title) + len(column.title) - 1)
        assert found is column
    assert column_at(placed, 0) is None
    assert column_at(placed, 59) is None


@given(count=st.integers(2, 500), height=st.integers(1, 60), top=st.integers(0, 500))
@settings(max_examples=100, deadline=None)
def test_the_rail_shows_which_part_is_in_sight(count: int, height: int, top: int) -> None:
    assume(height < count)
    top = min(top, count - height)
    rail = [with_rail(Strip.blank(3), y, height, top, count, LOOK, STYLES).text[-1] for y in range(height)]
    held = [y for y, char in enumerate(rail) if char == "▐"]
    assert held == list(range(held[0], held[-1] + 1))
    assert (held[0] == 0) or top > 0
    assert (held[-1] == height - 1) or top < count - height


def test_every_symbol_of_the_screens_has_its_like_in_ascii() -> None:
    package = Path(tradeconsole.__file__).parent
    sources = [*package.glob("tui/**/*.py"), *package.glob("views/**/*.py"), package / "actions.py"]
    symbols = {char for source in sources for char in source.read_text("utf-8") if not char.isascii()}
    symbols |= set("▛▀▜▌▐▙▄▟█")  # frames that Textual draws for us
    assert [char for char in sorted(symbols) if to_ascii(char) == "?"] == []


def test_ascii_lines_are_ascii() -> None:
    plain = msgspec.structs.replace(LOOK, ascii_only=True)
    row = ROW | {"name": "Ünsal▲", "last": "−1.00"}
    assert row_strip(place(COLUMNS, 60), row, plain, STYLES, 60, selected=True, lead="└ ").text.isascii()
    assert header_strip(place(COLUMNS, 60), STYLES, 60, sorted_by="name", ascii_only=True).text.isascii()


@given(text=st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_foreign_text_keeps_its_number_of_cells(text: str) -> None:
    safe = narrow(text)
    assert len(safe) == len(text)
    assert safe.isprintable()
    assert len(to_ascii(safe)) == len(safe)
    assert to_ascii(safe).isascii()


@pytest.mark.parametrize(
    ("width", "expected"), [(8, "MNQZ6   "), (5, "MNQZ6"), (3, "MN…"), (1, "…"), (0, "")]
)
def test_words_end_in_an_ellipsis_when_cut(width: int, expected: str) -> None:
    assert fit("MNQZ6", width) == expected


@pytest.mark.parametrize(("width", "expected"), [(7, "  −1.25"), (5, "−1.25"), (4, "####")])
def test_numbers_are_right_aligned_or_hidden(width: int, expected: str) -> None:
    assert fit_number("−1.25", width) == expected
