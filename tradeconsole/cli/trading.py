"""Verbs that trade: order buy, order sell, order modify, cancel, close, flatten. Each call arms for itself alone."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from tradeconsole.cli.invocation import EPILOG, Invocation, group, invocation
from tradeconsole.cli.one_shot import with_picture
from tradeconsole.cli.order_options import (
    Counting,
    Kind,
    Limit,
    Size,
    Stop,
    StopTicks,
    StopTrails,
    Symbol,
    TargetTicks,
    Trail,
    WantedOrder,
    bracket_of,
    count,
)
from tradeconsole.cli.output import Row, identity, plain_digits, price
from tradeconsole.cli.picture import Picture
from tradeconsole.cli.records import Account, order_row, position_row
from tradeconsole.domain.commands import (
    Arm,
    CancelAll,
    CancelOrder,
    ClosePosition,
    Flatten,
    ModifyOrder,
)
from tradeconsole.domain.orders import OrderStatus, Side
from tradeconsole.errors import BrokerRejected, ConfigError, InvalidRequest, OrderInDoubt
from tradeconsole.views.models import OrderRow, PositionRow
from tradeconsole.views.session import Preview, Receipt

_UNDER_WAY: Final = frozenset(
    {OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.PENDING, OrderStatus.CANCELLING}
)
_UNHEARD_OF: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN})

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

order = group("Place an order, or change one.")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.add_typer(order, name="order")
    app.command("cancel", epilog=EPILOG)(cancel)
    app.command("close", cls=Counting, epilog=EPILOG)(close)
    app.command("flatten", epilog=EPILOG)(flatten)


@order.command("buy", cls=Counting, epilog=EPILOG)
def buy(
    context: typer.Context,
    symbol: Symbol,
    size: Size,
    limit: Limit = None,
    stop: Stop = None,
    trail: Trail = None,
    kind: Kind = None,
    stop_ticks: StopTicks = None,
    target_ticks: TargetTicks = None,
    stop_trails: StopTrails = False,
    account: Account = None,
    yes: Yes = False,
) -> None:
    """Buy: at the market, at --limit, --stop or --trail, or by joining a side of the market."""
    bracket = bracket_of(stop_ticks, target_ticks, trails=stop_trails)
    wanted = WantedOrder(symbol, Side.BUY, size, kind, limit, stop, trail, bracket)
    _place(invocation(context), wanted, account, yes=yes)


@order.command("sell", cls=Counting, epilog=EPILOG)
def sell(
    context: typer.Context,
    symbol: Symbol,
    size: Size,
    limit: Limit = None,
    stop: Stop = None,
    trail: Trail = None,
    kind: Kind = None,
    stop_ticks: StopTicks = None,
    target_ticks: TargetTicks = None,
    stop_trails: StopTrails = False,
    account: Account = None,
    yes: Yes = False,
) -> None:
    """Sell: at the market, at --limit, --stop or --trail, or by joining a side of the market."""
    bracket = bracket_of(stop_ticks, target_ticks, trails=stop_trails)
    wanted = WantedOrder(symbol, Side.SELL, size, kind, limit, stop, trail, bracket)
    _place(invocation(context), wanted, account, yes=yes)


@order.command("modify", epilog=EPILOG)
def modify(
    context: typer.Context,
    order_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `orders` lists it, the broker's or ours.")
    ],
    size: Annotated[int | None, typer.Option(parser=count, metavar="SIZE", help="New size.")] = None,
    limit: Limit = None,
    stop: Stop = None,
    account: Account = None,
    yes: Yes = False,
) -> None:
    """Change size or price of a working order."""
    call = invocation(context)
    if size is None and limit is None and stop is None:
        raise ConfigError("nothing to change: give --size, --limit or --stop")

    async def work(picture: Picture) -> tuple[Receipt, list[Row]]:
        row = await _find(picture, order_id, account)
        call.confirm(f"Change {_words(row)} of {picture.account.name}?", yes=yes)
        change = ModifyOrder(order_id=row.order_id, size=size, limit_price=limit, stop_price=stop)
        await _arm(picture)
        receipt = await picture.session.send(change)
        if not await picture.settle(lambda: _shows(picture, change)):
            raise OrderInDoubt("the broker has not confirmed the change yet: look at 'tradeconsole orders'")
        return receipt, [order_row(found) for found in picture.family(receipt.order_ids)]

    _report(call, *with_picture(call, None, work))


def cancel(
    context: typer.Context,
    order_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="As `orders` lists it, the broker's or ours.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every open order of the account.")] = False,
    account: Account = None,
    yes: Yes = False,
) -> None:
    """Cancel one order, or all of them."""
    call = invocation(context)
    if (order_id is None) != everything:
        raise ConfigError("name one order, or --all")

    async def work(picture: Picture) -> tuple[Receipt, list[Row]]:
        if order_id is None:
            await picture.choose(account)
            call.confirm(f"Cancel every open order of {picture.account.name}?", yes=yes, required=False)
            receipt = await picture.session.send(CancelAll(picture.account.account_id))
        else:
            row = await _find(picture, order_id, account)
            receipt = await picture.session.send(CancelOrder(row.order_id))
        ids = set(receipt.order_ids)

        def over() -> bool:
            return not any(row.order_id in ids and row.is_open for row in picture.orders)

        if not await picture.settle(over):
            raise OrderInDoubt("the broker has not confirmed the cancel yet: look at 'tradeconsole orders'")
        return receipt, [order_row(row) for row in picture.orders if row.order_id in ids]

    _report(call, *with_picture(call, None, work))


def close(
    context: typer.Context,
    symbol: Symbol,
    size: Annotated[
        int | None, typer.Argument(parser=count, metavar="SIZE", help="Contracts; else all of them.")
    ] = None,
    account: Account = None,
    yes: Yes = False,
) -> None:
    """Close a position, or part of it, at the market.

    Other orders stay: `flatten` also cancels them.
    """
    call = invocation(context)

    async def work(picture: Picture) -> tuple[Receipt, PositionRow | None]:
        before = _held(picture, symbol)
        held = abs(before.size)
        if size is not None and not 1 <= size <= held:
            raise InvalidRequest(f"size {size}: the position in {before.name} has {held} to close")
        words = f"{size or held} of {held} {before.name} at the market"
        call.confirm(f"Close {words} in {picture.account.name}?", yes=yes, required=False)
        receipt = await picture.session.send(ClosePosition(picture.account.account_id, symbol, size))

        def smaller() -> bool:
            after = _position(picture, before.instrument_id)
            return (abs(after.size) if after else 0) <= held - (size or held)

        if not await picture.settle(smaller):
            raise OrderInDoubt("the broker has not confirmed the close yet: look at 'tradeconsole positions'")
        return receipt, _position(picture, before.instrument_id)

    receipt, left = with_picture(call, account, work)
    row = position_row(left) if left else None
    words = f"{row['side']} {row['size']} {row['name']}" if row else "flat"
    call.tell({"message": receipt.message, "position": row}, f"{receipt.message}; left: {words}")


def flatten(
    context: typer.Context,
    symbol: Annotated[str | None, typer.Argument(metavar="[SYMBOL]", help="Only this instrument.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole account; as without a symbol.")
    ] = False,
    account: Account = None,
    yes: Yes = False,
) -> None:
    """Cancel and close until the broker confirms flat."""
    call = invocation(context)
    if symbol is not None and everything:
        raise ConfigError("name a symbol, or --all, not both")

    async def work(picture: Picture) -> tuple[str, str]:
        name = picture.account.name
        call.confirm(f"Cancel and close {symbol or 'EVERYTHING'} in {name}?", yes=yes, required=False)
        await picture.session.send(Flatten(picture.account.account_id, symbol))
        return picture.account.account_id, name

    account_id, name = with_picture(call, account, work)
    scope = symbol or "everything"
    call.tell(
        {"flat": True, "account_id": identity(account_id), "symbol": symbol},
        f"flat: {scope} in {name}, confirmed by the broker",
    )


def _place(call: Invocation, wanted: WantedOrder, account: str | None, *, yes: bool) -> None:
    async def work(picture: Picture) -> tuple[Receipt, list[Row]]:
        command = wanted.command(picture.account.account_id)
        await _arm(picture)
        if not yes:
            preview = await picture.session.preview(Preview(command))
            refusal = f" (would be refused: {preview.refusal})" if preview.refusal else ""
            call.confirm(f"{preview.summary} in {picture.account.name}{refusal}?", yes=yes)
        before = {row.order_id for row in picture.orders}
        try:
            receipt = await picture.session.send(command)
        except OrderInDoubt as doubt:
            receipt = await _settle_doubt(picture, before, doubt)
        return receipt, await _outcome(picture, receipt)

    _report(call, *with_picture(call, account, work))


async def _settle_doubt(picture: Picture, before: set[str], doubt: OrderInDoubt) -> Receipt:
    """Find out from the broker's records what became of an order that had no answer; it is never sent again."""

    def known() -> bool:
        return any(row.order_id not in before and row.status not in _UNDER_WAY for row in picture.orders)

    if not await picture.settle(known):
        raise doubt
    new = tuple(row.order_id for row in picture.orders if row.order_id not in before)
    return Receipt(message="no answer at first, found in the broker's records", order_ids=new)


async def _outcome(picture: Picture, receipt: Receipt) -> list[Row]:
    """Rows of an order and its legs once the broker's records show its fate.

    Raises:
        OrderInDoubt: they do not yet.
        BrokerRejected: it was rejected after all.
    """

    def told() -> bool:
        found = picture.family(receipt.order_ids)
        filled = {row.order_id for row in found if row.status is OrderStatus.FILLED}
        return bool(found) and not any(
            row.status in _UNDER_WAY or (row.status is OrderStatus.SUSPENDED and row.parent_id in filled)
            for row in found
        )

    await picture.settle(told)
    found = picture.family(receipt.order_ids)
    if not found:
        raise OrderInDoubt("the broker's records do not show the order yet: look at 'tradeconsole orders'")
    for row in found:
        if row.status in _UNHEARD_OF:
            raise OrderInDoubt(
                f"{_words(row)}: not in the broker's records yet; look at 'tradeconsole orders'"
            )
        if row.status in {OrderStatus.REJECTED, OrderStatus.FAILED}:
            raise BrokerRejected(
                f"{_words(row)}: {row.reason or row.status}", broker_order_id=row.broker_order_id
            )
    return [order_row(row) for row in found]


async def _arm(picture: Picture) -> None:
    account = picture.account
    await picture.session.send(Arm(account.account_id, phrase=account.name))


def _held(picture: Picture, symbol: str) -> PositionRow:
    wanted = symbol.upper()
    for row in picture.positions:
        if wanted in {row.symbol.upper(), row.name.upper(), row.instrument_id.upper()}:
            return row
    raise InvalidRequest(f"no open position in {symbol}: 'tradeconsole positions' lists them")


def _position(picture: Picture, instrument_id: str) -> PositionRow | None:
    return next((row for row in picture.positions if row.instrument_id == instrument_id), None)


async def _find(picture: Picture, order_id: str, account: str | None) -> OrderRow:
    """The order with that id of the broker's or ours, in any account unless one is named."""
    searched = [account] if account else [choice.account_id for choice in picture.accounts]
    for name in searched:
        await picture.choose(name)
        for row in picture.orders:
            if order_id in {row.order_id, row.broker_order_id}:
                return row
    raise InvalidRequest(f"there is no order {order_id}: 'tradeconsole orders' lists them")


def _shows(picture: Picture, change: ModifyOrder) -> bool:
    """Whether the records have the change, or the order is over, so that nothing more becomes of it."""
    for row in picture.orders:
        if row.order_id == change.order_id:
            return not row.is_open or (
                change.size in {None, row.size}
                and change.limit_price in {None, row.limit_price}
                and change.stop_price in {None, row.stop_price}
            )
    return False


def _words(row: OrderRow) -> str:
    asked = price(row.price, row.decimals)
    at = f" at {asked}" if asked is not None else ""
    return f"{row.side} {row.size} {row.name} {row.type}{at}"


def _report(call: Invocation, receipt: Receipt, rows: Sequence[Row]) -> None:
    lines = [receipt.message]
    for row in rows:
        told = row["average_price"] or row["stop_price"] or row["limit_price"]
        at = f" at {told}" if told is not None else ""
        lines.append(
            f"  {row['id'] or row['order_id']}: {row['side']} {row['size']} {row['name']} "
            f"{row['type']}{at}: {row['status']}"
        )
    call.tell(
        {"message": plain_digits(receipt.message), "order_ids": receipt.order_ids, "orders": list(rows)},
        "\n".join(lines),
    )
