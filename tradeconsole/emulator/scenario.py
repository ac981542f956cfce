"""Who exists at a fresh emulator: the demo user with a practice and a combine account."""

from decimal import Decimal

from tradeconsole.exchange.records import BracketMode, VenueAccount

_FIRST_ID = 10_000_000


def demo_accounts(user: str, installation: int) -> tuple[VenueAccount, ...]:
    """The demo user's accounts, named as Topstep names them; ids differ from installation to installation.

    Args:
        installation: a number below 10⁸ from which ids and names derive.
    """
    trader = 100_000 + installation % 900_000
    return tuple(
        VenueAccount(
            id=_FIRST_ID + installation * 2 + index,
            user=user,
            name=f"{prefix}-{trader}-{10_000_000 + (installation * 7919 + index * 104_729) % 90_000_000}",
            balance=Decimal(balance),
            start_balance=Decimal(balance),
            bracket_mode=BracketMode.AUTO_OCO,
            max_lots=Decimal(lots),
        )
        for index, (prefix, balance, lots) in enumerate((("PRAC-V2", 150_000, 15), ("50KTC-V2", 50_000, 5)))
    )
