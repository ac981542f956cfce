"""Accounts and their equity over time."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.ports import EquityPoint
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.upserts import upsert

_ACCOUNT: Final = ("name", "balance", "kind", "can_trade", "is_visible", "simulated")

_SAVE_ACCOUNT: Final = upsert("accounts", ("broker", "account_id"), _ACCOUNT)


async def save_accounts(connection: Connection, broker: str, accounts: Iterable[tuple[int, Account]]) -> None:
    """Write accounts, each with its stamp."""
    rows = [
        (broker, account.account_id, *(getattr(account, name) for name in _ACCOUNT), stamp)
        for stamp, account in accounts
    ]
    await connection.executemany(_SAVE_ACCOUNT, rows)


_LOAD_ACCOUNTS: Final = f"""
SELECT account_id, {", ".join(_ACCOUNT)} FROM accounts WHERE broker = $1 ORDER BY account_id
"""  # noqa: S608 -- names from above


async def load_accounts(connection: Connection, broker: str) -> tuple[Account, ...]:
    """All accounts that were ever seen."""
    rows = await connection.fetch(_LOAD_ACCOUNTS, broker)
    return tuple(msgspec.convert(dict(row), Account) for row in rows)


_SAVE_EQUITY: Final = upsert("equity", ("broker", "account_id", "time"), ("equity",))


async def save_equity(connection: Connection, broker: str, points: Iterable[tuple[int, EquityPoint]]) -> None:
    """Write points of equity curves, each with its stamp."""
    rows = [(broker, point.account_id, point.time, point.equity, stamp) for stamp, point in points]
    await connection.executemany(_SAVE_EQUITY, rows)


_LOAD_EQUITY: Final = """
SELECT DISTINCT ON (account_id, date_bin('1 minute', time, 'epoch')) account_id, time, equity
FROM equity
WHERE broker = $1 AND time >= (SELECT max(time) FROM equity WHERE broker = $1) - $2::interval
ORDER BY account_id, date_bin('1 minute', time, 'epoch'), time DESC
"""


async def load_equity(
    connection: Connection, broker: str, window: timedelta
) -> tuple[tuple[str, datetime, Decimal], ...]:
    """The last point of each minute within a window before the newest one; by account, oldest first."""
    rows = await connection.fetch(_LOAD_EQUITY, broker, window)
    return tuple((row["account_id"], row["time"], row["equity"]) for row in rows)
