"""How an order is named on the command line: the options, and the command that they mean."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand

from tradeconsole.domain.commands import PlaceOrder
from tradeconsole.domain.notation import decimal_number, whole_number
from tradeconsole.domain.orders import Bracket, OrderType, Side
from tradeconsole.errors import ConfigError


class OrderKind(StrEnum):
    """Order types as `--type` names them; `stop-limit` is there for venues that take it."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop-limit"
    TRAILING = "trailing"
    JOIN_BID = "join-bid"
    JOIN_ASK = "join-ask"


_TYPES: Final = {
    OrderKind.MARKET: OrderType.MARKET,
    OrderKind.LIMIT: OrderType.LIMIT,
    OrderKind.STOP: OrderType.STOP,
    OrderKind.STOP_LIMIT: OrderType.STOP_LIMIT,
    OrderKind.TRAILING: OrderType.TRAILING_STOP,
    OrderKind.JOIN_BID: OrderType.JOIN_BID,
    OrderKind.JOIN_ASK: OrderType.JOIN_ASK,
}
_OPTIONS: Final = {
    OrderType.LIMIT: ("--limit",),
    OrderType.STOP: ("--stop",),
    OrderType.STOP_LIMIT: ("--limit", "--stop"),
    OrderType.TRAILING_STOP: ("--trail",),
}
"""What an order of that type needs; others need nothing."""
_NEGATIVE: Final = re.compile(r"-[0-9.]+")


def _price(text: str) -> Decimal:
    price = decimal_number(text)
    if price is None or price <= 0:
        raise typer.BadParameter(f"'{text}' is not a price above zero: write plain digits, such as 28000.25")
    return price


def whole(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise typer.BadParameter(f"'{text}' is not a whole number")
    return number


def count(text: str) -> int:
    """So many contracts, or ticks."""
    number = whole_number(text)
    if number is None or number < 1:
        raise typer.BadParameter(f"'{text}' is not a whole number of at least 1")
    return number


class Counting(TyperCommand):
    """Reads a negative number as the size that somebody meant, to say what is wrong with it, not as an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.ignore_unknown_options = any(_NEGATIVE.fullmatch(word) for word in args)
        return super().parse_args(ctx, args)


def _kind(text: str) -> OrderKind:
    try:
        return OrderKind(text.lower())
    except ValueError:
        raise typer.BadParameter(f"'{text}' is none of {', '.join(OrderKind)}") from None


Symbol = Annotated[str, typer.Argument(help="MNQ, or one contract such as MNQZ6.")]
Size = Annotated[int, typer.Argument(parser=count, metavar="SIZE", help="Contracts.")]
Limit = Annotated[
    Decimal | None, typer.Option("--limit", parser=_price, metavar="PRICE", help="Limit price.")
]
Stop = Annotated[Decimal | None, typer.Option("--stop", parser=_price, metavar="PRICE", help="Stop price.")]
Trail = Annotated[
    int | None,
    typer.Option("--trail", parser=count, metavar="TICKS", help="Trailing stop, so many ticks away."),
]
Kind = Annotated[
    OrderKind | None,
    typer.Option(
        "--type",
        parser=_kind,
        metavar="|".join(OrderKind),
        help="Else as the prices tell; join-bid and join-ask take none.",
    ),
]
StopTrails = Annotated[
    bool, typer.Option("--stop-trails", help="The protective stop follows the market at its distance.")
]
StopTicks = Annotated[
    int | None,
    typer.Option(parser=count, metavar="TICKS", help="Protective stop, so many ticks from the fill."),
]
TargetTicks = Annotated[
    int | None,
    typer.Option(parser=count, metavar="TICKS", help="Profit target, so many ticks from the fill."),
]


class WantedOrder(NamedTuple):
    """An order as the options name it."""

    symbol: str
    side: Side
    size: int
    kind: OrderKind | None
    limit: Decimal | None
    stop: Decimal | None
    trail: int | None
    bracket: Bracket | None

    def command(self, account_id: str) -> PlaceOrder:
        """Raises `ConfigError` if options contradict each other."""
        return PlaceOrder(
            account_id=account_id,
            symbol=self.symbol,
            side=self.side,
            size=self.size,
            type=self._type(),
            limit_price=self.limit,
            stop_price=self.stop,
            trail_ticks=self.trail,
            bracket=self.bracket,
            origin="cli",
        )

    def _type(self) -> OrderType:
        given = {"--limit": self.limit, "--stop": self.stop, "--trail": self.trail}
        named = tuple(option for option, value in given.items() if value is not None)
        if self.kind is None:
            if "--trail" in named and len(named) > 1:
                raise ConfigError("--trail goes with neither --limit nor --stop")
            return next((kind for kind, needed in _OPTIONS.items() if needed == named), OrderType.MARKET)
        kind = _TYPES[self.kind]
        needed = _OPTIONS.get(kind, ())
        if named != needed:
            wants = " and ".join(needed) or "neither --limit nor --stop nor --trail"
            raise ConfigError(f"--type {self.kind} takes {wants}")
        return kind


def bracket_of(stop: int | None, target: int | None, *, trails: bool) -> Bracket | None:
    if trails and stop is None:
        raise ConfigError("--stop-trails needs a distance: add --stop-ticks")
    return Bracket(stop, target, trails) or None
