"""Footer, help and lifeboat: what is always in sight."""

import pytest
from factories import make_header_view, make_position_row

from tradeconsole.actions import BY_ID, Where, offered_on
from tradeconsole.settings import InterfaceSettings
from tradeconsole.tui.appearance import appearance, is_remote
from tradeconsole.tui.dialogs.help import help_lines, legend
from tradeconsole.tui.keys import danger_mark, show_key
from tradeconsole.tui.widgets.footer_hints import MOST, footer_line, hints
from tradeconsole.tui.widgets.lifeboat import lifeboat_lines
from tradeconsole.views.models import HeaderView

SCREENS = [Where.DASHBOARD, Where.TRADE, Where.CHART]


@pytest.mark.parametrize("where", SCREENS)
def test_the_footer_has_at_most_eight_hints_and_panic_comes_first(where: Where) -> None:
    assert len(hints(where)) + 1 <= MOST
    assert footer_line(where, {}, 200).plain.startswith("^x ▲PANIC")


@pytest.mark.parametrize("where", SCREENS)
@pytest.mark.parametrize("width", [9, 20, 40, 78, 118, 198])
def test_the_footer_fits_and_keeps_panic(where: Where, width: int) -> None:
    line = footer_line(where, {}, width)
    assert line.cell_length <= width
    assert "PANIC" in line.plain


def test_hints_carry_danger_as_a_symbol() -> None:
    line = footer_line(Where.TRADE, {}, 200).plain
    assert "b ▲Buy" in line
    assert "x !Cancel" in line
    assert "? Help" in line


def test_hints_show_the_users_own_keys() -> None:
    assert "B ▲Buy" in footer_line(Where.TRADE, {"order.buy": ("B",)}, 200).plain


@pytest.mark.parametrize("where", SCREENS)
def test_help_lists_every_action_of_its_screen_with_every_key(where: Where) -> None:
    text = help_lines(where, {}, "", 200).plain
    for action in offered_on(where):
        line = next(line for line in text.splitlines() if action.help in line)
        assert action.label in line
        for key in action.keys:
            assert show_key(key) in line


def test_help_says_what_confirms() -> None:
    line = next(line for line in help_lines(Where.TRADE, {}, "", 200).plain.splitlines() if "PANIC" in line)
    mark = danger_mark(BY_ID["position.panic"].danger)
    assert f"{mark}PANIC" in line
    assert f"{mark} asks for a second key" in legend().plain


@pytest.mark.parametrize("width", [60, 74, 110])
def test_help_wraps_under_itself(width: int) -> None:
    text = help_lines(Where.TRADE, {}, "", width).plain
    assert all(len(line) <= width for line in text.splitlines())


def test_help_is_searched_by_words_in_any_order() -> None:
    lines = help_lines(Where.TRADE, {}, "order selected cancel", 200).plain.splitlines()
    assert any("Cancel the selected order, stop or target." in line for line in lines)
    assert not any("Timeframe" in line for line in lines)


def test_help_says_when_nothing_matches() -> None:
    assert help_lines(Where.TRADE, {}, "teleport", 200).plain == "No key does 'teleport' here."


@pytest.mark.parametrize("height", range(6))
@pytest.mark.parametrize("width", [0, 1, 5, 20, 79])
def test_the_lifeboat_fits_any_terminal(width: int, height: int) -> None:
    lines = lifeboat_lines(make_header_view(), (make_position_row(),), "^x", width, height)
    assert len(lines) <= height
    assert all(line.cell_length <= width for line in lines)


def test_the_lifeboat_shows_money_positions_and_the_way_out() -> None:
    bare = make_position_row(protected=0)
    lines = [line.plain for line in lifeboat_lines(make_header_view(), (bare,), "^x", 60, 5)]
    assert lines[0].startswith("■ open +53.00 day +213.54")
    assert lines[1] == "L 2 MNQ +53.00 UNPROTECTED"
    assert lines[-1] == "^x PANIC"
    unread = make_position_row(protected=0, proven=False)
    lines = [line.plain for line in lifeboat_lines(make_header_view(), (unread,), "^x", 60, 5)]
    assert lines[1] == "L 2 MNQ +53.00 ?? NOT CHECKED YET"


@pytest.mark.parametrize("header", [None, make_header_view(synced=False)], ids=["starting", "not synced"])
def test_the_lifeboat_claims_flat_only_when_the_records_say_so(header: HeaderView | None) -> None:
    text = "\n".join(line.plain for line in lifeboat_lines(header, (), "^x", 60, 5))
    assert "flat" not in text
    assert "position unknown" in text
    assert "flat" in "".join(line.plain for line in lifeboat_lines(make_header_view(), (), "^x", 60, 5))


def test_one_line_is_left_for_the_way_out() -> None:
    lines = lifeboat_lines(make_header_view(), (make_position_row(),), "^x", 20, 1)
    assert [line.plain for line in lines] == ["^x PANIC"]


def test_over_ssh_the_console_draws_slower_and_does_not_move() -> None:
    interface = InterfaceSettings(fps=10, ssh_fps=4)
    remote = appearance(interface, {"SSH_CONNECTION": "10.0.0.1 22 10.0.0.2 22"})
    assert (remote.fps, remote.reduced_motion) == (4, True)
    local = appearance(interface, {})
    assert (local.fps, local.reduced_motion) == (10, False)
    assert is_remote({"SSH_TTY": "/dev/pts/1"})


def test_no_color_is_honoured_however_it_is_set() -> None:
    assert appearance(InterfaceSettings(), {"NO_COLOR": ""}).no_color
    assert not appearance(InterfaceSettings(), {}).no_color


def test_a_terminal_without_box_drawing_gets_ascii() -> None:
    assert appearance(InterfaceSettings(), {"TERM": "linux"}).ascii_only
    assert not appearance(InterfaceSettings(), {"TERM": "xterm-256color"}).ascii_only
    assert appearance(InterfaceSettings(ascii=True), {}).ascii_only


def test_the_users_keys_come_from_the_settings() -> None:
    assert appearance(InterfaceSettings(keys={"order.buy": ["b", "f5"]}), {}).keys == {
        "order.buy": ("b", "f5")
    }
