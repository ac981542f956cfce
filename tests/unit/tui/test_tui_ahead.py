"""Screens are built before they are asked for, in moments in which nobody waits, and nobody can tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from consoles import STILL, Console, running
from factories import make_frame, make_header_view
from fakes import ScriptedSession
from pictures import picture, screen_strips

from tradeconsole.actions import Where
from tradeconsole.tui import ahead
from tradeconsole.tui.ahead import Ahead
from tradeconsole.tui.dialogs.help import Help
from tradeconsole.tui.screens.console import ConsoleScreen

OTHERS = (Where.TRADE, Where.CHART)


class Moment:
    """Builds nothing, but remembers what it was asked for; the clock moves when the test moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calm = True
        self.built: list[str] = []
        self.ahead = Ahead(lambda: self.calm, lambda: self.now)

    async def build(self, name: str) -> None:
        self.built.append(name)

    async def passes(self, seconds: float) -> None:
        """Let time pass, and the builder look at the clock."""
        self.now += seconds
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def at_work(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Moment]:
    monkeypatch.setattr(ahead, "_LOOK", 0.0)
    moment = Moment()
    task = asyncio.create_task(moment.ahead.run(("a", "b"), moment.build))
    yield moment
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_each_is_built_after_a_rest_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch) as moment:
        await moment.passes(ahead.REST - 0.1)
        assert moment.built == []
        await moment.passes(0.2)
        assert moment.built == ["a"]
        await moment.passes(ahead.REST - 0.1)
        assert moment.built == ["a"]
        await moment.passes(0.2)
        assert moment.built == ["a", "b"]


async def test_every_key_puts_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch) as moment:
        for _ in range(5):
            await moment.passes(ahead.REST - 0.1)
            moment.ahead.touch()
        assert moment.built == []


async def test_it_waits_for_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch) as moment:
        moment.calm = False
        await moment.passes(60.0)
        assert moment.built == []
        moment.calm = True
        await moment.passes(0.0)
        assert moment.built == ["a"]


def hidden(console: Console) -> list[ConsoleScreen]:
    """Screens that are there and were never shown."""
    stacks = console.app._screen_stacks
    return [screen for where in OTHERS for screen in stacks.get(where.value, []) if screen.is_mounted]  # type: ignore[misc]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hands rest as soon as they have pressed a key."""
    monkeypatch.setattr(ahead, "REST", 0.0)
    monkeypatch.setattr(ahead, "_LOOK", 0.005)


async def tour(console: Console, size: tuple[int, int]) -> AsyncIterator[Where]:
    """Visit the screens, in a terminal that has got another size meanwhile."""
    await console.pilot.resize_terminal(*size)
    for where, key in ((Where.TRADE, "2"), (Where.CHART, "3"), (Where.DASHBOARD, "1")):
        await console.press(key)
        await console.until(lambda where=where: console.app._base_screen().WHERE is where)  # type: ignore[misc]
        yield where


def seen(console: Console) -> str:
    return picture(screen_strips(console.app))


async def at_rest(console: Console) -> str:
    """The picture on the screen once it has stayed the same for a while."""
    before, same = "", 0
    while same < 10:
        await console.pilot.pause(0.05)
        now = seen(console)
        before, same = now, same + 1 if now == before else 0
    return before


def standing() -> float:
    """A clock by which the engine never falls silent."""
    return 0.0


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_screen_built_ahead_looks_like_any_other(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(ahead, "REST", 3600.0)
    async with running(ScriptedSession([make_frame()]), clock=standing) as console:
        assert not hidden(console)
        as_ever = {where: await at_rest(console) async for where in tour(console, size)}
    monkeypatch.setattr(ahead, "REST", 0.0)
    monkeypatch.setattr(ahead, "_LOOK", 0.005)
    async with running(ScriptedSession([make_frame()]), clock=standing) as console:
        await console.until(lambda: len(hidden(console)) == len(OTHERS), "both built")
        async for where in tour(console, size):
            await console.until(
                lambda where=where: seen(console) == as_ever[where],  # type: ignore[misc]
                f"the same {where}",
            )


async def test_a_theme_chosen_after_it_was_built_is_on_it(at_once: None) -> None:
    async with running(ScriptedSession([make_frame()])) as console:
        await console.until(lambda: len(hidden(console)) == len(OTHERS), "both built")
        console.app.theme = "textual-light"
        await console.press("3")
        await console.until(lambda: console.app._base_screen().WHERE is Where.CHART)
        light = console.app.theme_variables["background"]
        assert console.app.screen.styles.background.hex.lower() == light.lower()


async def test_what_is_hidden_asks_the_engine_nothing_and_takes_no_focus(at_once: None) -> None:
    script = ScriptedSession([make_frame()])
    async with running(script) as console:
        await console.until(lambda: len(hidden(console)) == len(OTHERS), "both built")
        await console.pilot.pause(0.3)
        assert console.app._base_screen().WHERE is Where.DASHBOARD
        assert console.app.focused is not None
        assert console.app.focused.screen is console.app.screen
        assert (script.previews, len(script.focuses)) == ([], 1)
        assert [screen.header for screen in hidden(console)] == [None, None]


async def test_nothing_is_built_before_the_console_is_live(at_once: None) -> None:
    async with running(ScriptedSession([make_frame(header=make_header_view(synced=False))])) as console:
        await console.pilot.pause(0.1)
        assert not hidden(console)


async def test_nothing_is_built_under_a_dialog(monkeypatch: pytest.MonkeyPatch, at_once: None) -> None:
    monkeypatch.setattr(ahead, "REST", 3600.0)
    async with running(ScriptedSession([make_frame()]), appearance=STILL) as console:
        await console.press("question_mark")
        await console.dialog(Help)
        monkeypatch.setattr(ahead, "REST", 0.0)
        await console.pilot.pause(0.1)
        assert not hidden(console)
        await console.press("escape")
        await console.until(lambda: len(hidden(console)) == len(OTHERS), "both built")


async def test_a_console_that_ends_builds_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "REST", 3600.0)
    async with running(ScriptedSession([make_frame()])) as console:
        assert console.app._is_calm()
    assert not console.app._is_calm()
