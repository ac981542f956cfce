"""What can be ordered of a running emulator: names, typed arguments and a line of help each; loads no server."""

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

from tradeconsole.emulator.faults import EventFault, Hub, RestFault, ServerErrors
from tradeconsole.exchange.records import PositionBrackets

Natural = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an order is given; without members of its own, nothing."""


class Outage(Arguments, frozen=True):
    """Seconds for which the port is closed."""

    seconds: Seconds


class Mute(Arguments, frozen=True):
    """Seconds of silence on a hub, or on both; 0 ends it."""

    seconds: Seconds
    hub: Hub | None = None


class HubChoice(Arguments, frozen=True):
    """A hub, or both."""

    hub: Hub | None = None


class Throttle(Arguments, frozen=True):
    """Seconds of 429 for every call; 0 ends it."""

    seconds: Seconds


class Disorder(Arguments, frozen=True):
    """What happens to the next batches of user events."""

    kind: EventFault
    batches: Natural = 1


class Lag(Arguments, frozen=True):
    """Milliseconds by which user events are late, on top of the gateway's own delay; 0 ends it."""

    ms: Milliseconds


class HaltContract(Arguments, frozen=True):
    """Contract (id or root) whose trading stops or goes on."""

    contract: str
    halted: bool = True


class PriceOf(Arguments, frozen=True):
    """Contract (id or root) and the price at which it trades now."""

    contract: str
    price: Decimal


class Move(Arguments, frozen=True):
    """Contract (id or root) and by how many ticks it moves now."""

    contract: str
    ticks: Annotated[int, msgspec.Meta(ge=-100_000, le=100_000)]


class FeedTick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price, and milliseconds since the one before it."""

    price: Decimal
    after_ms: Milliseconds = 100.0


class FeedBar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices of a bar, traded one after the other within its time: a rising bar sees its low first."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class FeedPrices(Arguments, frozen=True):
    """Contract (id or root) and the ticks, or the bars of so many seconds, that it trades from now on.

    Between them and after the last its own market moves on from where they have left it, as after `price` and `move`:
    one that has traded at a price is there. Where nothing but them shall trade, volatility is 0.
    """

    contract: str
    ticks: tuple[FeedTick, ...] = ()
    bars: tuple[FeedBar, ...] = ()
    bar_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 60.0


class RollContract(Arguments, frozen=True):
    """Root of the product whose next expiry becomes the active one."""

    product: str


class Reject(Arguments, frozen=True):
    """How many of the next good orders are refused, with which place code and words.

    With `later` they are accepted first, and refused on the user hub a moment after, without a reason.
    """

    orders: Natural = 1
    code: Annotated[int, msgspec.Meta(ge=2, le=10)] = 2
    message: str | None = None
    later: bool = False


class Fills(Arguments, frozen=True):
    """Lots that an order gets at most at once (0 ends it), milliseconds until the next, and how many fills are cut."""

    size: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    gap_ms: Milliseconds = 100.0
    fills: Natural | None = None


class Window(Arguments, frozen=True):
    """Whether the firm's trading window is closed: orders are refused with code 5, cancels still work."""

    closed: bool = True


class AccountChange(Arguments, frozen=True):
    """Account, whether it may trade, which brackets it takes, and what of a position's own the platform keeps.

    What is left out stays; position brackets without ticks end them, those with some choose their mode as well.
    """

    account_id: int
    can_trade: bool | None = None
    bracket_mode: Literal["AutoOCO", "PositionBrackets"] | None = None
    position_brackets: PositionBrackets | None = None


class AccountReset(Arguments, frozen=True):
    """Account that is closed; one of the same kind with another id and name takes its place."""

    account_id: int


class ClockOrder(Arguments, frozen=True):
    """Freeze or resume, another speed, and a step forward in emulated seconds; in this order."""

    frozen: bool | None = None
    speed: Annotated[float, msgspec.Meta(le=1_000_000)] | None = None
    step_seconds: Annotated[float, msgspec.Meta(ge=-366 * 86_400, le=366 * 86_400)] | None = None


class Skew(Arguments, frozen=True):
    """Seconds by which the gateway's clock and stamps are ahead of the machine's, or behind (negative)."""

    seconds: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)]


class TurnSwitch(Arguments, frozen=True):
    """Name of a switch, and what it shall stand at."""

    name: str
    value: str | bool | float


class Operation(msgspec.Struct, frozen=True):
    """One order: its name in the path, its arguments, and what it does in words."""

    name: str
    arguments: type[msgspec.Struct]
    help: str
    answers_first: bool = False
    """Whether it is carried out once its answer has left, which it would cut off."""

    @property
    def usage(self) -> str:
        """Its arguments in a line, with their defaults: `contract=… halted=true`."""
        return " ".join(_usage(field) for field in msgspec.structs.fields(self.arguments))


OPERATIONS: Final = (
    Operation("outage", Outage, "close the port and every connection for some seconds", answers_first=True),
    Operation("mute", Mute, "leave a hub's sockets open and silent for some seconds"),
    Operation("drop", HubChoice, "cut hub connections without a word"),
    Operation("kick", HubChoice, "log hub connections out with GatewayLogout"),
    Operation("fail", RestFault, "let the next calls fail, before or after they take effect"),
    Operation("window5xx", ServerErrors, "answer every call with 5xx, or emptily, for some seconds"),
    Operation("throttle", Throttle, "answer 429 to every call for some seconds"),
    Operation("events", Disorder, "duplicate, reverse or drop the next user events"),
    Operation("lag", Lag, "delay user events"),
    Operation("expire-tokens", Arguments, "make every token useless"),
    Operation("reject", Reject, "refuse the next orders, at once or after accepting them"),
    Operation("fills", Fills, "let orders fill in portions, with time between"),
    Operation("halt", HaltContract, "stop a contract's trading, or let it go on"),
    Operation("session", Window, "close the firm's trading window, or open it"),
    Operation("roll", RollContract, "make the next expiry of a product the active one"),
    Operation("price", PriceOf, "let a contract trade at a price"),
    Operation("move", Move, "move a contract's price by ticks"),
    Operation("feed", FeedPrices, "let a contract trade given ticks or bars, and go on from there"),
    Operation("account", AccountChange, "lock or unlock an account, or choose its brackets"),
    Operation("reset", AccountReset, "start an account afresh, under a new id and name"),
    Operation("clock", ClockOrder, "freeze, resume, speed up or step the clock"),
    Operation("skew", Skew, "put the gateway's clock ahead of the machine's, or behind"),
    Operation("switch", TurnSwitch, "turn a switch; `tradeconsole emulator switches` explains them"),
    Operation("clear", Arguments, "call every fault off; prices, clock and switches stay"),
)
"""Every order, as `POST /__emu/<name>` with its arguments as JSON; `GET /__emu/status` tells how things are."""


def operation(name: str) -> Operation | None:
    """The order of that name."""
    return next((known for known in OPERATIONS if known.name == name), None)


def _usage(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return f"{field.encode_name}=…"
    known = field.default is not msgspec.NODEFAULT and field.default is not None
    return f"{field.encode_name}={msgspec.json.encode(field.default).decode() if known else ''}"
