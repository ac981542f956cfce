"""Each screen and dialog on one canned frame, at the three sizes of the design and in the lifeboat."""

import pytest
from consoles import STILL, Console
from factories import (
    make_account,
    make_bracket,
    make_frame,
    make_header_view,
    make_preview,
)
from fakes import ScriptedSession
from pictures import Snapshot
from textual.pilot import Pilot

from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.errors import BrokerUnavailable
from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.dialogs.confirm import Confirm
from tradeconsole.tui.dialogs.help import Help
from tradeconsole.tui.dialogs.stopped import Stopped
from tradeconsole.tui.dialogs.ticket_dialog import TicketDialog
from tradeconsole.tui.widgets.ticket import Ticket
from tradeconsole.views.models import ChannelView

SIZES = [(80, 24), (120, 40), (200, 60)]


class Arranged:
    """A console whose time stands still, and the keys that bring it where the picture is taken."""

    def __init__(self, session: ScriptedSession, *keys: str, until: object = None) -> None:
        self.session = session
        self.app = TradeConsole(session.opener(), STILL, lambda: 1000.0)
        self.keys = keys
        self._until = until

    async def __call__(self, pilot: Pilot[None]) -> None:
        console = Console(self.app, pilot, self.session)
        await console.until(lambda: self.app.picture.header is not None)
        for key in self.keys:
            await console.press(key)
        if isinstance(self._until, type):
            await console.dialog(self._until)
        previews = self.app.screen.query(Ticket)
        if previews and previews.first().region:
            await console.until(lambda: previews.first().preview is not None)


def scripted(**over: object) -> ScriptedSession:
    return ScriptedSession([make_frame(**over)], preview=make_preview())


async def take(snapshot: Snapshot, size: tuple[int, int], arranged: Arranged) -> None:
    await snapshot(arranged.app, size, before=arranged)


@pytest.mark.parametrize("size", SIZES)
async def test_dashboard(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await take(snapshot, size, Arranged(scripted(header=make_header_view(armed=False))))


@pytest.mark.parametrize("size", SIZES)
async def test_trade_armed(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await take(snapshot, size, Arranged(scripted(), "2"))


@pytest.mark.parametrize("size", SIZES)
async def test_chart(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await take(snapshot, size, Arranged(scripted(orders=make_bracket()), "3", "tab"))


@pytest.mark.parametrize("size", [(79, 23), (20, 5), (1, 1)])
async def test_lifeboat(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await take(snapshot, size, Arranged(scripted()))


@pytest.mark.parametrize("size", [(80, 24)])
async def test_ticket_overlay_and_summary(snapshot: Snapshot, size: tuple[int, int]) -> None:
    arranged = Arranged(scripted(), "2", "b", until=TicketDialog)
    await take(snapshot, size, arranged)


@pytest.mark.parametrize("size", [(80, 24), (40, 6)])
async def test_panic_question(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await take(snapshot, size, Arranged(scripted(), "ctrl+x", until=Confirm))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_help(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await take(snapshot, size, Arranged(scripted(), "2", "question_mark", until=Help))


@pytest.mark.parametrize("size", [(80, 24)])
async def test_live_account_with_a_stale_market_and_a_spooling_store(
    snapshot: Snapshot, size: tuple[int, int]
) -> None:
    channels = (
        ChannelView(channel=Channel.ORDERS, state=ChannelState.UP, age=0.2),
        ChannelView(channel=Channel.ACCOUNT, state=ChannelState.UP, age=0.2),
        ChannelView(channel=Channel.MARKET, state=ChannelState.STALE, age=31.0, reason="silent"),
    )
    header = make_header_view(
        account=make_account(name="LIVE-0007", kind=AccountKind.LIVE),
        channels=channels,
        storage="spooling",
        data_age=31.0,
        armed=False,
        synced=False,
    )
    await take(snapshot, size, Arranged(scripted(header=header)))


@pytest.mark.parametrize("size", [(80, 24)])
async def test_an_engine_that_stopped(snapshot: Snapshot, size: tuple[int, int]) -> None:
    session = scripted()
    session.fail(BrokerUnavailable("the engine's thread ended; see the log"))
    await take(snapshot, size, Arranged(session, until=Stopped))
