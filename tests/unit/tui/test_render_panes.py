"""The equity curve, the feed and the colour roles."""

import msgspec
import pytest
from factories import NOW, make_equity, make_notification_row
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.theme import BUILTIN_THEMES

from tradeconsole.domain.events import Severity
from tradeconsole.tui.render.curve import EMPTY, draw_curve
from tradeconsole.tui.render.feed import feed_strips
from tradeconsole.tui.render.palette import (
    REVERSED,
    SEVERITY_ROLES,
    Colors,
    Role,
    colors_of,
    default_look,
    styles_of,
)
from tradeconsole.tui.render.wrap import wrap
from tradeconsole.views.models import EquityView

LOOK = default_look()
STYLES = styles_of(LOOK.colors)


def curve_lines(curve: EquityView, width: int = 60, height: int = 10) -> list[str]:
    return [strip.text for strip in draw_curve(curve, LOOK, STYLES, width, height)]


@given(
    values=st.lists(st.floats(-1e6, 1e6), max_size=40),
    width=st.integers(0, 120),
    height=st.integers(0, 30),
    plain=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_a_curve_fills_any_size_exactly(values: list[float], width: int, height: int, plain: bool) -> None:
    curve = EquityView(times=tuple(float(60 * index) for index in range(len(values))), values=tuple(values))
    strips = draw_curve(curve, msgspec.structs.replace(LOOK, ascii_only=plain), STYLES, width, height)
    assert [sum(len(segment.text) for segment in strip) for strip in strips] == [width] * height


def test_a_rising_curve_starts_low_and_ends_high() -> None:
    curve = EquityView(times=(0.0, 60.0, 120.0), values=(100.0, 110.0, 120.0))
    drawn = [[x for x, char in enumerate(line[:56]) if ord(char) > 0x2800] for line in curve_lines(curve)]
    assert max(drawn[0]) == 55
    assert min(drawn[8]) == 0
    assert curve_lines(curve)[0].endswith("120")
    assert curve_lines(curve)[8].endswith("100")


def test_a_losing_session_takes_the_colour_of_losses() -> None:
    losing = EquityView(times=(0.0, 60.0), values=(100.0, 50.0))
    winning = EquityView(times=(0.0, 60.0), values=(100.0, 150.0))
    used = [
        {segment.style for strip in draw_curve(curve, LOOK, STYLES, 40, 8) for segment in strip}
        for curve in (losing, winning)
    ]
    assert STYLES[Role.DOWN] in used[0]
    assert STYLES[Role.UP] not in used[0]
    assert STYLES[Role.UP] in used[1]


def test_the_curve_has_the_hours_of_the_exchange_below() -> None:
    last = curve_lines(make_equity(), 60, 10)[-1]
    assert last.startswith("05:31")
    assert "09:30" in last


def test_no_equity_says_how_it_begins() -> None:
    assert EMPTY.split(".", maxsplit=1)[0] in " ".join(line.strip() for line in curve_lines(EquityView()))


def feed(width: int = 70, **over: object) -> list[str]:
    strips = feed_strips(make_notification_row(**over), NOW, LOOK, STYLES, width)
    return [strip.text.rstrip() for strip in strips]


def test_a_notification_has_time_symbol_title_and_detail() -> None:
    assert feed() == ["09:31:02 ✓ Filled  BUY 2 MNQZ6 at 20,110.00"]


def test_each_severity_has_its_own_symbol_and_colour() -> None:
    assert len({feed(severity=severity)[0][9] for severity in Severity}) == len(Severity)
    assert len(set(SEVERITY_ROLES.values())) == len(Severity)


def test_repeats_are_counted() -> None:
    assert "Rejected ×3" in feed(title="Rejected", count=3)[0]


def test_long_details_wrap_under_themselves() -> None:
    lines = feed(width=50, detail="the gateway did not answer and its records are being asked for the order")
    assert len(lines) > 1
    assert all(line.startswith(" " * 11) for line in lines[1:])
    assert all(len(line) <= 50 for line in lines)


def test_figures_stay_together_where_that_takes_no_more_lines() -> None:
    title, detail = "Filled: bought 2 MNQZ6 @ 28,590.25", "gross +80.00, fees 1.22"
    lines = feed(width=42, title=title, detail=detail)
    assert [line.strip() for line in lines] == [f"✓ {title}", detail]


def test_a_narrow_feed_spends_its_cells_on_words() -> None:
    assert feed(width=30)[0].startswith("✓ Filled")


def test_what_was_read_is_not_bold() -> None:
    fresh, seen = (
        feed_strips(make_notification_row(read=read), NOW, LOOK, STYLES, 70)[0] for read in (False, True)
    )
    assert any(segment.style and segment.style.bold for segment in fresh)
    assert not any(segment.style and segment.style.bold for segment in seen)


@given(text=st.text(max_size=120), width=st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_wrapped_text_never_exceeds_its_width(text: str, width: int) -> None:
    lines = wrap(text, width, indent="  ")
    assert lines
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize("name", sorted(BUILTIN_THEMES))
def test_every_theme_gives_every_role_a_style(name: str) -> None:
    colors = colors_of(BUILTIN_THEMES[name].to_color_system().generate())
    styles = styles_of(colors)
    assert len(styles) == len(Role)
    assert all(styles[role].reverse for role in REVERSED)
    assert not any(styles[role].reverse for role in Role if role not in REVERSED)


def test_a_theme_chooses_its_own_trading_colours() -> None:
    colors = colors_of({"trade-up": "#00ff00", "trade-target": "#ff0000", "foreground": "#ffffff"})
    assert (colors.up, colors.target, colors.foreground) == ("#00ff00", "#ff0000", "#ffffff")
    assert colors.down == Colors().down


def test_a_theme_colour_that_is_none_falls_back() -> None:
    assert colors_of({"trade-up": "auto 87%", "trade-down": "no colour"}) == Colors()
