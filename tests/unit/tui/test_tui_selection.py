"""The order under the cursor goes from a filled entry to its stop, and nowhere else by itself."""

from consoles import running
from factories import make_bracket, make_frame, make_header_view, make_order_row, make_preview
from fakes import ScriptedSession

from tradeconsole.domain.commands import Command, PlaceOrder
from tradeconsole.domain.orders import OrderRole, OrderStatus
from tradeconsole.tui.appearance import Appearance
from tradeconsole.tui.dialogs.confirm import Confirm
from tradeconsole.tui.selection import OrderSelection
from tradeconsole.views.models import Frame, OrderRow
from tradeconsole.views.session import Receipt

ENTRY, STOP, TARGET = make_bracket()
OTHER = make_order_row(order_id="tc-1", status=OrderStatus.FILLED, is_open=False, can_move=False)


def sent(status: OrderStatus = OrderStatus.WORKING) -> OrderRow:
    return ENTRY.model_copy(update={"status": status, "is_open": True, "can_move": True})


def idle(order: OrderRow) -> OrderRow:
    return order.model_copy(update={"status": OrderStatus.SUSPENDED})


def test_a_sent_order_is_selected_once_it_is_listed_and_its_stop_once_it_has_filled() -> None:
    selection = OrderSelection()
    selection.update([OTHER])
    selection.follow(ENTRY.order_id, [OTHER])
    assert selection.order_id is None
    assert not selection.update([sent(), idle(STOP), idle(TARGET), OTHER])
    assert selection.order_id == ENTRY.order_id
    assert selection.update([ENTRY, STOP, TARGET, OTHER])
    assert selection.order_id == STOP.order_id


def test_legs_that_come_late_are_waited_for() -> None:
    selection = OrderSelection()
    selection.follow(ENTRY.order_id, [ENTRY])
    assert selection.order_id == ENTRY.order_id
    assert selection.update([ENTRY, TARGET])
    assert selection.order_id == TARGET.order_id


def test_the_cursor_stays_where_the_user_put_it() -> None:
    selection = OrderSelection()
    selection.follow(ENTRY.order_id, [sent(), OTHER])
    selection.choose(OTHER.order_id)
    assert not selection.update([ENTRY, STOP, OTHER])
    assert selection.order_id == OTHER.order_id


def test_choosing_the_sent_order_again_still_follows_it() -> None:
    selection = OrderSelection()
    selection.follow(ENTRY.order_id, [sent()])
    selection.choose(ENTRY.order_id)
    assert selection.update([ENTRY, STOP])


def test_a_stop_that_vanishes_leaves_nothing_selected() -> None:
    selection = OrderSelection()
    selection.update([STOP])
    selection.choose(None)
    assert not selection.update([make_order_row(order_id="tc-2", role=OrderRole.STOP_LOSS)])
    assert selection.order_id is None


def test_the_first_list_of_orders_selects_a_working_stop() -> None:
    selection = OrderSelection()
    selection.update([OTHER, idle(STOP.model_copy(update={"order_id": "tc-9"})), ENTRY, TARGET, STOP])
    assert selection.order_id == STOP.order_id


def filling(session: ScriptedSession, command: Command) -> Receipt | None:
    """An engine whose orders fill at once and bring their legs."""
    if isinstance(command, PlaceOrder):
        session.push(Frame(orders=(sent(), idle(STOP), idle(TARGET))))
        session.push(Frame(orders=(ENTRY, STOP, TARGET)))
        return Receipt(message="sent", order_ids=(ENTRY.order_id,))
    return None


async def test_a_key_meant_for_the_entry_does_not_move_the_stop() -> None:
    session = ScriptedSession(
        [make_frame(orders=(), header=make_header_view(armed=True))], on_send=filling, preview=make_preview()
    )
    never = Appearance(fps=1000, reduced_motion=True, quiet=0.0)
    now = [0.0]
    async with running(session, appearance=never, clock=lambda: now[0]) as console:
        await console.press("2", "b", "enter")
        await console.dialog(Confirm)
        await console.press("y")
        await console.until(lambda: console.app.selected_order() == STOP, "the cursor on the stop")
        now[0] -= 1.0  # the keyboard has not rested since
        await console.press("K")
        await console.said("press again")
        assert [type(command) for command in session.commands] == [PlaceOrder]
        now[0] += 2.0
        await console.press("K")
        await console.until(lambda: len(session.commands) == 2, "the stop moved")
