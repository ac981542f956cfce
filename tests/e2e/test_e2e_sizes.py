"""The console in terminals of several sizes: it opens, every screen can be reached, and resizing breaks nothing."""

import re
from collections.abc import Iterator

import pytest
from homes import Home
from terminal import Terminal

LIFEBOAT = (20, 5)


@pytest.fixture(scope="module", autouse=True)
def warm(shared_home: Home) -> Iterator[None]:
    """Emulator and database run already."""
    with shared_home.console() as terminal:
        terminal.wait_for("✓ synced")
        yield


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_screen_can_be_reached(shared_home: Home, size: tuple[int, int]) -> None:
    with shared_home.console(size=size) as terminal:
        terminal.wait_for(re.compile(r"MNQ\w* .*\d\.\d"))
        terminal.wait_for("╭─ Feed")
        terminal.press("2")
        terminal.wait_for("╭─ Orders")
        terminal.press("3")
        terminal.wait_gone("╭─ Orders")
        terminal.wait_for(re.compile(r"MNQ\w+ 1m  "))
        terminal.press("t")
        terminal.wait_for(re.compile(r"MNQ\w+ 5m  "))
        terminal.press("?")
        terminal.wait_for("Keys on the chart screen")
        terminal.send("panic")
        terminal.wait_for("Cancel all, close all, disarm")
        terminal.press("escape")
        terminal.wait_gone("Keys on the chart screen")
        terminal.press("ctrl+p")
        terminal.wait_for(re.compile("Search|Find"))
        terminal.send("dashboard")
        terminal.wait_for(re.compile("Dashboard"))
        terminal.press("enter")
        terminal.wait_for("╭─ Feed")
        no_line_is_too_long(terminal, size)
        leave(terminal)


def test_a_tiny_terminal_still_shows_the_position_and_the_way_out(shared_home: Home) -> None:
    with shared_home.console(size=LIFEBOAT) as terminal:
        terminal.wait_for("flat")  # said only once the broker's records were read
        terminal.wait_for("PANIC")
        for size in ((80, 24), (1, 1), (200, 60), LIFEBOAT):
            terminal.resize(size)
            if size >= (80, 24):
                terminal.wait_for("╭─ Feed")
        terminal.wait_for("PANIC")
        terminal.resize((80, 24))
        terminal.wait_for("╭─ Feed")
        leave(terminal)


def leave(terminal: Terminal) -> None:
    terminal.press("q")
    terminal.wait_for("Leave the console?")
    terminal.answer("y")
    assert terminal.wait_exit() == 0


def no_line_is_too_long(terminal: Terminal, size: tuple[int, int]) -> None:
    """What is drawn fits: the frame of the feed closes at the right edge, and the last line is the footer."""
    lines = terminal.screen().split("\n")
    assert len(lines) == size[1]
    assert any(line.startswith("╭─ Feed") and len(line) == size[0] for line in lines)
    assert "Dashboard" in lines[-1] or "PANIC" in lines[-1]
