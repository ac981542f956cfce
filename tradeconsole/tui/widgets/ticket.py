"""The order ticket: side, type, size, price and bracket, all from the keyboard, with a live preview."""

from dataclasses import dataclass
from typing import Final

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Label, Static

from tradeconsole.actions import ACTIONS, Danger
from tradeconsole.domain.commands import PlaceOrder
from tradeconsole.domain.orders import OrderType, Side
from tradeconsole.errors import InvalidRequest
from tradeconsole.tui.draft import (
    UNPRICED,
    Draft,
    Field,
    command,
    new_draft,
    retyped,
    stepped,
    turned,
    types_offered,
)
from tradeconsole.tui.render.numbers import price, signed_money, signed_size
from tradeconsole.tui.widgets.choice import Choice
from tradeconsole.tui.widgets.step_input import StepInput
from tradeconsole.views.models import PreviewView, TicketView

SIDE_WORDS: Final = {Side.BUY: "▲ BUY", Side.SELL: "▼ SELL"}

_ONE_KEY: Final = frozenset(key for a in ACTIONS if a.danger is Danger.ONE_KEY for key in a.keys)
"""Keys that act on an order at once; a slip of the finger in a field must not."""


class Ticket(Vertical):
    """Holds a draft and says what it means; sending is for whoever hears `Submitted`."""

    DEFAULT_CSS = """
    Ticket { height: auto; padding: 0 1; }
    Ticket .row { height: 1; }
    Ticket .row Label { width: 8; }
    Ticket .row .unit { width: auto; color: $text-muted; }
    Ticket #quote { height: 2; text-wrap: nowrap; text-overflow: ellipsis; }
    Ticket #preview { height: auto; min-height: 5; margin-top: 1; }
    """

    view: reactive[TicketView | None] = reactive(None)
    account_id: reactive[str] = reactive("")
    preview: reactive[PreviewView | None] = reactive(None)
    problem: reactive[str] = reactive("")
    """Why the draft is no order yet; empty if it is one."""
    draft: reactive[Draft] = reactive(Draft())

    @dataclass
    class Changed(Message):
        """The draft means another order, or the market's terms for it changed."""

        ticket: "Ticket"
        order: PlaceOrder

        @property
        def control(self) -> "Ticket":
            return self.ticket

    @dataclass
    class Submitted(Message):
        """The user pressed Enter on a draft that is an order; nothing is confirmed by that."""

        ticket: "Ticket"
        order: PlaceOrder

    @dataclass
    class Refused(Message):
        """The user pressed Enter on a draft that is no order."""

        reason: str

    @dataclass
    class Left(Message):
        """The user is done with the ticket."""

        ticket: "Ticket"

    def compose(self) -> ComposeResult:
        yield Static(id="quote", markup=False)
        for label, widget in (
            ("Side", Choice("side")),
            ("Type", Choice("type")),
            ("Size", StepInput(Field.SIZE)),
            ("Price", StepInput(Field.PRICE, characters="0123456789.,", placeholder="at the market")),
            ("Stop", StepInput(Field.STOP, placeholder="none")),
            ("Target", StepInput(Field.TARGET, placeholder="none")),
        ):
            with Horizontal(classes="row"):
                yield Label(label)
                yield widget
                yield Label("", id=f"{widget.id}-unit", classes="unit")
        yield Static(id="preview", markup=False)

    def open(self, side: Side) -> None:
        """Take the focus with a draft for that side."""
        self.turn(side)
        self.query_one("#size", StepInput).focus()

    def turn(self, side: Side) -> None:
        """Make it a draft for that side."""
        if self.view is not None and side is not self.draft.side:
            self.draft = turned(self.draft, side, self.view)
        elif side is not self.draft.side:
            self.draft = msgspec.structs.replace(self.draft, side=side)

    def order(self) -> PlaceOrder:
        """What the draft means. Raises `InvalidRequest` with the sentence to show if it means nothing."""
        if self.view is None or not self.account_id:
            raise InvalidRequest("The instrument is not known yet; wait for the engine")
        return command(self.draft, self.view, self.account_id)

    # -- reactives

    def watch_view(self, old: TicketView | None, new: TicketView | None) -> None:
        if new is None:
            return
        if old is None or old.instrument_id != new.instrument_id:
            size = self.draft.size
            self.draft = msgspec.structs.replace(new_draft(new, self.draft.side), size=size)
        if self._is_whole:
            self._show_quote(new)
        if old is None or _terms(old) != _terms(new):
            self._announce()

    def watch_account_id(self) -> None:
        self._announce()

    def watch_draft(self) -> None:
        if self._is_whole:
            self._show_draft()
        self._announce()

    def watch_preview(self) -> None:
        self._show_preview()

    def watch_problem(self) -> None:
        self._show_preview()

    def on_mount(self) -> None:
        if self.view is not None:
            self._show_quote(self.view)
        self._show_draft()
        self._show_preview()

    def _announce(self) -> None:
        try:
            order = self.order()
        except InvalidRequest as problem:
            self.problem = str(problem)
        else:
            self.problem = ""
            self.post_message(self.Changed(self, order))

    # -- what the user does

    @on(Input.Changed)
    def take_typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.id is not None:
            self.draft = msgspec.structs.replace(self.draft, **{event.input.id: event.value})

    @on(StepInput.Stepped)
    def step(self, event: StepInput.Stepped) -> None:
        event.stop()
        if self.view is not None:
            self.draft = stepped(self.draft, Field(event.field), event.steps, self.view)

    @on(Choice.Turned)
    def turn_choice(self, event: Choice.Turned) -> None:
        event.stop()
        if event.field == "side":
            self.turn(self.draft.side.opposite)
        elif self.view is not None:
            kinds = types_offered(self.view)
            at = kinds.index(self.draft.type) if self.draft.type in kinds else 0
            self.draft = retyped(self.draft, kinds[(at + event.steps) % len(kinds)], self.view)

    @on(Input.Submitted)
    def submit_typed(self, event: Input.Submitted) -> None:
        event.stop()
        self._submit()

    def on_key(self, event: events.Key) -> None:
        if event.key in {"plus", "minus"} and self.view is not None:
            event.stop()
            self.draft = stepped(self.draft, Field.SIZE, 1 if event.key == "plus" else -1, self.view)
        elif event.key == "t" and self.query_one("#stop", StepInput).has_focus:
            event.stop()
            self.draft = msgspec.structs.replace(self.draft, trails=not self.draft.trails)
        elif event.key == "escape":
            event.stop()
            self.post_message(self.Left(self))
        elif event.key == "enter":
            event.stop()
            self._submit()
        elif event.key in _ONE_KEY:
            event.stop()

    def _submit(self) -> None:
        try:
            self.post_message(self.Submitted(self, self.order()))
        except InvalidRequest as problem:
            self.post_message(self.Refused(str(problem)))

    # -- drawing

    @property
    def _is_whole(self) -> bool:
        """Whether its parts are there: they come after the ticket, and go before it."""
        return self.is_mounted and len(self.query("#quote, #preview")) == 2

    def _show_quote(self, view: TicketView) -> None:
        bid, ask = price(view.bid, view.decimals), price(view.ask, view.decimals)
        held = f"  {signed_size(view.position)}" if view.position else ""
        self.query_one("#quote", Static).update(
            Content.assemble(
                (view.name, "bold"),
                (f"  {view.description}\n", "$faint"),
                ("bid ", "$faint"),
                bid,
                ("  ask ", "$faint"),
                ask,
                (held, "bold"),
            ),
            layout=False,
        )

    def _show_draft(self) -> None:
        draft = self.draft
        self.query_one("#side", Choice).label = SIDE_WORDS[draft.side]
        self.query_one("#type", Choice).label = draft.type.value
        for name in Field:
            entry = self.query_one(f"#{name.value}", StepInput)
            if entry.value != getattr(draft, name.value):
                with self.prevent(Input.Changed):
                    entry.value = getattr(draft, name.value)
        self.query_one("#price", StepInput).disabled = draft.type in UNPRICED
        trailing = draft.type is OrderType.TRAILING_STOP
        self.query_one("#price-unit", Label).update("ticks behind" if trailing else "")
        stop = "ticks trailing" if draft.trails else "ticks  t trails"
        self.query_one("#stop-unit", Label).update(stop if draft.stop else "")
        self.query_one("#target-unit", Label).update("ticks" if draft.target else "")
        self.set_class(draft.side is Side.BUY, "-buy")
        self.set_class(draft.side is Side.SELL, "-sell")

    def _show_preview(self) -> None:
        if self._is_whole:
            self.query_one("#preview", Static).update(preview_text(self.preview, self.problem))


def preview_text(preview: PreviewView | None, problem: str) -> Content:
    """What the order would do, in a few lines that end with what Enter does or why it does nothing."""
    if problem:
        return Content.styled(f"✗ {problem}", "$warning")
    if preview is None:
        return Content.styled("asking what it would do…", "$faint")
    money = [risk_words(preview)]
    if preview.reward is not None:
        money.append(f"reward {signed_money(preview.reward)}")
    if preview.ratio is not None:
        money.append(f"{preview.ratio:.1f} R")
    fees = f"  fees {signed_money(-preview.fees)}" if preview.fees is not None else ""
    ending = (
        Content.styled(f"✗ {preview.refusal}", "$warning")
        if preview.refusal
        else Content.styled("Enter shows the summary to confirm", "$faint")
    )
    return Content("\n").join(
        [
            Content.styled(preview.summary, "bold"),
            Content("  ".join(money)),
            Content(f"then {signed_size(preview.resulting_position)}{fees}"),
            ending,
        ]
    )


def risk_words(preview: PreviewView) -> str:
    """What can be lost by an order."""
    if preview.risk is not None:
        return f"risk {signed_money(-preview.risk)}"
    return "no stop: risk is open" if preview.opens else "only closes what is held"


def _terms(view: TicketView) -> tuple[object, ...]:
    return view.instrument_id, view.position, view.blocked, view.can_trade, view.max_size
