"""Draws docs/console.svg: the trade screen on a fresh simulator, after a bracketed buy by keyboard."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from textual.pilot import Pilot

from tradeconsole import bootstrap
from tradeconsole.domain.orders import OrderRole
from tradeconsole.settings import load_settings
from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.appearance import Appearance
from tradeconsole.tui.dialogs.confirm import Confirm
from tradeconsole.views.session import Session

PICTURE = Path(__file__).parent / "console.svg"
SIZE = (140, 42)
PATIENCE = 60.0
HOLDING = 20.0
"""Seconds to let the market move with the position."""


async def draw(folder: str) -> str | None:
    """The screen as SVG, if the market went our way; all that the simulator keeps goes to `folder`."""
    settings = load_settings(environ=os.environ | {"TRADECONSOLE_DATA_DIR": folder})
    async with AsyncExitStack() as stack:

        async def open_session() -> Session:
            return await stack.enter_async_context(bootstrap.open_session(settings))

        app = TradeConsole(open_session, Appearance())
        async with app.run_test(size=SIZE) as pilot:
            await trade(app, pilot)
            if not any((row.open_pnl or 0) > 0 for row in app.picture.positions or ()):
                return None
            return app.export_screenshot(title="tradeconsole")


async def trade(app: TradeConsole, pilot: Pilot[None]) -> None:
    """Arm, buy two with a stop and a target, and wait until both legs work."""
    await until(pilot, lambda: app.picture.header and app.picture.header.synced)
    await pilot.press("a")
    await confirm(app, pilot)
    await until(pilot, lambda: app.picture.header and app.picture.header.armed)
    await pilot.press("2")
    await until(pilot, lambda: app.picture.chart and len(app.picture.chart.bars))
    await pilot.press("b", "2", "tab", *"160", "tab", *"240", "enter")
    await confirm(app, pilot)
    await until(pilot, lambda: sum(order.is_open for order in app.picture.orders or ()) == 2)
    await until(pilot, lambda: (order := app.selected_order()) and order.role is OrderRole.STOP_LOSS)
    await pilot.pause(2 * app.appearance.quiet)
    await pilot.press("K")
    await pilot.pause(HOLDING)


async def confirm(app: TradeConsole, pilot: Pilot[None]) -> None:
    """Press the second key, after the rest that it asks for."""
    await until(pilot, lambda: isinstance(app.screen, Confirm))
    await pilot.pause(2 * app.appearance.quiet)
    await pilot.press("y")


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.1)


def main() -> None:
    """Write the picture, on the first market that shows a gain."""
    while True:
        with tempfile.TemporaryDirectory(prefix="tradeconsole-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)  # root's PostgreSQL runs as somebody else
            picture = asyncio.run(draw(folder))
            wait_stopped(Path(folder) / "postgres" / "data" / "postmaster.pid")
        if picture is not None:
            PICTURE.write_text(picture, "utf-8")
            return


def wait_stopped(pid_file: Path) -> None:
    """Give the database the moment in which it waits for another console; then it leaves nothing behind."""
    deadline = time.monotonic() + PATIENCE
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.2)


if __name__ == "__main__":
    main()
