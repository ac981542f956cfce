"""Running the console in a test: opened on a scripted session, driven by keys, waited for by conditions."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fakes import ScriptedSession
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.appearance import Appearance
from tradeconsole.tui.dialogs.dialog import Dialog

PATIENCE = 60.0
"""Seconds to wait for something that usually takes a fraction of one."""

STILL = Appearance(fps=1000, reduced_motion=True, quiet=0.0, patience=PATIENCE)
"""Draws every frame, never moves, drops no key, and lets any confirm that was pressed after its question appeared."""

_HOPS = 3
"""A key goes from the app to the focused widget, up again, and into the flow that it starts."""

_LONG_NAMES = {"&": "ampersand", "/": "slash"}

D = TypeVar("D", bound=Screen[Any])


async def until(pilot: Pilot[None], condition: Callable[[], object], what: str = "") -> None:
    """Wait for a condition; fails with `what` when it does not come true in time."""
    async with asyncio.timeout(PATIENCE):
        try:
            while not condition():
                await pilot.pause(0.005)
        except asyncio.CancelledError:
            raise AssertionError(f"never came true: {what or condition}") from None
    await pilot.pause()


class Console:
    """The app under test with the verbs that tests use."""

    def __init__(self, app: TradeConsole, pilot: Pilot[None], session: ScriptedSession) -> None:
        self.app, self.pilot, self.session = app, pilot, session

    async def press(self, *keys: str) -> None:
        """Press keys one after the other; each has had its effect before the next, and all before this returns."""
        for key in keys:
            self.app.post_message(events.Key(_LONG_NAMES.get(key, key), key if len(key) == 1 else None))
            for _ in range(_HOPS):
                await self.pilot.pause(0)
            await self.until(lambda: not self.app._keys.is_busy, f"the effect of {key}")
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        await until(self.pilot, condition, what)

    async def dialog(self, kind: type[D]) -> D:
        """Wait until such a dialog is on top and ready for keys."""
        await self.until(
            lambda: isinstance(self.app.screen, kind) and self.app.screen.is_mounted,
            f"{kind.__name__} on top",
        )
        screen = self.app.screen
        assert isinstance(screen, kind)
        return screen

    async def no_dialog(self) -> None:
        await self.until(lambda: not isinstance(self.app.screen, Dialog), "all dialogs closed")

    async def said(self, text: str) -> None:
        """Wait for a toast that holds this text."""
        await self.until(lambda: any(text in toast for toast in self.toasts), f"'{text}' in {self.toasts}")

    @property
    def toasts(self) -> list[str]:
        return [toast.message for toast in self.app._notifications]

    def find(self, kind: type[Widget]) -> Any:
        """The one widget of that kind on the screen under all dialogs."""
        return next(iter(self.app._base_screen().query(kind)))


@asynccontextmanager
async def running(
    session: ScriptedSession,
    *,
    size: tuple[int, int] = (120, 40),
    appearance: Appearance = STILL,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[Console]:
    """The console on a session, once its first frame is drawn."""
    app = (
        TradeConsole(session.opener(), appearance)
        if clock is None
        else TradeConsole(session.opener(), appearance, clock)
    )
    async with app.run_test(size=size) as pilot:
        console = Console(app, pilot, session)
        await console.until(lambda: app.picture.header is not None, "the first frame")
        yield console
