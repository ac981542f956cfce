"""The console's life: first paint, frames, heartbeat, the end of a session, sizes, and choosing what is watched."""

import asyncio
import logging
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from consoles import STILL, Console, running, until
from factories import (
    MES,
    make_bracket,
    make_chart_view,
    make_frame,
    make_header_view,
    make_notification_row,
    make_position_row,
    make_quote_row,
)
from fakes import ScriptedSession
from pictures import screen_strips
from textual.command import CommandInput, CommandPalette
from textual.geometry import Region
from textual.widgets import Input, OptionList, Static

from tradeconsole.actions import Where, offered_on
from tradeconsole.domain.commands import CancelOrder, DismissNotifications, NudgeOrder, Reconcile
from tradeconsole.domain.events import Severity
from tradeconsole.domain.instruments import Instrument
from tradeconsole.errors import AuthenticationFailed, BrokerUnavailable, ConfigError, InvalidRequest
from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.appearance import Appearance
from tradeconsole.tui.dialogs.choose_symbol import ChooseSymbol
from tradeconsole.tui.dialogs.confirm import Confirm
from tradeconsole.tui.dialogs.help import Help
from tradeconsole.tui.dialogs.stopped import Stopped
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.tui.widgets.fills import FillsTable
from tradeconsole.tui.widgets.footer_hints import FooterHints
from tradeconsole.tui.widgets.header import Header
from tradeconsole.tui.widgets.lifeboat import Lifeboat
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.tui.widgets.positions import PositionsTable
from tradeconsole.tui.widgets.round_trips import RoundTripsTable
from tradeconsole.tui.widgets.ticket import Ticket
from tradeconsole.tui.widgets.watchlist import Watchlist
from tradeconsole.views.models import Frame
from tradeconsole.views.session import Focus, Search, Session

MINI = Instrument(
    instrument_id=MES,
    symbol="MES",
    name="MESZ6",
    description="Micro E-mini S&P 500",
    tick_size=Decimal("0.25"),
    tick_value=Decimal("1.25"),
)


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def session(**over: object) -> ScriptedSession:
    return ScriptedSession([make_frame(**over)], instruments=[MINI])


# -- start and end


async def test_the_first_picture_comes_before_the_engine() -> None:
    gate = asyncio.Event()

    async def open_late() -> Session:
        await gate.wait()
        return session()

    app = TradeConsole(open_late, STILL)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        header = app.screen.query_one(Header)
        assert "starting the engine" in str(header.render())
        assert app.live_session is None
        gate.set()
        await until(pilot, lambda: header.view is not None)


async def test_empty_lists_claim_nothing_before_the_records_are_read() -> None:
    gate = asyncio.Event()
    unread = session(positions=(), orders=(), header=make_header_view(synced=False))

    async def open_late() -> Session:
        await gate.wait()
        return unread

    app = TradeConsole(open_late, STILL)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        tables = [app.screen.query_one(PositionsTable), app.screen.query_one(OrdersTable)]
        assert {table.empty_text for table in tables} == {"Not known yet: the console is starting."}
        gate.set()
        await until(pilot, lambda: all("records are being read" in table.empty_text for table in tables))
        unread.push(make_frame(positions=(), orders=()))
        await until(pilot, lambda: not any(table.empty_text for table in tables))


async def test_keys_before_the_engine_is_there_say_so_and_quit_leaves_at_once() -> None:
    async def open_never() -> Session:
        await asyncio.Event().wait()
        raise AssertionError

    app = TradeConsole(open_never, STILL)
    async with app.run_test(size=(80, 24)) as pilot:
        console = Console(app, pilot, session())
        for key in ("b", "a", "f", "ctrl+x", "i"):
            await console.press(key)
        await console.said("The engine is not connected")
        assert isinstance(app.screen, ConsoleScreen)
        await console.press("q")
        await until(pilot, lambda: app._exit)
    assert app.return_code == 0


async def test_an_engine_that_cannot_start_is_one_line_and_an_exit_code() -> None:
    async def refuse() -> Session:
        raise AuthenticationFailed("TopstepX refused the login of trader1; set TRADECONSOLE_API_KEY")

    app = TradeConsole(refuse, STILL)
    async with app.run_test(size=(80, 24)) as pilot:
        console = Console(app, pilot, session())
        dialog = await console.dialog(Stopped)
        assert dialog.heading == "Could not start"
        assert "refused the login of trader1" in str(app.screen_stack[0].query_one(Header).render())
        await console.press("enter")
        assert isinstance(app.screen, Stopped)
        await console.press("q")
        await until(pilot, lambda: app._exit)
    assert app.return_code == AuthenticationFailed.exit_code


async def test_a_session_that_dies_is_said_plainly_and_commands_go_nowhere() -> None:
    script = session()
    async with running(script) as console:
        script.fail(BrokerUnavailable("the engine's thread ended"))
        dialog = await console.dialog(Stopped)
        assert dialog.heading == "The engine stopped"
        await console.press("escape")
        await console.no_dialog()
        assert "ENGINE STOPPED" in str(console.find(Header).render())
        await console.press("ctrl+x")
        await console.said("The engine is not connected; nothing was sent.")
        await console.press("q")
        await console.until(lambda: console.app._exit)
        assert script.commands == []
    assert console.app.return_code == BrokerUnavailable.exit_code


async def test_a_session_that_simply_ends_is_said_too() -> None:
    script = session()
    async with running(script) as console:
        script.end()
        await console.dialog(Stopped)
        await console.press("q")
        await console.until(lambda: console.app._exit)
    assert console.app.return_code != 0


async def test_an_unforeseen_error_shows_no_traceback_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    script = session()
    with caplog.at_level(logging.ERROR):
        async with running(script) as console:
            script.fail(RuntimeError("boom"))
            await console.dialog(Stopped)
            assert "internal error, see the log: RuntimeError: boom" in console.app._end_message
    assert "boom" in caplog.text


async def test_the_session_is_left_open_for_its_owner() -> None:
    script = session()
    async with running(script):
        pass
    assert not script.closed


async def test_quitting_says_what_the_engine_will_not_do_any_more() -> None:
    positions = (make_position_row(enforcer="engine"),)
    async with running(session(positions=positions, orders=make_bracket())) as console:
        await console.press("q")
        dialog = await console.dialog(Confirm)
        assert "nobody cancels the other leg" in dialog.question.facts[1]


async def test_quitting_asks_and_says_that_orders_stay() -> None:
    async with running(session(orders=make_bracket())) as console:
        await console.press("q")
        dialog = await console.dialog(Confirm)
        assert "1 position and 2 open orders stay at the broker" in dialog.question.facts[0]
        await console.press("q", "enter")
        await console.no_dialog()
        await console.press("ctrl+q")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: console.app._exit)
    assert console.app.return_code == 0


async def test_leaving_before_the_records_were_read_claims_nothing_of_the_broker() -> None:
    header = make_header_view(synced=False)
    async with running(ScriptedSession([make_frame(header=header, positions=(), orders=())])) as console:
        await console.press("q")
        dialog = await console.dialog(Confirm)
        assert dialog.question.facts[0] == (
            "Not synced: 0 positions and 0 open orders are shown, the broker may have others. All stay as they are."
        )


# -- frames and health


async def test_sections_that_are_none_stay_as_they_were() -> None:
    script = session()
    async with running(script) as console:
        script.push(Frame(watchlist=(make_quote_row(last=1.25),)))
        table = console.find(Watchlist)
        await console.until(lambda: table.rows and table.rows[0].last == 1.25)
        assert console.find(PositionsTable).rows
        assert console.app.picture.orders is not None


async def test_every_section_of_a_frame_has_a_reactive_of_its_name() -> None:
    for name in Frame.model_fields:
        assert name in ConsoleScreen._reactives


async def test_a_screen_shown_later_has_the_whole_picture() -> None:
    script = session(orders=make_bracket())
    async with running(script) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(OrdersTable))
        table = console.find(OrdersTable)
        await console.until(lambda: len(table.rows) == 3)
        assert console.find(Chart).view is not None


async def test_an_engine_that_stands_still_is_called_silent_until_it_turns_again() -> None:
    clock, script = Hands(), session()
    async with running(script, clock=clock, size=(80, 24)) as console:
        header = console.find(Header)
        clock.now += 3.0
        await console.until(lambda: header.silent is not None)
        assert "ENGINE SILENT 3 s" in str(header.render())
        script.push(Frame(header=make_header_view(heartbeat=1201)))
        await console.until(lambda: header.silent is None)


async def test_a_screen_that_lags_says_so() -> None:
    clock = Hands()
    async with running(session(), clock=clock) as console:
        header = console.find(Header)
        clock.now += 2.0
        await console.until(lambda: header.late is not None)
        assert header.late == pytest.approx(1.5, abs=0.6)


async def test_news_is_a_toast_where_no_feed_shows_and_only_once() -> None:
    script = session(notifications=())
    async with running(script, size=(80, 24)) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().WHERE is Where.TRADE)
        row = make_notification_row(severity=Severity.ERROR, title="Rejected", detail="too large", read=False)
        for _ in range(3):
            script.push(Frame(notifications=(row,)))
        await console.said("Rejected: too large")
        script.push(Frame(notifications=(row,)))
        await console.pilot.pause()
        assert [toast for toast in console.toasts if "Rejected" in toast] == ["Rejected: too large"]


async def test_a_refusal_still_on_screen_is_not_said_again() -> None:
    async with running(session(positions=(), orders=())) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(OrdersTable))
        await console.press("x", "x", "x")
        await console.said("Select the order to cancel first")
        assert len(console.toasts) == 1


async def test_what_happened_before_the_start_is_no_news() -> None:
    async with running(session(), size=(80, 24)) as console:
        assert console.toasts == []


async def test_the_bell_rings_only_when_wanted() -> None:
    for wanted in (True, False):
        script = session(notifications=())
        rung: list[int] = []
        async with running(script, appearance=msgspec.structs.replace(STILL, bell=wanted)) as console:
            console.app.bell = lambda rung=rung: rung.append(1)
            row = make_notification_row(severity=Severity.ERROR, title="Rejected", read=False)
            script.push(Frame(notifications=(row,)))
            await console.until(lambda: console.app.picture.notifications)
        assert rung == ([1] if wanted else [])


# -- sizes


async def test_the_console_survives_every_size_and_comes_back() -> None:
    sizes = [(200, 60), (20, 5), (1, 1), (79, 24), (80, 23), (3, 40), (200, 1), (80, 24), (200, 60)]
    for screen in ("1", "2", "3"):
        async with running(session(), size=(200, 60)) as console:
            await console.press(screen)
            for width, height in sizes:
                await console.pilot.resize_terminal(width, height)
                await console.pilot.pause()
                small = width < 80 or height < 24
                assert console.find(Lifeboat).display is small
                assert console.app._base_screen().query_one("#body").display is not small
            assert console.find(Header).display


async def test_panic_works_in_the_lifeboat() -> None:
    script = session()
    async with running(script, size=(20, 5)) as console:
        await console.press("ctrl+x")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: len(script.commands) == 2)


@pytest.mark.parametrize("opened_by", ["question_mark", "i", "q", "X", "ctrl+p"])
async def test_no_dialog_breaks_on_a_tiny_terminal(opened_by: str) -> None:
    async with running(session(), size=(20, 5)) as console:
        await console.press(opened_by)
        await console.until(lambda: not isinstance(console.app.screen, ConsoleScreen))
        await console.pilot.resize_terminal(1, 1)
        await console.press("escape")
        await console.until(lambda: isinstance(console.app.screen, ConsoleScreen))


@pytest.mark.parametrize(
    ("size", "shown"),
    [((80, 24), False), ((120, 30), False), ((120, 40), True), ((200, 60), True)],
)
async def test_the_ticket_has_a_pane_where_there_is_room(size: tuple[int, int], shown: bool) -> None:
    async with running(session(), size=size) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(Ticket))
        assert bool(console.find(Ticket).region) is shown


async def test_lists_take_turns_where_there_is_no_room_for_all() -> None:
    async with running(session(), size=(80, 24)) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(OrdersTable))
        kinds: Sequence[type[LineTable[object]]] = (OrdersTable, FillsTable, RoundTripsTable)
        for kind in (*kinds, OrdersTable):
            await console.until(lambda wanted=kind: [k for k in kinds if console.find(k).region] == [wanted])
            await console.press("v")


async def test_all_lists_show_on_a_large_terminal() -> None:
    async with running(session(), size=(200, 60)) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(OrdersTable))
        assert all(console.find(kind).region for kind in (OrdersTable, FillsTable, RoundTripsTable))


# -- what is watched


async def test_only_screens_with_a_chart_ask_for_one() -> None:
    script = session()
    async with running(script) as console:
        assert script.focuses == [Focus(chart=False)]
        await console.press("3")
        await console.until(lambda: script.focuses[-1].chart)
        await console.press("1")
        await console.until(lambda: not script.focuses[-1].chart)


async def test_timeframes_turn_both_ways() -> None:
    script = session()
    async with running(script) as console:
        await console.press("3")
        for key, timeframe in (("t", "5m"), ("t", "15m"), ("T", "5m"), ("T", "1m"), ("T", "1d"), ("t", "1m")):
            await console.press(key)
            await console.until(lambda wanted=timeframe: script.focuses[-1].timeframe == wanted)


async def test_a_symbol_is_found_by_typing_and_watched() -> None:
    script = session()
    async with running(script) as console:
        await console.press("i")
        dialog = await console.dialog(ChooseSymbol)
        await console.press(*"s&p")
        await console.until(lambda: dialog.query_one(OptionList).option_count == 1)
        await console.press("enter")
        await console.until(lambda: script.focuses[-1].symbol == MES)


async def test_a_symbol_that_nobody_has_says_so() -> None:
    async with running(session()) as console:
        await console.press("i")
        dialog = await console.dialog(ChooseSymbol)
        await console.press(*"zzz")
        await console.until(lambda: "nothing matches 'zzz'" in str(dialog.query_one("#state").render()))
        await console.press("enter", "escape")
        await console.no_dialog()


async def test_what_the_engine_will_not_watch_is_said_and_undone() -> None:
    class Picky(ScriptedSession):
        async def watch(self, focus: Focus) -> None:
            if focus.symbol == MES:
                raise InvalidRequest("MESZ6 has expired")
            await super().watch(focus)

    script = Picky([make_frame()], instruments=[MINI])
    async with running(script) as console:
        await console.press("i")
        dialog = await console.dialog(ChooseSymbol)
        await console.press(*"mes")
        await console.until(lambda: dialog.query_one(OptionList).option_count == 1)
        await console.press("enter")
        await console.said("MESZ6 has expired")
        assert console.app.watching.symbol is None


async def test_symbols_come_and_go_on_the_watchlist() -> None:
    script = session()
    async with running(script) as console:
        await console.press("plus")
        dialog = await console.dialog(ChooseSymbol)
        await console.press(*"mes")
        await console.until(lambda: dialog.query_one(OptionList).option_count == 1)
        await console.press("enter")
        await console.until(lambda: script.watched == [("add", "MES")])
        console.find(Watchlist).focus()
        await console.press("down", "minus")
        await console.until(lambda: script.watched[-1] == ("remove", "MNQ"))


async def test_enter_on_the_watchlist_opens_its_instrument_for_trading() -> None:
    script = session()
    async with running(script) as console:
        console.find(Watchlist).focus()
        await console.press("down", "down", "enter")
        await console.until(lambda: script.focuses[-1].symbol == MES and script.focuses[-1].chart)
        assert console.app._base_screen().WHERE is Where.TRADE


async def test_scrolling_to_the_oldest_bar_asks_for_more() -> None:
    script = session(chart=make_chart_view(bars=60))
    async with running(script) as console:
        await console.press("3")
        await console.until(lambda: console.app._base_screen().query(Chart))
        for _ in range(12):
            await console.press("pageup")
        await console.until(lambda: script.focuses[-1].bars > Focus().bars)


async def test_tab_on_the_chart_selects_orders_which_keys_then_move() -> None:
    script = session(orders=make_bracket())
    async with running(script) as console:
        await console.press("3")  # the stop is selected from the start
        await console.until(lambda: console.app.selected_order())
        chart = console.find(Chart)
        await console.until(lambda: chart.selected_order_id == console.app.selected_order().order_id)
        first = console.app.selected_order().order_id
        await console.press("K")
        await console.until(lambda: script.commands == [NudgeOrder(order_id=first, ticks=1)])
        await console.press("tab")
        await console.until(lambda: console.app.selected_order().order_id != first)
        await console.press("x")
        await console.until(lambda: isinstance(script.commands[-1], CancelOrder))


async def test_the_selection_goes_along_from_chart_to_trade() -> None:
    async with running(session(orders=make_bracket())) as console:
        await console.press("3", "tab")
        await console.until(lambda: console.app.selected_order())
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(OrdersTable))
        table = console.find(OrdersTable)
        await console.until(lambda: table.highlighted_key == console.app.selected_order().order_id)


# -- help, palette, keys


async def test_help_explains_the_screen_it_came_from_and_searches() -> None:
    for key, where in (("1", Where.DASHBOARD), ("2", Where.TRADE), ("3", Where.CHART)):
        async with running(session()) as console:
            await console.press(key, "question_mark")
            dialog = await console.dialog(Help)
            lines = dialog.query_one("#lines")
            assert all(action.label in str(lines.render()) for action in offered_on(where))
            await console.press(*"panic")
            await console.until(lambda shown=lines: len(str(shown.render()).splitlines()) == 1)
            await console.press("escape")
            await console.no_dialog()


async def test_the_palette_finds_an_action_and_runs_it() -> None:
    async with running(session()) as console:
        await console.press("colon")
        await console.until(lambda: isinstance(console.app.screen, CommandPalette))
        console.app.screen.query_one(CommandInput).value = "reconcile"
        await console.until(lambda: console.app.screen.query_one(OptionList).option_count)
        await console.press("down", "enter")
        await console.until(lambda: console.session.commands == [Reconcile()])


async def test_users_keys_replace_ours_everywhere() -> None:
    appearance = msgspec.structs.replace(STILL, keys={"position.panic": ("ctrl+k",), "app.help": ("f12",)})
    async with running(session(), appearance=appearance) as console:
        await console.press("question_mark", "ctrl+x")
        assert isinstance(console.app.screen, ConsoleScreen)
        await console.press("f12")
        await console.dialog(Help)
        await console.press("ctrl+k")
        dialog = await console.dialog(Confirm)
        assert dialog.question.title == "PANIC"


async def test_a_click_on_a_hint_does_what_its_key_does() -> None:
    async with running(session(header=make_header_view(armed=False)), size=(200, 60)) as console:
        footer = console.find(FooterHints)
        line = str(footer.render())
        await console.pilot.click(FooterHints, offset=(line.index("Help") + 1, 0))
        await console.dialog(Help)
        await console.press("escape")
        await console.no_dialog()
        await console.pilot.click(FooterHints, offset=(line.index("3 Chart") + 1, 0))
        await console.until(lambda: console.app._base_screen().WHERE is Where.CHART)


def test_keys_that_clash_are_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="bound to both"):
        TradeConsole(session().opener(), Appearance(keys={"order.buy": ("s",)}))


async def test_marking_the_feed_read_is_a_command() -> None:
    async with running(session()) as console:
        await console.press("n")
        await console.until(lambda: console.session.commands == [DismissNotifications()])


async def test_an_unknown_theme_is_said_and_the_default_serves() -> None:
    async with running(session(), appearance=msgspec.structs.replace(STILL, theme="mauve")) as console:
        await console.said("there is no theme 'mauve'")
        assert console.app.theme == "tradeconsole"


@pytest.mark.parametrize("theme", ["tradeconsole", "tradeconsole-contrast", "tradeconsole-grey", "nord"])
async def test_every_theme_has_all_our_colours(theme: str) -> None:
    async with running(session(), appearance=msgspec.structs.replace(STILL, theme=theme)) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(OrdersTable))
        assert console.find(OrdersTable).look.colors.up


async def test_no_color_is_grey_and_shapes_tell_up_from_down() -> None:
    async with running(session(), appearance=msgspec.structs.replace(STILL, no_color=True)) as console:
        assert console.app.theme == "tradeconsole-grey"
        await console.until(lambda: console.find(Watchlist).look.monochrome)


async def test_ascii_leaves_nothing_on_screen_that_a_terminal_may_lack() -> None:
    appearance = msgspec.structs.replace(STILL, ascii_only=True)
    async with running(session(orders=make_bracket()), appearance=appearance) as console:
        for key in ("1", "2", "3"):
            await console.press(key)
            lines = [strip.text for strip in screen_strips(console.app)]
            assert "PRACTICE" in "".join(lines)
            assert "".join(lines).isascii()


async def test_a_search_goes_to_the_venue_only_with_words() -> None:
    asked: list[Search] = []

    class Curious(ScriptedSession):
        async def search(self, query: Search) -> tuple[Instrument, ...]:
            asked.append(query)
            return await super().search(query)

    async with running(Curious([make_frame()], instruments=[MINI])) as console:
        await console.press("i")
        dialog = await console.dialog(ChooseSymbol)
        dialog.query_one(Input).value = "  "
        dialog.query_one(Input).value = "mes"
        await console.until(lambda: asked)
        assert asked == [Search("mes")]


@pytest.mark.parametrize("mode", ["trade", "chart"])
async def test_news_that_comes_while_a_screen_is_being_built_is_shown_when_it_is_there(mode: str) -> None:
    session = ScriptedSession([make_frame(orders=())])
    async with running(session) as console:
        console.app.switch_mode(mode)
        console.app.take(Frame(orders=make_bracket()))
        console.app.select_order("tc-11")
        screen = console.app._base_screen()
        await console.until(lambda: len(screen.orders) == 3, "the orders on the new screen")
        assert screen.selected_order_id == "tc-11"


@pytest.mark.parametrize("screen", ["2", "3"], ids=["trade", "chart"])
async def test_the_crosshair_comes_and_goes_by_keys(screen: str) -> None:
    async with running(session(chart=make_chart_view())) as console:
        await console.press(screen)
        await console.until(lambda: console.app._base_screen().query(Chart) and console.find(Chart).view)
        chart = console.find(Chart)
        await console.until(lambda: chart.region)
        await console.press("m")
        await console.until(lambda: chart.port.probe is not None)
        newest = chart.port.probe
        await console.press("left")
        await console.until(lambda: chart.port.probe == newest - 60)
        await console.press("escape")
        await console.until(lambda: chart.port.probe is None)
        await console.press("m")
        await console.until(lambda: chart.port.probe is not None)
        await console.press("m")
        await console.until(lambda: chart.port.probe is None)


@pytest.mark.parametrize("screen", ["1", "2", "3"], ids=["dashboard", "trade", "chart"])
async def test_long_lines_of_help_go_on_under_their_own_text(screen: str) -> None:
    async with running(session(), size=(80, 24)) as console:
        await console.press(screen)
        await console.press("question_mark")
        dialog = await console.dialog(Help)
        lines = dialog.query_one("#lines", Static)
        await console.until(lambda: lines.size.height > 24, "all of help")
        width = lines.size.width
        rows = [strip.text for strip in lines.render_lines(Region(0, 0, width, lines.size.height))]
        assert not [row for row in rows if row[:10].strip() and not row[10:26].strip()]
