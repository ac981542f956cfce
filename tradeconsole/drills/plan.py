"""What a drill by lot does: a sequence of a trader's actions and of troubles, drawn from a source of chance. Pure."""

from random import Random
from typing import Final

import msgspec

from tradeconsole.domain.orders import OrderType, Side

ROUNDS: Final = (6, 12)
"""From how many to how many rounds a plan has."""

_SHORTEST_STOP: Final = 8

SYMBOL: Final = "MNQ"
"""What is traded."""


class Enter(msgspec.Struct, frozen=True):
    """Place an order, `ticks` away from the market where its type has a price; with stop and target if wanted."""

    type: OrderType
    side: Side
    size: int
    ticks: int
    bracket: bool


class Nudge(msgspec.Struct, frozen=True):
    """Move one of the open orders by ticks; `which` counts through them, over and over."""

    which: int
    ticks: int


class Resize(msgspec.Struct, frozen=True):
    """Change the size of one of the open orders."""

    which: int
    size: int


class Cancel(msgspec.Struct, frozen=True):
    """Cancel one of the open orders."""

    which: int


class CancelEverything(msgspec.Struct, frozen=True):
    """Cancel all orders."""


class Close(msgspec.Struct, frozen=True):
    """Close one contract of the position, or all."""

    whole: bool


class FlattenEverything(msgspec.Struct, frozen=True):
    """Ask to flatten, and go on without waiting for it."""


class CancelElsewhere(msgspec.Struct, frozen=True):
    """Somebody cancels one of the open orders on the firm's own page."""

    which: int


class TradeElsewhere(msgspec.Struct, frozen=True):
    """Somebody buys or sells at the market on the firm's own page."""

    side: Side
    size: int


class Move(msgspec.Struct, frozen=True):
    """The market moves."""

    ticks: int


class Trouble(msgspec.Struct, frozen=True):
    """An order to the gateway's control plane."""

    name: str
    arguments: dict[str, object]


Action = (
    Enter
    | Nudge
    | Resize
    | Cancel
    | CancelEverything
    | Close
    | FlattenEverything
    | CancelElsewhere
    | TradeElsewhere
)


class Round(msgspec.Struct, frozen=True):
    """Troubles one by one, then actions all at once; maybe a restart; the market moves, some milliseconds pass."""

    troubles: tuple[Trouble, ...]
    actions: tuple[Action, ...]
    restarts: bool
    move: Move | None
    pause_ms: int


Plan = tuple[Round, ...]


def draw_plan(chance: Random) -> Plan:
    """A plan; the same source of chance draws the same one."""
    return tuple(_round(chance, first=index == 0) for index in range(chance.randint(*ROUNDS)))


def _round(chance: Random, *, first: bool) -> Round:
    troubles = () if first else tuple(_trouble(chance) for _ in range(chance.choice((0, 1, 1, 2))))
    return Round(
        troubles=troubles,
        actions=tuple(_action(chance) for _ in range(chance.choice((1, 1, 1, 2, 3)))),
        restarts=chance.random() < 0.07,
        move=Move(chance.randint(-60, 60)) if chance.random() < 0.4 else None,
        pause_ms=chance.choice((0, 5, 30, 120)),
    )


def _action(chance: Random) -> Action:
    which = chance.randint(0, 7)
    match chance.choices(range(9), (12, 4, 2, 4, 1, 3, 1, 1, 1))[0]:
        case 0:
            return _enter(chance)
        case 1:
            return Nudge(which, chance.choice((-3, -2, -1, 1, 2, 3)))
        case 2:
            return Resize(which, chance.randint(1, 4))
        case 3:
            return Cancel(which)
        case 4:
            return CancelEverything()
        case 5:
            return Close(chance.random() < 0.5)
        case 6:
            return FlattenEverything()
        case 7:
            return CancelElsewhere(which)
        case _:
            return TradeElsewhere(chance.choice((Side.BUY, Side.SELL)), chance.randint(1, 2))


def _enter(chance: Random) -> Enter:
    kinds = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.TRAILING_STOP, OrderType.JOIN_BID)
    return Enter(
        type=chance.choices(kinds, (6, 5, 3, 2, 1))[0],
        side=chance.choice((Side.BUY, Side.SELL)),
        size=chance.randint(1, 3),
        ticks=chance.randint(_SHORTEST_STOP, 60),
        bracket=chance.random() < 0.4,
    )


def _trouble(chance: Random) -> Trouble:
    name, arguments = chance.choice(_TROUBLES)
    return Trouble(name, {key: _drawn(chance, value) for key, value in arguments.items()})


def _drawn(chance: Random, value: object) -> object:
    return chance.choice(value) if isinstance(value, tuple) else value


_CHANGES: Final = ("order/place", "order/modify", "order/cancel", "position/")

_TROUBLES: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    ("fail", {"path": _CHANGES, "after": (True, False), "lose": ("cut", "cut", "hang")}),
    ("fail", {"path": _CHANGES, "after": (True, False), "status": (500, 502, 503)}),
    ("fail", {"path": _CHANGES, "after": True, "status": 200, "body": "<html>"}),
    ("fail", {"path": "order/place", "status": 429}),
    ("fail", {"path": "search", "calls": 3, "status": (500, 503)}),
    ("events", {"kind": ("drop", "duplicate", "reverse"), "batches": (1, 3, 1000)}),
    ("events", {"kind": ("drop", "duplicate", "reverse"), "batches": (1, 3, 1000)}),
    ("drop", {"hub": (None, "user", "market")}),
    ("expire-tokens", {}),
    ("kick", {}),
    ("outage", {"seconds": (0.1, 0.3, 0.6)}),
    ("throttle", {"seconds": (0.2, 0.4)}),
    ("window5xx", {"seconds": (0.2, 0.4)}),
    ("mute", {"hub": ("user", "market"), "seconds": (0.2, 0.5)}),
    ("lag", {"ms": (0.0, 50.0, 300.0)}),
    ("reject", {"orders": 1, "later": (True, False)}),
    ("fills", {"size": 1, "gap_ms": (5.0, 60.0)}),
    ("session", {"closed": (True, False)}),
    ("halt", {"contract": SYMBOL, "halted": (True, True, False)}),
    ("account", {"bracket_mode": ("PositionBrackets", "PositionBrackets", "AutoOCO")}),
    ("account", {"can_trade": (True, False)}),
)
"""What may go wrong: operations of the control plane, with what their arguments are drawn from.

The account of an order to one is the drill's own, and not drawn.
"""
