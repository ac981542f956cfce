"""Verbs that trade: confirmation, arming, what is sent, and how its fate is told."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from command_line import PlayScript, RunCommand
from factories import make_frame, make_order_row, make_position_row, make_preview
from fakes import ScriptedSession

from tradeconsole.cli import picture
from tradeconsole.domain.commands import (
    Arm,
    CancelAll,
    CancelOrder,
    ClosePosition,
    Command,
    Flatten,
    ModifyOrder,
    PlaceOrder,
    Reconcile,
)
from tradeconsole.domain.orders import Bracket, OrderStatus, OrderType, Side
from tradeconsole.errors import BrokerRejected, OrderInDoubt, RiskDenied
from tradeconsole.views.models import Frame, OrderRow
from tradeconsole.views.session import Receipt

ARMED = Arm("1001", phrase="PRAC-50K-1001")
BUY = ("order", "buy", "MNQ", "2")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests need not be polite to a gateway."""
    monkeypatch.setattr(picture, "GLANCE", 0.02)
    monkeypatch.setattr(picture.Picture.settle, "__defaults__", ((0.01, 0.02),))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], list[str]]:
    """Be on a terminal whose user answers so; returns the questions."""

    def answer(yes: bool) -> list[str]:
        questions: list[str] = []

        def confirm(question: str, **_: object) -> bool:
            questions.append(question)
            return yes

        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        monkeypatch.setattr("typer.confirm", confirm)
        return questions

    return answer


def made(command: Command, status: OrderStatus = OrderStatus.FILLED, **over: object) -> OrderRow:
    assert isinstance(command, PlaceOrder)
    is_open = status not in {OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.CANCELLED}
    return make_order_row(order_id="tc-90", broker_order_id="900", status=status, is_open=is_open, **over)


def filling(session: ScriptedSession, command: Command) -> Receipt | None:
    """A gateway that fills at once."""
    if isinstance(command, PlaceOrder):
        session.push(Frame(orders=(made(command, average_price=Decimal("20110.25")),)))
        return Receipt(message="sent: BUY 2 MNQZ6 market", order_ids=("tc-90",))
    return None


def sent(session: ScriptedSession) -> list[Command]:
    return [command for command in session.commands if not isinstance(command, Reconcile)]


def test_an_order_arms_for_itself_is_sent_once_and_its_fill_is_told(
    command: RunCommand, script: PlayScript
) -> None:
    session = ScriptedSession([make_frame(orders=())], on_send=filling)
    script(session)
    outcome = command(*BUY, "--stop-ticks", "40", "--target-ticks", "80", "--yes", "--json")
    assert outcome.code == 0, outcome.err
    assert sent(session) == [
        ARMED,
        PlaceOrder(
            account_id="1001", symbol="MNQ", side=Side.BUY, size=2, bracket=Bracket(40, 80), origin="cli"
        ),
    ]
    assert outcome.json["order_ids"] == ["tc-90"]
    order = outcome.json["orders"][0]
    assert (order["id"], order["status"], order["average_price"]) == (900, "filled", 20110.25)


def test_the_legs_of_a_filled_entry_are_waited_for(command: RunCommand, script: PlayScript) -> None:
    def leg(status: OrderStatus) -> OrderRow:
        return make_order_row(order_id="tc-90-SL", parent_id="tc-90", status=status)

    def fill(session: ScriptedSession, command: Command) -> Receipt | None:
        if isinstance(command, PlaceOrder):
            session.push(Frame(orders=(made(command), leg(OrderStatus.SUSPENDED))))
            return Receipt(message="sent", order_ids=("tc-90",))
        if isinstance(command, Reconcile):
            placed = next(one for one in session.commands if isinstance(one, PlaceOrder))
            session.push(Frame(orders=(made(placed), leg(OrderStatus.WORKING))))
        return None

    script(ScriptedSession([make_frame(orders=())], on_send=fill))
    rows = command(*BUY, "--stop-ticks", "40", "--yes", "--json").json["orders"]
    assert [row["status"] for row in rows] == ["filled", "working"]


@pytest.mark.parametrize(
    ("options", "kind", "limit", "stop", "trail"),
    [
        ((), OrderType.MARKET, None, None, None),
        (("--limit", "20100.25"), OrderType.LIMIT, Decimal("20100.25"), None, None),
        (("--stop", "20200"), OrderType.STOP, None, Decimal(20200), None),
        (("--limit", "1.5", "--stop", "2.5"), OrderType.STOP_LIMIT, Decimal("1.5"), Decimal("2.5"), None),
        (("--trail", "20"), OrderType.TRAILING_STOP, None, None, 20),
        (("--type", "market"), OrderType.MARKET, None, None, None),
        (("--type", "limit", "--limit", "20100.25"), OrderType.LIMIT, Decimal("20100.25"), None, None),
        (("--type", "stop", "--stop", "20200"), OrderType.STOP, None, Decimal(20200), None),
        (("--type", "trailing", "--trail", "20"), OrderType.TRAILING_STOP, None, None, 20),
        (("--type", "join-bid"), OrderType.JOIN_BID, None, None, None),
        (("--type", "join-ask"), OrderType.JOIN_ASK, None, None, None),
    ],
)
def test_options_make_the_type_of_the_order(
    command: RunCommand,
    script: PlayScript,
    options: tuple[str, ...],
    kind: OrderType,
    limit: Decimal | None,
    stop: Decimal | None,
    trail: int | None,
) -> None:
    session = ScriptedSession([make_frame(orders=())], on_send=filling)
    script(session)
    assert command("order", "sell", "MNQ", "1", *options, "--yes").code == 0
    order = sent(session)[-1]
    assert isinstance(order, PlaceOrder)
    assert order.side is Side.SELL
    assert (order.type, order.limit_price, order.stop_price, order.trail_ticks) == (kind, limit, stop, trail)


def test_a_trail_with_a_price_is_refused_before_anything_is_sent(
    command: RunCommand, script: PlayScript
) -> None:
    session = ScriptedSession([make_frame()])
    script(session)
    outcome = command(*BUY, "--trail", "5", "--limit", "1", "--yes")
    assert outcome.code == 2
    assert sent(session) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--type", "limit"), "--type limit takes --limit"),
        (("--type", "market", "--limit", "1"), "--type market takes neither --limit nor"),
        (("--type", "join-bid", "--limit", "1"), "--type join-bid takes neither"),
        (("--type", "trailing", "--stop", "1"), "--type trailing takes --trail"),
        (("--stop-trails",), "--stop-trails needs a distance: add --stop-ticks"),
        (("--type", "iceberg"), "iceberg"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_sent(
    command: RunCommand, script: PlayScript, options: tuple[str, ...], words: str
) -> None:
    session = ScriptedSession([make_frame()])
    script(session)
    outcome = command(*BUY, *options, "--yes")
    assert outcome.code == 2
    assert words in outcome.err
    assert not any(isinstance(one, PlaceOrder) for one in session.commands)


def test_a_protective_stop_may_trail(command: RunCommand, script: PlayScript) -> None:
    session = ScriptedSession([make_frame(orders=())], on_send=filling)
    script(session)
    assert command(*BUY, "--stop-ticks", "40", "--stop-trails", "--yes").code == 0
    order = sent(session)[-1]
    assert isinstance(order, PlaceOrder)
    assert order.bracket == Bracket(40, None, trailing=True)


def closing(left: int) -> Callable[[ScriptedSession, Command], Receipt | None]:
    """A gateway that closes at once and leaves so many contracts."""

    def on(session: ScriptedSession, command: Command) -> Receipt | None:
        if isinstance(command, ClosePosition):
            session.push(Frame(positions=(make_position_row(size=left),) if left else ()))
            return Receipt(message="closing 1 MNQZ6")
        return None

    return on


def test_a_part_of_a_position_is_closed_without_arming(command: RunCommand, script: PlayScript) -> None:
    session = ScriptedSession([make_frame(positions=(make_position_row(size=2),))], on_send=closing(1))
    script(session)
    outcome = command("close", "mnq", "1", "--json")
    assert outcome.code == 0, outcome.err
    assert sent(session) == [ClosePosition("1001", "mnq", 1)]
    assert (outcome.json["position"]["side"], outcome.json["position"]["size"]) == ("LONG", 1)


def test_a_whole_position_is_closed_and_told_flat(command: RunCommand, script: PlayScript) -> None:
    session = ScriptedSession([make_frame(positions=(make_position_row(size=2),))], on_send=closing(0))
    script(session)
    outcome = command("close", "MNQZ6")
    assert outcome.code == 0, outcome.err
    assert sent(session) == [ClosePosition("1001", "MNQZ6", None)]
    assert "left: flat" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("MNQ", "3"), "size 3: the position in MNQZ6 has 2"), (("ES",), "no open position in ES")],
)
def test_more_than_is_held_cannot_be_closed(
    command: RunCommand, script: PlayScript, arguments: tuple[str, ...], words: str
) -> None:
    session = ScriptedSession([make_frame(positions=(make_position_row(size=2),))])
    script(session)
    outcome = command("close", *arguments)
    assert outcome.code == 3
    assert words in outcome.err
    assert sent(session) == []


def test_a_close_that_does_not_show_is_in_doubt(command: RunCommand, script: PlayScript) -> None:
    session = ScriptedSession([make_frame(positions=(make_position_row(size=2),))], on_send=closing(2))
    script(session)
    outcome = command("close", "MNQ")
    assert outcome.code == OrderInDoubt.exit_code


def test_without_a_terminal_an_order_needs_yes(command: RunCommand, script: PlayScript) -> None:
    session = ScriptedSession([make_frame()], preview=make_preview())
    script(session)
    outcome = command(*BUY)
    assert outcome.code == 2
    assert "give --yes" in outcome.err
    assert not any(isinstance(one, PlaceOrder) for one in session.commands)


def test_on_a_terminal_the_question_shows_what_the_order_would_do(
    command: RunCommand, script: PlayScript, terminal: Callable[[bool], list[str]]
) -> None:
    session = ScriptedSession(
        [make_frame(orders=())], on_send=filling, preview=make_preview(refusal="market is closed")
    )
    script(session)
    questions = terminal(True)
    assert command(*BUY).code == 0
    assert questions == [
        "BUY 2 MNQZ6 market, stop −40 ticks, target +80 ticks in PRAC-50K-1001 (would be refused: market is closed)?"
    ]


def test_the_answer_no_sends_nothing(
    command: RunCommand, script: PlayScript, terminal: Callable[[bool], list[str]]
) -> None:
    session = ScriptedSession([make_frame()], preview=make_preview())
    script(session)
    terminal(False)
    outcome = command(*BUY)
    assert outcome.code == 1
    assert "nothing was sent" in outcome.err
    assert not any(isinstance(one, PlaceOrder) for one in session.commands)


def test_a_refusal_names_its_rule(command: RunCommand, script: PlayScript) -> None:
    def refuse(_: ScriptedSession, command: Command) -> RiskDenied | None:
        return RiskDenied("max_order_size", "12 is more than 10") if isinstance(command, PlaceOrder) else None

    script(ScriptedSession([make_frame()], on_send=refuse))
    outcome = command(*BUY, "--yes", "--json")
    assert outcome.code == 3
    assert outcome.error["rule"] == "max_order_size"
    assert outcome.out == ""


def test_an_order_that_is_rejected_later_is_an_error_with_the_reason(
    command: RunCommand, script: PlayScript
) -> None:
    def reject(session: ScriptedSession, command: Command) -> Receipt | None:
        if isinstance(command, PlaceOrder):
            session.push(
                Frame(orders=(made(command, OrderStatus.REJECTED, reason="Maximum position exceeded"),))
            )
            return Receipt(message="sent", order_ids=("tc-90",))
        return None

    script(ScriptedSession([make_frame(orders=())], on_send=reject))
    outcome = command(*BUY, "--yes", "--json")
    assert outcome.code == BrokerRejected.exit_code
    assert "Maximum position exceeded" in outcome.error["message"]
    assert outcome.error["broker_order_id"] == "900"


def test_an_order_without_an_answer_is_found_in_the_records_and_never_sent_again(
    command: RunCommand, script: PlayScript
) -> None:
    def lose(session: ScriptedSession, command: Command) -> Receipt | OrderInDoubt | None:
        if isinstance(command, PlaceOrder):
            session.push(Frame(orders=(made(command, OrderStatus.UNKNOWN),)))
            return OrderInDoubt("no answer")
        if isinstance(command, Reconcile):
            placed = next(one for one in session.commands if isinstance(one, PlaceOrder))
            session.push(Frame(orders=(made(placed, OrderStatus.WORKING),)))
        return None

    session = ScriptedSession([make_frame(orders=())], on_send=lose)
    script(session)
    outcome = command(*BUY, "--limit", "20100", "--yes", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["orders"][0]["status"] == "working"
    assert sum(isinstance(one, PlaceOrder) for one in session.commands) == 1


def test_an_order_that_stays_unknown_ends_with_its_own_code(command: RunCommand, script: PlayScript) -> None:
    def lose(session: ScriptedSession, command: Command) -> OrderInDoubt | None:
        return OrderInDoubt("no answer") if isinstance(command, PlaceOrder) else None

    script(ScriptedSession([make_frame(orders=())], on_send=lose))
    assert command(*BUY, "--yes").code == OrderInDoubt.exit_code


@pytest.mark.parametrize("shown", [True, False])
def test_an_order_that_the_records_do_not_show_is_in_doubt(
    command: RunCommand, script: PlayScript, shown: bool
) -> None:
    def accept(session: ScriptedSession, command: Command) -> Receipt | None:
        if not isinstance(command, PlaceOrder):
            return None
        if shown:
            session.push(Frame(orders=(made(command, OrderStatus.SENT),)))
        return Receipt(message="sent", order_ids=("tc-90",))

    script(ScriptedSession([make_frame(orders=())], on_send=accept))
    assert command(*BUY, "--yes").code == OrderInDoubt.exit_code


@pytest.mark.parametrize("name", ["70001", "tc-01"])
def test_an_order_is_cancelled_by_either_of_its_ids(
    command: RunCommand, script: PlayScript, name: str
) -> None:
    row = make_order_row()

    def confirm(session: ScriptedSession, command: Command) -> Receipt | None:
        if isinstance(command, CancelOrder):
            gone = row.model_copy(update={"status": OrderStatus.CANCELLED, "is_open": False})
            session.push(Frame(orders=(gone,)))
            return Receipt(message="cancel sent", order_ids=("tc-01",))
        return None

    session = ScriptedSession([make_frame(orders=(row,))], on_send=confirm)
    script(session)
    outcome = command("cancel", name, "--json")
    assert outcome.code == 0, outcome.err
    assert sent(session)[-1] == CancelOrder("tc-01")
    assert outcome.json["orders"][0]["status"] == "cancelled"


def test_all_orders_are_cancelled_at_once(command: RunCommand, script: PlayScript) -> None:
    def confirm(session: ScriptedSession, command: Command) -> Receipt | None:
        if isinstance(command, CancelAll):
            session.push(Frame(orders=()))
            return Receipt(message="cancel sent for 1 order", order_ids=("tc-01",))
        return None

    session = ScriptedSession([make_frame(orders=(make_order_row(),))], on_send=confirm)
    script(session)
    assert command("cancel", "--all").code == 0
    assert sent(session) == [CancelAll("1001")]


def test_a_cancel_that_is_not_confirmed_is_in_doubt(command: RunCommand, script: PlayScript) -> None:
    def promise(_: ScriptedSession, command: Command) -> Receipt | None:
        return Receipt(message="sent", order_ids=("tc-01",)) if isinstance(command, CancelAll) else None

    script(ScriptedSession([make_frame(orders=(make_order_row(),))], on_send=promise))
    assert command("cancel", "--all").code == OrderInDoubt.exit_code


def test_an_order_is_changed_after_arming(command: RunCommand, script: PlayScript) -> None:
    row = make_order_row()

    def confirm(session: ScriptedSession, command: Command) -> Receipt | None:
        if isinstance(command, ModifyOrder):
            session.push(Frame(orders=(row.model_copy(update={"limit_price": Decimal("20090.5")}),)))
            return Receipt(message="change sent", order_ids=("tc-01",))
        return None

    session = ScriptedSession([make_frame(orders=(row,))], on_send=confirm)
    script(session)
    outcome = command("order", "modify", "70001", "--limit", "20090.5", "--yes", "--json")
    assert outcome.code == 0, outcome.err
    assert sent(session) == [ARMED, ModifyOrder(order_id="tc-01", limit_price=Decimal("20090.5"))]
    assert outcome.json["orders"][0]["limit_price"] == 20090.5


def test_a_change_that_is_not_confirmed_is_in_doubt(command: RunCommand, script: PlayScript) -> None:
    def promise(_: ScriptedSession, command: Command) -> Receipt | None:
        return Receipt(message="sent", order_ids=("tc-01",)) if isinstance(command, ModifyOrder) else None

    script(ScriptedSession([make_frame(orders=(make_order_row(),))], on_send=promise))
    outcome = command("order", "modify", "70001", "--limit", "20090.5", "--yes")
    assert outcome.code == OrderInDoubt.exit_code
    assert "not confirmed the change" in outcome.err


def test_flatten_needs_neither_arming_nor_a_terminal(command: RunCommand, script: PlayScript) -> None:
    session = ScriptedSession([make_frame()])
    script(session)
    outcome = command("flatten", "--json")
    assert outcome.code == 0, outcome.err
    assert session.commands == [Flatten("1001", None)]
    assert outcome.json == {"flat": True, "account_id": 1001, "symbol": None}


def test_flatten_may_be_for_one_instrument(command: RunCommand, script: PlayScript) -> None:
    session = ScriptedSession([make_frame()])
    script(session)
    assert command("flatten", "MNQ").code == 0
    assert session.commands == [Flatten("1001", "MNQ")]


def test_flatten_asks_on_a_terminal(
    command: RunCommand, script: PlayScript, terminal: Callable[[bool], list[str]]
) -> None:
    session = ScriptedSession([make_frame()])
    script(session)
    questions = terminal(False)
    assert command("flatten").code == 1
    assert questions == ["Cancel and close EVERYTHING in PRAC-50K-1001?"]
    assert session.commands == []


def test_an_account_that_does_not_get_flat_is_an_error(command: RunCommand, script: PlayScript) -> None:
    script(ScriptedSession([make_frame()], on_send=lambda _, __: OrderInDoubt("look at the account now")))
    outcome = command("flatten", "--all")
    assert outcome.code == OrderInDoubt.exit_code
    assert "look at the account now" in outcome.err
