"""A trader's day by keyboard: arm, buy, move the stop, cancel, flatten, panic; each with its confirmation."""

from decimal import Decimal

import msgspec
import pytest
from consoles import STILL, Console, running
from factories import (
    MNQ,
    make_account,
    make_bracket,
    make_frame,
    make_header_view,
    make_order_row,
    make_position_row,
    make_preview,
    make_ticket_view,
)
from fakes import ScriptedSession
from textual import events
from textual.widgets import Static

from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.commands import (
    Arm,
    CancelAll,
    CancelOrder,
    ClosePosition,
    Command,
    Disarm,
    Flatten,
    ModifyOrder,
    NudgeOrder,
    PlaceOrder,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Bracket, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.errors import BrokerRejected, InvalidRequest, OrderInDoubt, RiskDenied, TradeConsoleError
from tradeconsole.tui.dialogs.close_part import ClosePart
from tradeconsole.tui.dialogs.confirm import Confirm
from tradeconsole.tui.dialogs.edit_order import EditOrder
from tradeconsole.tui.dialogs.loosen import Loosen
from tradeconsole.tui.dialogs.ticket_dialog import TicketDialog
from tradeconsole.tui.dialogs.typed_word import TypedWord
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.tui.widgets.positions import PositionsTable
from tradeconsole.tui.widgets.step_input import StepInput
from tradeconsole.tui.widgets.ticket import Ticket
from tradeconsole.views.models import Frame
from tradeconsole.views.session import Receipt

INSTRUMENT = Instrument(
    instrument_id=MNQ,
    symbol="MNQ",
    name="MNQZ6",
    description="Micro E-mini Nasdaq-100",
    tick_size=Decimal("0.25"),
    tick_value=Decimal("0.50"),
)


def arming(session: ScriptedSession, command: Command) -> Receipt | None:
    """An engine that arms and disarms when told to."""
    if isinstance(command, Arm | Disarm):
        session.push(Frame(header=make_header_view(armed=isinstance(command, Arm))))
    return None


def script(**over: object) -> ScriptedSession:
    return ScriptedSession(
        [make_frame(**{"orders": make_bracket()} | over)],
        on_send=arming,
        preview=make_preview(),
        instruments=[INSTRUMENT],
    )


def disarmed(**over: object) -> ScriptedSession:
    return script(header=make_header_view(armed=False), **over)


async def select(console: Console, order_id: str) -> None:
    """Go to the trade screen and move the cursor to an order."""
    await console.press("2")
    await console.until(lambda: console.app._base_screen().query(OrdersTable))
    table = console.find(OrdersTable)
    await console.until(lambda: table.shown_rows)
    table.focus()
    await console.press("home")
    while table.highlighted_key != order_id:
        await console.press("down")
    await console.until(lambda: (row := console.app.selected_order()) and row.order_id == order_id)


def stop_id() -> str:
    return next(row.order_id for row in make_bracket() if row.role is OrderRole.STOP_LOSS)


def target_id() -> str:
    return next(row.order_id for row in make_bracket() if row.role is OrderRole.TAKE_PROFIT)


# -- arming


async def test_arming_asks_for_a_second_key_and_then_shows_it_everywhere() -> None:
    async with running(disarmed()) as console:
        await console.press("a")
        dialog = await console.dialog(Confirm)
        assert "PRAC-50K-1001" in dialog.question.title
        await console.press("y")
        await console.until(lambda: console.app.screen.has_class("-armed"))
        assert console.session.commands == [Arm("1001", "")]
        for key in ("2", "3", "1"):
            await console.press(key)
            await console.until(lambda: console.app.screen.has_class("-armed"))


async def test_neither_enter_nor_the_key_that_asked_arms() -> None:
    for key in ("enter", "escape", "n"):
        async with running(disarmed()) as console:
            await console.press("a")
            await console.dialog(Confirm)
            await console.press("a")
            assert isinstance(console.app.screen, Confirm)
            await console.press(key)
            await console.no_dialog()
            assert console.session.commands == []


async def test_disarming_is_at_once() -> None:
    async with running(script()) as console:
        await console.press("a")
        await console.until(lambda: console.session.commands == [Disarm("1001")])
        await console.until(lambda: not console.app.screen.has_class("-armed"))


@pytest.mark.parametrize("kind", [AccountKind.FUNDED, AccountKind.LIVE])
async def test_real_money_is_armed_by_typing_the_accounts_name(kind: AccountKind) -> None:
    header = make_header_view(armed=False, account=make_account(name="LIVE7", kind=kind))
    async with running(script(header=header)) as console:
        await console.press("a")
        await console.dialog(TypedWord)
        await console.press(*"LIVE", "enter")
        assert console.session.commands == []
        await console.press("7", "enter")
        await console.until(lambda: console.session.commands == [Arm("1001", "LIVE7")])


async def test_a_pasted_name_arms_nothing() -> None:
    header = make_header_view(armed=False, account=make_account(name="LIVE7", kind=AccountKind.LIVE))
    async with running(script(header=header)) as console:
        await console.press("a")
        await console.dialog(TypedWord)
        console.app.post_message(events.Paste("LIVE7"))
        await console.press("enter")
        assert console.session.commands == []
        assert isinstance(console.app.screen, TypedWord)


# -- the ticket


async def test_buying_two_with_a_bracket_takes_a_summary_and_another_key() -> None:
    async with running(script()) as console:
        await console.press("2")
        await console.press("b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("2", "tab", "4", "0", "tab", "8", "0", "enter")
        dialog = await console.dialog(Confirm)
        facts = "\n".join(dialog.question.facts)
        assert "BUY 2 MNQZ6 market, stop −40 ticks, target +80 ticks" in facts
        assert "risk −40.00" in facts
        assert "PRACTICE account PRAC-50K-1001" in facts
        await console.press("enter")
        assert console.session.commands == []
        await console.no_dialog()
        await console.press("enter")
        await console.dialog(Confirm)
        await console.press("b")
        assert console.session.commands == []
        await console.press("y")
        await console.until(lambda: console.session.commands)
        assert console.session.commands == [
            PlaceOrder(
                account_id="1001",
                symbol=MNQ,
                side=Side.BUY,
                size=2,
                type=OrderType.MARKET,
                bracket=Bracket(40, 80),
            )
        ]
        await console.said("PlaceOrder taken")


@pytest.mark.parametrize(("opens", "words"), [(2, "no stop: risk is open"), (0, "only closes what is held")])
async def test_the_summary_says_whether_an_order_without_a_stop_leaves_risk_open(
    opens: int, words: str
) -> None:
    preview = make_preview(opens=opens, risk=None, reward=None, ratio=None)
    session = ScriptedSession([make_frame()], preview=preview)
    async with running(session) as console:
        await console.press("2", "b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("enter")
        dialog = await console.dialog(Confirm)
        assert any(words in fact for fact in dialog.question.facts)


async def test_an_order_just_sent_is_selected_as_soon_as_it_is_there() -> None:
    def accept(session: ScriptedSession, command: Command) -> Receipt:
        session.push(Frame(orders=(*make_bracket(), make_order_row(order_id="new"))))
        return Receipt(message="sent", order_ids=("new",))

    session = ScriptedSession([make_frame(orders=make_bracket())], on_send=accept, preview=make_preview())
    async with running(session) as console:
        await console.press("2", "b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("enter")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: (row := console.app.selected_order()) and row.order_id == "new")
        await console.until(lambda: console.find(OrdersTable).highlighted_key == "new")
        await console.until(lambda: console.app.focused is console.find(OrdersTable))


async def test_a_held_or_pasted_key_never_sends() -> None:
    async with running(script(), appearance=msgspec.structs.replace(STILL, quiet=3600.0)) as console:
        await console.press("2", "b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("enter")
        await console.dialog(Confirm)
        await console.press(*"yyyyyyyyyyyy")
        assert isinstance(console.app.screen, Confirm)
        assert console.session.commands == []


async def test_a_deliberate_key_after_a_rest_sends_once() -> None:
    async with running(script(), appearance=msgspec.structs.replace(STILL, quiet=0.05)) as console:
        await console.press("2", "b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("enter")
        await console.dialog(Confirm)
        await console.pilot.pause(0.1)
        await console.press("y", "y", "y")
        await console.until(lambda: console.session.commands)
        assert len(console.session.commands) == 1


async def test_keys_of_the_ticket_step_size_price_type_and_side() -> None:
    async with running(script()) as console:
        await console.press("2", "b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        ticket: Ticket = console.find(Ticket)
        await console.press("plus", "plus", "minus")
        await console.until(lambda: ticket.draft.size == "2")
        await console.press("shift+tab", "down")
        await console.until(lambda: (ticket.draft.type, ticket.draft.price) == (OrderType.LIMIT, "20123.00"))
        await console.press("tab", "tab", "down", "down")
        await console.until(lambda: ticket.draft.price == "20122.50")
        await console.press("s")
        await console.until(lambda: (ticket.draft.side, ticket.draft.price) == (Side.SELL, "20123.50"))
        assert ticket.order().limit_price == Decimal("20123.50")


async def test_one_key_actions_do_not_slip_out_of_the_ticket() -> None:
    async with running(script()) as console:
        await select(console, target_id())
        await console.press("b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("x", "K", "J", "shift+up", "shift+down")
        assert console.session.commands == []


async def test_the_preview_follows_the_draft() -> None:
    async with running(script()) as console:
        await console.press("2", "b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("7")
        await console.until(lambda: console.session.previews and console.session.previews[-1].order.size == 7)
        ticket: Ticket = console.find(Ticket)
        await console.until(lambda: ticket.preview is not None)


async def test_a_preview_that_comes_when_the_ticket_is_being_taken_down_breaks_nothing() -> None:
    async with running(script()) as console:
        await console.press("2", "b")
        ticket = console.find(Ticket)
        await ticket.query_one("#preview").remove()
        ticket.preview = make_preview()
        ticket.draft = msgspec.structs.replace(ticket.draft, size="3")
        assert ticket.preview == make_preview()


async def test_disarmed_the_ticket_opens_but_says_how_to_arm_and_refuses() -> None:
    session = ScriptedSession(
        [make_frame(header=make_header_view(armed=False))],
        preview=make_preview(refusal="The console is disarmed for PRAC-50K-1001"),
    )
    async with running(session) as console:
        await console.press("b")
        await console.said("a arms")
        await console.dialog(TicketDialog)
        await console.press("enter")
        await console.said("Refused: The console is disarmed for PRAC-50K-1001 (a arms)")
        assert session.commands == []


async def test_a_draft_that_is_no_order_says_why() -> None:
    async with running(script()) as console:
        await console.press("2", "b")
        await console.until(lambda: isinstance(console.app.focused, StepInput))
        await console.press("backspace", "enter")
        await console.said("size: '' is not a whole number")
        assert console.session.commands == []


@pytest.mark.parametrize(
    "error",
    [
        RiskDenied("max_order_size", "max_order_size: 50 is more than 10"),
        InvalidRequest("MNQZ6: price 1.1 is off the tick grid of 0.25"),
        BrokerRejected("Maximum position size exceeded", code=2),
    ],
)
async def test_what_the_engine_refuses_is_shown_in_its_own_words(error: TradeConsoleError) -> None:
    session = ScriptedSession([make_frame()], on_send=lambda *_: error, preview=make_preview())
    async with running(session) as console:
        await console.press("b")
        await console.dialog(TicketDialog)
        await console.press("enter")
        await console.dialog(Confirm)
        await console.press("y")
        await console.said(str(error))
        await console.dialog(TicketDialog)


async def test_an_order_in_doubt_is_called_unknown() -> None:
    session = ScriptedSession(
        [make_frame()], on_send=lambda *_: OrderInDoubt("no answer in 5 s"), preview=make_preview()
    )
    async with running(session) as console:
        await console.press("b")
        await console.dialog(TicketDialog)
        await console.press("enter")
        await console.dialog(Confirm)
        await console.press("y")
        await console.said("UNKNOWN: no answer in 5 s")
        assert len(session.commands) == 1


async def test_on_a_small_terminal_the_ticket_floats_and_closes_after_sending() -> None:
    async with running(script(), size=(80, 24)) as console:
        await console.press("2", "s")
        await console.dialog(TicketDialog)
        await console.press("enter")
        await console.dialog(Confirm)
        await console.press("y")
        await console.no_dialog()
        assert [(order.side, order.size) for order in console.session.commands] == [(Side.SELL, 1)]


async def test_the_ticket_can_be_armed_without_leaving_it() -> None:
    async with running(disarmed(), size=(80, 24)) as console:
        await console.press("b")
        await console.dialog(TicketDialog)
        await console.press("a")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: console.session.commands == [Arm("1001", "")])
        await console.dialog(TicketDialog)


# -- working orders


async def test_tightening_the_stop_is_one_key_and_steps_add_up() -> None:
    async with running(script()) as console:
        await select(console, stop_id())
        await console.press("K", "shift+up", "K")
        await console.until(lambda: sum(c.ticks for c in console.session.commands) == 3)
        assert all(isinstance(command, NudgeOrder) for command in console.session.commands)
        assert {command.order_id for command in console.session.commands} == {stop_id()}


def loss(dialog: Loosen) -> str:
    return str(dialog.query_one("#facts", Static).render())


async def test_loosening_the_stop_asks_and_the_same_keys_set_how_far() -> None:
    async with running(script()) as console:
        await select(console, stop_id())
        await console.press("J")
        dialog = await console.dialog(Loosen)
        await console.until(lambda: "−1 tick\nIf it fills there, that is −1.00" in loss(dialog))
        await console.press("J", "shift+down", "K")
        assert dialog.ticks == -2
        await console.until(lambda: "−2 ticks\nIf it fills there, that is −2.00" in loss(dialog))
        await console.press("K", "K", "K")
        await console.until(lambda: "+1 tick\nIf it fills there, that is +1.00" in loss(dialog))
        await console.press("J", "J", "J")
        await console.press("enter")
        await console.no_dialog()
        assert console.session.commands == []
        await console.press("shift+down")
        await console.dialog(Loosen)
        await console.press("y")
        await console.until(lambda: console.session.commands == [NudgeOrder(order_id=stop_id(), ticks=-1)])


async def test_moving_a_target_is_one_key_either_way() -> None:
    async with running(script()) as console:
        await select(console, target_id())
        await console.press("J")
        await console.until(lambda: console.session.commands == [NudgeOrder(order_id=target_id(), ticks=-1)])


async def test_a_step_that_fails_is_said_and_not_tried_again() -> None:
    session = ScriptedSession(
        [make_frame(orders=make_bracket())], on_send=lambda *_: BrokerRejected("too close to the market")
    )
    async with running(session) as console:
        await select(console, target_id())
        await console.press("K")
        await console.said("too close to the market")
        assert len(session.commands) == 1


async def test_cancelling_the_target_is_one_key() -> None:
    async with running(script()) as console:
        await select(console, target_id())
        await console.press("x")
        await console.until(lambda: console.session.commands == [CancelOrder(target_id())])


async def test_cancelling_the_stop_asks_for_a_second_key() -> None:
    async with running(script()) as console:
        await select(console, stop_id())
        await console.press("x")
        dialog = await console.dialog(Confirm)
        assert "protecting stop" in dialog.question.title
        await console.press("x")
        assert console.session.commands == []
        await console.press("y")
        await console.until(lambda: console.session.commands == [CancelOrder(stop_id())])


async def test_without_a_selection_keys_say_what_to_select() -> None:
    async with running(script(orders=make_bracket()[:1])) as console:
        await console.press("2")
        await console.until(lambda: console.app._base_screen().query(OrdersTable))
        await console.press("x")
        await console.said("Select the order to cancel first")
        await console.press("K")
        await console.said("Select the order to move first")
        assert console.session.commands == []


async def test_an_order_that_is_over_cannot_be_moved_or_cancelled() -> None:
    over = make_order_row(
        order_id="o9", status=OrderStatus.FILLED, is_open=False, can_move=False, can_cancel=False
    )
    async with running(script(orders=(over,))) as console:
        await select(console, "o9")
        await console.press("x")
        await console.said("cannot be cancelled: it is filled")
        await console.press("K")
        await console.said("cannot be moved: it is filled")
        assert console.session.commands == []


async def test_editing_an_order_takes_price_and_size_then_a_second_key() -> None:
    async with running(script()) as console:
        await select(console, stop_id())
        await console.press("e")
        await console.dialog(EditOrder)
        await console.press("down", "tab", *"3", "enter")
        dialog = await console.dialog(Confirm)
        facts = "\n".join(dialog.question.facts)
        assert "20,100.00 → 20,099.75" in facts
        assert "more room" in facts
        assert "size 2 → 3" in facts
        await console.press("y")
        await console.until(lambda: console.session.commands)
        assert console.session.commands == [
            ModifyOrder(order_id=stop_id(), size=3, stop_price=Decimal("20099.75"))
        ]


async def test_enter_on_an_order_edits_it_and_an_unchanged_one_is_not_sent() -> None:
    async with running(script()) as console:
        await select(console, target_id())
        await console.press("enter")
        await console.dialog(EditOrder)
        await console.press("enter")
        assert isinstance(console.app.screen, EditOrder)
        await console.press("escape")
        await console.no_dialog()
        assert console.session.commands == []


async def test_cancel_all_counts_what_it_cancels() -> None:
    async with running(script()) as console:
        await console.press("X")
        dialog = await console.dialog(Confirm)
        facts = "\n".join(dialog.question.facts)
        assert "2 open orders of" in facts
        assert "1 of them protects a position" in facts
        await console.press("y")
        await console.until(lambda: console.session.commands == [CancelAll("1001")])


async def test_arming_names_positions_without_a_stop() -> None:
    positions = (make_position_row(protected=1), make_position_row(instrument_id="ES", name="MESZ6"))
    async with running(script(header=make_header_view(armed=False), positions=positions)) as console:
        await console.press("a")
        facts = (await console.dialog(Confirm)).question.facts
        assert [fact for fact in facts if "UNPROTECTED" in fact] == [
            "UNPROTECTED: L 2 MNQZ6, 1 without a stop."
        ]


# -- getting flat


async def test_flatten_asks_and_names_what_it_closes() -> None:
    async with running(script()) as console:
        await console.press("f")
        dialog = await console.dialog(Confirm)
        assert "Flatten MNQZ6" in dialog.question.title
        assert "L 2  open +53.00" in "\n".join(dialog.question.facts)
        await console.press("f", "enter")
        await console.no_dialog()
        assert console.session.commands == []
        await console.press("f")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: console.session.commands == [Flatten("1001", MNQ)])


async def test_flatten_with_nothing_to_close_says_so() -> None:
    async with running(script(positions=(), orders=())) as console:
        await console.press("f")
        await console.said("MNQZ6 is flat and has no open orders.")


async def test_flatten_is_offered_when_nobody_knows_what_is_held() -> None:
    unsynced = make_header_view(synced=False)
    async with running(script(positions=(), orders=(), header=unsynced)) as console:
        await console.press("f")
        dialog = await console.dialog(Confirm)
        assert "MNQZ6: position unknown" in "\n".join(dialog.question.facts)
        await console.press("y")
        await console.until(lambda: console.session.commands == [Flatten("1001", MNQ)])


async def test_flatten_closes_the_selected_position_not_the_watched_one() -> None:
    positions = (make_position_row(), make_position_row(instrument_id="ES", name="MESZ6", symbol="MES"))
    async with running(script(positions=positions)) as console:
        console.find(PositionsTable).focus()
        await console.press("down", "down")
        await console.press("f")
        dialog = await console.dialog(Confirm)
        assert "Flatten MESZ6" in dialog.question.title


async def test_a_part_of_a_position_is_closed_after_its_size_and_a_second_key() -> None:
    async with running(script(positions=(make_position_row(size=3),))) as console:
        await console.press("c")
        dialog = await console.dialog(ClosePart)
        assert dialog.query_one("#size", StepInput).value == "3"
        await console.press("down")
        await console.press("enter")
        question = (await console.dialog(Confirm)).question
        assert "Close 2 MNQZ6" in question.title
        assert "2 of 3 at the market; other orders stay." in question.facts
        await console.press("c")
        assert console.session.commands == []
        await console.press("y")
        await console.until(lambda: console.session.commands == [ClosePosition("1001", MNQ, 2)])


async def test_what_is_typed_first_replaces_the_number_offered() -> None:
    async with running(script(positions=(make_position_row(size=3),))) as console:
        await console.press("c")
        dialog = await console.dialog(ClosePart)
        await console.press("1")
        await console.until(lambda: dialog.query_one("#size", StepInput).value == "1")
    async with running(script()) as console:
        await select(console, stop_id())
        await console.press("e")
        edit = await console.dialog(EditOrder)
        await console.press(*"20099.75")
        await console.until(lambda: edit.query_one("#price", StepInput).value == "20099.75")


async def test_closing_more_than_is_held_is_refused_in_the_dialog() -> None:
    async with running(script(positions=(make_position_row(size=3),))) as console:
        await console.press("c")
        dialog = await console.dialog(ClosePart)
        dialog.query_one("#size", StepInput).value = "4"
        await console.press("enter")
        assert "1 to 3 contracts" in str(dialog.query_one("#state", Static).render())
        await console.press("escape")
        await console.no_dialog()
        assert console.session.commands == []


@pytest.mark.parametrize("pasted", ["abc", "٣", "2.5", "9" * 5000])
async def test_what_cannot_be_typed_into_a_size_cannot_be_pasted_either(pasted: str) -> None:
    async with running(script(positions=(make_position_row(size=3),))) as console:
        await console.press("c")
        dialog = await console.dialog(ClosePart)
        await console.until(lambda: console.app.focused is dialog.query_one("#size", StepInput))
        console.app.post_message(events.Paste(pasted))
        await console.press("end", "down")
        await console.until(lambda: dialog.query_one("#size", StepInput).value == "2")


async def test_a_price_may_be_pasted_as_the_console_shows_it() -> None:
    async with running(script()) as console:
        await select(console, stop_id())
        await console.press("e")
        dialog = await console.dialog(EditOrder)
        entry = dialog.query_one("#price", StepInput)
        await console.until(lambda: console.app.focused is entry)
        console.app.post_message(events.Paste("20,099.75"))
        await console.until(lambda: entry.value == "20,099.75")
        await console.press("enter")
        facts = (await console.dialog(Confirm)).question.facts
        assert any("20,100.00 → 20,099.75" in fact for fact in facts)


async def test_a_single_contract_is_closed_without_asking_how_many() -> None:
    async with running(script(positions=(make_position_row(size=-1),))) as console:
        await console.press("c")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: console.session.commands == [ClosePosition("1001", MNQ, None)])


async def test_closing_with_nothing_held_says_so() -> None:
    async with running(script(positions=())) as console:
        await console.press("c")
        await console.said("There is no position to close.")


async def test_t_in_the_stop_field_lets_the_stop_trail() -> None:
    async with running(script(), size=(80, 24)) as console:
        await console.press("b")
        dialog = await console.dialog(TicketDialog)
        ticket = dialog.query_one(Ticket)
        ticket.query_one("#stop", StepInput).focus()
        await console.press("t")
        await console.until(lambda: ticket.draft.trails)
        assert ticket.order().bracket == Bracket(40, 80, trailing=True)
        await console.press("t")
        await console.until(lambda: not ticket.draft.trails)


async def panic(console: Console) -> None:
    await console.press("ctrl+x")
    await console.until(
        lambda: isinstance(console.app.screen, Confirm) and console.app.screen.question.title == "PANIC"
    )
    await console.press("y")
    await console.until(lambda: console.session.commands == [Flatten("1001"), Disarm("1001")])
    await console.no_dialog()


@pytest.mark.parametrize("screen", ["1", "2", "3"])
@pytest.mark.parametrize("armed", [True, False])
async def test_panic_works_on_every_screen_armed_or_not(screen: str, armed: bool) -> None:
    async with running(script(header=make_header_view(armed=armed))) as console:
        await console.press(screen)
        await panic(console)


@pytest.mark.parametrize("opened_by", ["b", "question_mark", "ctrl+p", "i", "q", "X"])
async def test_panic_works_over_every_dialog_and_closes_them(opened_by: str) -> None:
    async with running(script(), size=(80, 24)) as console:
        await console.press(opened_by)
        await console.until(lambda: not isinstance(console.app.screen, ConsoleScreen))
        await panic(console)
        assert isinstance(console.app.screen, ConsoleScreen)


async def test_panic_over_a_summary_sends_nothing_of_it() -> None:
    async with running(script(), size=(80, 24)) as console:
        await console.press("b")
        await console.dialog(TicketDialog)
        await console.press("enter")
        await console.dialog(Confirm)
        await panic(console)


async def test_panic_disarms_even_when_flattening_fails() -> None:
    def refuse(_: ScriptedSession, command: Command) -> TradeConsoleError | None:
        return BrokerRejected("halted") if isinstance(command, Flatten) else None

    session = ScriptedSession([make_frame()], on_send=refuse)
    async with running(session) as console:
        await console.press("ctrl+x")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: session.commands == [Flatten("1001"), Disarm("1001")])
        await console.said("halted")


async def test_pressing_panic_twice_asks_once_and_never_confirms() -> None:
    async with running(script()) as console:
        await console.press("ctrl+x", "ctrl+x", "ctrl+x")
        await console.dialog(Confirm)
        await console.press("enter")
        await console.no_dialog()
        assert console.session.commands == []


# -- accounts


async def test_switching_the_account_disarms_and_looks_at_the_next() -> None:
    async with running(script()) as console:
        await console.press("A")
        await console.until(lambda: console.session.focuses[-1].account_id == "1002")
        assert console.session.commands == [Disarm("1001")]


async def test_the_only_account_cannot_be_switched() -> None:
    header = make_header_view(accounts=(make_account(),))
    async with running(script(header=header)) as console:
        await console.press("A")
        await console.said("is the only account")
        assert console.session.commands == []


async def test_the_ticket_sends_for_the_account_on_screen() -> None:
    async with running(script(), size=(80, 24)) as console:
        other = make_account(account_id="1002", name="EVAL-100K-1002", kind=AccountKind.EVALUATION)
        await console.press("b")
        await console.dialog(TicketDialog)
        console.session.push(Frame(header=make_header_view(account=other), ticket=make_ticket_view()))
        await console.until(lambda: console.app.screen.query_one(Ticket).account_id == "1002")
        await console.press("enter")
        dialog = await console.dialog(Confirm)
        assert "EVALUATION account EVAL-100K-1002" in dialog.question.facts
        await console.press("y")
        await console.until(lambda: console.session.commands)
        assert console.session.commands[0].account_id == "1002"


async def test_a_terminal_too_small_to_show_a_ticket_opens_none() -> None:
    async with running(script(), size=(20, 5)) as console:
        await console.press("b")
        await console.said("No room for a ticket")
        assert not isinstance(console.app.screen, TicketDialog)
