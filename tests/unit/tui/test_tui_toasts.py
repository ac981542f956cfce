"""Toasts: few at a time, warnings outlive news, and never over positions and orders."""

import pytest
from consoles import STILL, running, until
from factories import make_frame
from fakes import ScriptedSession
from textual.widget import Widget
from textual.widgets._toast import Toast

from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.toasts import MOST, SECONDS
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.tui.widgets.positions import PositionsTable


async def test_old_news_makes_way_and_warnings_stay() -> None:
    async with running(ScriptedSession([make_frame()])) as console:
        console.app.say("Refused: too large", "error")
        for number in range(MOST + 1):
            console.app.say(f"news {number}")
        await console.pilot.pause()
        assert console.toasts == ["Refused: too large", f"news {MOST - 1}", f"news {MOST}"]


async def test_a_refusal_is_said_again_only_when_it_is_gone() -> None:
    now = [0.0]
    async with running(ScriptedSession([make_frame()]), clock=lambda: now[0]) as console:
        console.app.say("Refused", "error")
        console.app.say("Refused", "error")
        await console.pilot.pause()
        assert console.toasts == ["Refused"]
        now[0] += SECONDS
        console.app.say("Refused", "error")
        await console.pilot.pause()
        assert console.toasts == ["Refused", "Refused"]


@pytest.mark.parametrize("spared", [OrdersTable, PositionsTable])
async def test_a_small_trade_screen_keeps_what_is_traded_in_sight(spared: type[Widget]) -> None:
    app = TradeConsole(ScriptedSession([make_frame()]).opener(), STILL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.picture.header is not None)
        await pilot.press("2")
        for number in range(MOST + 1):
            app.say(f"a longer line of news that needs two rows, number {number}")
        await until(pilot, lambda: len(app.screen.query(Toast)) == MOST, "all toasts")
        table = app.screen.query_one(spared).region
        assert table.height > 0
        assert not any(toast.region.overlaps(table) for toast in app.screen.query(Toast))
