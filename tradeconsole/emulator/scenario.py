"""Who exists at an emulator, and under which circumstances: the demo user, or what a scenario says."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from zlib import crc32

import msgspec

from tradeconsole.exchange.account_rules import Plan
from tradeconsole.exchange.records import BracketMode, PositionBrackets, VenueAccount

_FIRST_ID: Final = 10_000_000


class AccountKind(StrEnum):
    """What a firm sells."""

    PRACTICE = "practice"
    COMBINE = "combine"
    EXPRESS = "express"
    LIVE = "live"


class AccountSize(StrEnum):
    """By which it is sold."""

    SMALL = "50K"
    MEDIUM = "100K"
    LARGE = "150K"


class _Terms(msgspec.Struct, frozen=True):
    balance: int
    loss_limit: int
    daily_loss: int
    lots: int
    scaling: tuple[tuple[int, int], ...]


_TERMS: Final = {
    AccountSize.SMALL: _Terms(50_000, 2_000, 1_000, 5, ((0, 2), (1_500, 3), (2_001, 5))),
    AccountSize.MEDIUM: _Terms(100_000, 3_000, 2_000, 10, ((0, 3), (1_500, 4), (2_000, 5), (3_000, 10))),
    AccountSize.LARGE: _Terms(
        150_000, 4_500, 3_000, 15, ((0, 3), (1_500, 4), (2_000, 5), (3_000, 10), (4_500, 15))
    ),
}
"""Topstep's, for combine and express funded accounts; the scale of express accounts is unverified."""

_BELOW_NOTHING: Final = Decimal(-1_000_000_000)
"""The first step of a scale holds for accounts in the red as well."""


BRACKET_MODES: Final = {"AutoOCO": BracketMode.AUTO_OCO, "PositionBrackets": BracketMode.POSITION}
"""As the gateway's users know them."""


def bracket_mode(name: str | None, brackets: PositionBrackets | None) -> BracketMode | None:
    """The mode of an account by its name; without one, that which its position brackets need, if it has any."""
    if name is not None:
        return BRACKET_MODES[name]
    return BracketMode.POSITION if brackets not in {None, PositionBrackets()} else None


class LoginOutcome(StrEnum):
    """What a right key opens."""

    OK = "ok"
    AGREEMENTS_NOT_SIGNED = "agreements-not-signed"
    NO_SUBSCRIPTION = "no-subscription"
    KEY_LOGIN_DISABLED = "key-login-disabled"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario file."""


class ScenarioAccount(Section, frozen=True):
    """An account. What is not said follows from its kind and size; `daily_loss` is one that the trader has set."""

    kind: AccountKind = AccountKind.PRACTICE
    size: AccountSize | None = None
    dll: bool | None = None
    daily_loss: Decimal | None = None
    id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    name: str | None = None
    balance: Decimal | None = None
    max_lots: Decimal | None = None
    product_limits: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}
    scaling: bool = False
    bracket_mode: Literal["AutoOCO", "PositionBrackets"] | None = None
    position_brackets: PositionBrackets | None = None
    can_trade: bool = True
    visible: bool = True
    follower: bool = False


class ScenarioUser(Section, frozen=True):
    """Somebody who may log in."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    key: Annotated[str, msgspec.Meta(min_length=1)]
    login: LoginOutcome = LoginOutcome.OK
    accounts: tuple[ScenarioAccount, ...] = (ScenarioAccount(),)


class ScenarioMarket(Section, frozen=True):
    """The market; members are those of the emulator's options. `products` are roots, such as MNQ."""

    calendar: Literal["continuous", "cme"] = "continuous"
    activity: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 1.0
    volatility: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 1.0
    products: tuple[str, ...] | None = None
    start: str | None = None
    speed: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 1.0
    frozen: bool = False


class Scenario(Section, frozen=True):
    """Everything about an emulator that its users and tests may want to choose."""

    seed: int | None = None
    market: ScenarioMarket = ScenarioMarket()
    switches: dict[str, Any] = {}
    users: Annotated[tuple[ScenarioUser, ...], msgspec.Meta(min_length=1)] = ()

    @property
    def fingerprint(self) -> str:
        """Tells whether a state was made with the same users and accounts."""
        return f"{crc32(msgspec.json.encode(self.users)):08x}"


def demo_accounts(user: str, installation: int) -> tuple[VenueAccount, ...]:
    """The demo user's accounts, named as Topstep names them; ids differ from installation to installation.

    They know no rules but a position limit.

    Args:
        installation: a number below 10⁸ from which ids and names derive.
    """
    sold = (
        ScenarioAccount(),
        ScenarioAccount(kind=AccountKind.COMBINE, size=AccountSize.SMALL),
    )
    return tuple(
        msgspec.structs.replace(_account(user, account, installation, 0, index), plan=None)
        for index, account in enumerate(sold)
    )


def scenario_accounts(users: tuple[ScenarioUser, ...], installation: int) -> tuple[VenueAccount, ...]:
    """Every account of a scenario; ids and names that it leaves open derive from the installation."""
    taken = {account.id for user in users for account in user.accounts}
    made: list[VenueAccount] = []
    for number, user in enumerate(users):
        for account in user.accounts:
            index = len(made)
            while account.id is None and _FIRST_ID + installation * 2 + index in taken:
                index += 1
            made.append(_account(user.name.lower(), account, installation, number, index))
            taken.add(made[-1].id)
    return tuple(made)


def _account(user: str, account: ScenarioAccount, installation: int, number: int, index: int) -> VenueAccount:
    size = account.size or (AccountSize.LARGE if account.kind is AccountKind.PRACTICE else AccountSize.SMALL)
    terms = _TERMS[size]
    express = account.kind is AccountKind.EXPRESS
    balance = Decimal(0 if express else terms.balance) if account.balance is None else account.balance
    return VenueAccount(
        id=account.id or _FIRST_ID + installation * 2 + index,
        user=user,
        name=account.name or _name(account, size, installation, number, index),
        balance=balance,
        start_balance=Decimal(0 if express else terms.balance),
        can_trade=account.can_trade,
        is_visible=account.visible,
        simulated=account.kind is not AccountKind.LIVE,
        bracket_mode=bracket_mode(account.bracket_mode, account.position_brackets),
        position_brackets=account.position_brackets,
        max_lots=Decimal(terms.lots) if account.max_lots is None else account.max_lots,
        product_limits={symbol.upper(): limit for symbol, limit in account.product_limits.items()},
        follower=account.follower,
        plan=_plan(account, terms),
    )


def _plan(account: ScenarioAccount, terms: _Terms) -> Plan | None:
    """The rules that come with an account; practice accounts have none."""
    if account.kind is AccountKind.PRACTICE:
        return None
    live = account.kind is AccountKind.LIVE
    limited = live if account.dll is None else account.dll
    return Plan(
        start=Decimal(0 if account.kind is AccountKind.EXPRESS else terms.balance),
        # what a live account may lose is not public
        loss_limit=None if live else Decimal(terms.loss_limit),
        daily_loss=account.daily_loss or (Decimal(terms.daily_loss) if limited else None),
        scaling=tuple(
            (Decimal(least) if least else _BELOW_NOTHING, Decimal(lots)) for least, lots in terms.scaling
        )
        if account.scaling
        else (),
    )


def _name(account: ScenarioAccount, size: AccountSize, installation: int, number: int, index: int) -> str:
    prefix = {
        AccountKind.PRACTICE: "PRAC-V2",
        AccountKind.COMBINE: f"{size}TC-V2" + ("-DLL" if account.dll else ""),
        AccountKind.EXPRESS: "EXPRESS-V2" + ("-DLL" if account.dll else ""),
        AccountKind.LIVE: "LIVE",  # (unverified)
    }[account.kind]
    trader = 100_000 + (installation + number * 7919) % 900_000
    return f"{prefix}-{trader}-{10_000_000 + (installation * 7919 + index * 104_729) % 90_000_000}"
