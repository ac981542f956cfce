"""Verbs that read: accounts, positions, orders, history."""

from datetime import UTC, date, datetime
from typing import Annotated, Final

import typer

from tradeconsole.cli.invocation import EPILOG, invocation
from tradeconsole.cli.one_shot import with_picture, with_session
from tradeconsole.cli.order_options import whole
from tradeconsole.cli.output import Row, identity, plain_digits, price
from tradeconsole.cli.picture import Picture
from tradeconsole.domain.market import Bar
from tradeconsole.errors import ConfigError
from tradeconsole.views.models import AccountChoice, OrderRow, PositionRow
from tradeconsole.views.session import Bars, History, Session

Account = Annotated[str | None, typer.Option("--account", help="Name or id; else the profile's own.")]

_POSITION_COLUMNS: Final = ("name", "side", "size", "average_price", "fees", "protected", "opened_at")
_ORDER_COLUMNS: Final = (
    *("id", "name", "side", "type", "size", "filled"),
    *("limit_price", "stop_price", "average_price", "status", "reason"),
)


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.command("accounts", epilog=EPILOG)(accounts)
    app.command("positions", epilog=EPILOG)(positions)
    app.command("orders", epilog=EPILOG)(orders)
    app.command("history", epilog=EPILOG)(history)


def accounts(context: typer.Context) -> None:
    """List the accounts of the user."""
    call = invocation(context)

    async def read(picture: Picture) -> list[Row]:
        return [account_row(account) for account in picture.accounts]

    call.show(with_picture(call, None, read), "no accounts")


def positions(context: typer.Context, account: Account = None) -> None:
    """List open positions."""
    call = invocation(context)

    async def read(picture: Picture) -> list[Row]:
        return [position_row(row) for row in picture.positions]

    call.show(with_picture(call, account, read), "no open positions", columns=_POSITION_COLUMNS)


def orders(
    context: typer.Context,
    account: Account = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only orders that may still fill.")] = False,
) -> None:
    """List open and recent orders.

    Open ones come first, the legs of a bracket below their entry; then those that are over, the newest first.
    """
    call = invocation(context)

    async def read(picture: Picture) -> list[Row]:
        return [order_row(row) for row in picture.orders if row.is_open or not open_only]

    call.show(with_picture(call, account, read), "no orders", columns=_ORDER_COLUMNS)


def history(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="MNQ, or one contract such as MNQZ6.")],
    timeframe: Annotated[str, typer.Option(help="A number and s, m, h, d, w or mo, such as 5m.")] = "1m",
    start: Annotated[
        str | None, typer.Option("--from", help="A date (UTC), or an ISO time with Z or an offset.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="The same; bars that start before it.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="BARS", help="The newest so many; 500 if there is no --from."),
    ] = None,
) -> None:
    """Print closed bars, the oldest first.

    They are stamped with their start.
    """
    call = invocation(context)
    query = History(symbol=symbol, timeframe=timeframe, start=_moment(start), end=_moment(end), limit=limit)

    async def read(session: Session) -> Bars:
        return await session.history(query)

    bars = with_session(call, read, storage=True)
    call.show([_bar_row(bar, bars.instrument.decimals) for bar in bars.bars], "no bars in that span")


def account_row(account: AccountChoice) -> Row:
    return {
        "id": identity(account.account_id),
        "name": account.name,
        "kind": account.kind,
        "balance": account.balance,
        "can_trade": account.can_trade,
    }


def position_row(row: PositionRow) -> Row:
    return {
        "account_id": identity(row.account_id),
        "contract_id": row.instrument_id,
        "symbol": row.symbol,
        "name": row.name,
        "side": "LONG" if row.size > 0 else "SHORT",
        "size": abs(row.size),
        "average_price": price(row.average_price, row.decimals),
        "opened_at": row.opened_at,
        "open_pnl": row.open_pnl,
        "fees": row.fees,
        "protected": row.protected,
        "protection": plain_digits(row.protection),
        "enforcer": row.enforcer or None,
    }


def order_row(row: OrderRow) -> Row:
    """`id` is the broker's, `order_id` ours; either names the order to `cancel` and `order modify`."""
    return {
        "id": identity(row.broker_order_id) if row.broker_order_id else None,
        "order_id": row.order_id,
        "account_id": identity(row.account_id),
        "contract_id": row.instrument_id,
        "symbol": row.symbol,
        "name": row.name,
        "side": row.side,
        "type": row.type,
        "role": row.role,
        "size": row.size,
        "filled": row.filled,
        "limit_price": price(row.limit_price, row.decimals),
        "stop_price": price(row.stop_price, row.decimals),
        "average_price": price(row.average_price, row.decimals),
        "status": row.status,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "parent_id": row.parent_id,
        "replaced_by": row.replaced_by,
        "reason": row.reason or None,
    }


def _bar_row(bar: Bar, decimals: int) -> Row:
    figures = {"o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close}
    prices = {name: price(figure, decimals) for name, figure in figures.items()}
    return {"t": bar.time, **prices, "v": bar.volume}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if len(text) == len("2026-09-14"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ConfigError(f"'{text}' has no zone: add Z for UTC, or an offset such as -05:00")
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(f"'{text}' is no time: write 2026-09-14, or 2026-09-14T13:30:00Z") from None
