"""Products and contracts: what the venue lists, and which month the calendar makes active on a day."""

import tomllib
from calendar import FRIDAY, WEDNESDAY, monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from importlib import resources
from typing import Self

import msgspec

from tradeconsole.domain.instruments import MONTH_CODES, ContractMonth, ProductGroup
from tradeconsole.errors import InvalidRequest

_MONTH_NAMES = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


class Anchor(StrEnum):
    """A day given by a contract's delivery month."""

    FIRST_OF_MONTH = "first-of-month"
    SECOND_FRIDAY = "second-friday"
    THIRD_FRIDAY = "third-friday"
    LAST_FRIDAY = "last-friday"
    THIRD_WEDNESDAY = "third-wednesday"
    MONTH_BEFORE = "25th-of-month-before"


class RollRule(msgspec.Struct, frozen=True):
    """The next contract becomes the active one `days` calendar days before the anchor."""

    anchor: Anchor
    days: int

    def date(self, month: ContractMonth) -> date:
        """First day on which a contract of that delivery month is no longer the active one."""
        return _anchor_day(self.anchor, month.year, month.month) - timedelta(self.days)


class Product(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One listed product. Charges are per contract and side; `weight` is in mini-equivalents.

    `volatility` is the standard deviation of a day's move in % of `price`, `volume` contracts a day; a product
    that `follows` another shares its price path and has no price of its own.
    """

    symbol: str
    code: str
    description: str
    exchange: str
    group: ProductGroup
    tick: Decimal
    tick_value: Decimal
    fee: Decimal
    commission: Decimal
    weight: Decimal
    months: str
    roll: str
    volume: int
    fee_verified: bool = False
    follows: str | None = None
    price: float = 0.0
    volatility: float = 0.0

    @property
    def symbol_id(self) -> str:
        return f"F.US.{self.code}"

    @cached_property
    def point_value(self) -> Decimal:
        """Money per whole point per contract."""
        return self.tick_value / self.tick

    @cached_property
    def tick_float(self) -> float:
        return float(self.tick)

    @cached_property
    def decimals(self) -> int:
        """Digits after the point that show every price on the grid exactly."""
        exponent = self.tick.normalize().as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0

    def price_of(self, ticks: int) -> float:
        """The observed price that many ticks above zero."""
        return round(ticks * self.tick_float, self.decimals)

    def ticks_of(self, price: float | Decimal) -> int:
        """The number of ticks nearest to a price."""
        return round(float(price) / self.tick_float)

    def owed(self, price: float | Decimal) -> Decimal:
        """An observed price as it is booked."""
        return self.ticks_of(price) * self.tick

    def is_on_grid(self, price: Decimal) -> bool:
        return price % self.tick == 0


class Contract(msgspec.Struct, frozen=True, dict=True):
    """One delivery month of a product."""

    product: Product
    month: ContractMonth

    @cached_property
    def id(self) -> str:
        """`CON.F.US.MNQ.Z26`"""
        return f"CON.F.US.{self.product.code}.{self.month.code}"

    @property
    def name(self) -> str:
        """`MNQZ6`: one digit for the year, as contracts are listed."""
        return f"{self.product.symbol}{self.month.letter}{self.month.year % 10}"

    @property
    def display_name(self) -> str:
        """`MNQZ26`: two digits, as positions show it."""
        return f"{self.product.symbol}{self.month.code}"

    @property
    def description(self) -> str:
        return f"{self.product.description}: {_MONTH_NAMES[self.month.month - 1]} {self.month.year}"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rolls: dict[str, RollRule]
    products: dict[str, dict[str, object]]


class Catalogue:
    """Every product, its contracts, and which of them is active on a day.

    Args:
        products: in listing order.
        rolls: the rules that products name.
        pinned: where given, only these products are listed, each with this month whatever the day; a replay of
            a past market uses it.
        listed: symbols of the products that are listed; None lists all.
    """

    def __init__(
        self,
        products: tuple[Product, ...],
        rolls: Mapping[str, RollRule],
        pinned: Mapping[str, ContractMonth] | None = None,
        listed: frozenset[str] | None = None,
    ) -> None:
        self._products = products
        self._rolls = rolls
        self._pinned = pinned
        self._listed = frozenset(pinned) if pinned is not None else listed
        self._by_symbol = {product.symbol: product for product in products}
        self._by_code = {product.code: product for product in products}
        self._contracts: dict[str, Contract | None] = {}
        self._active: dict[tuple[str, date], Contract] = {}

    @classmethod
    def load(cls) -> Self:
        """The products that come with the package."""
        text = resources.files(__package__).joinpath("products.toml").read_text(encoding="utf-8")
        file = msgspec.convert(tomllib.loads(text), _File)
        products = tuple(
            msgspec.convert({"symbol": symbol, **fields}, Product) for symbol, fields in file.products.items()
        )
        return cls(products, file.rolls)

    def pinned_to(self, contract: Contract) -> "Catalogue":
        """The same catalogue with only this contract listed and always active."""
        return Catalogue(self._products, self._rolls, {contract.product.symbol: contract.month})

    def listing_only(self, symbols: Iterable[str]) -> "Catalogue":
        """The same catalogue with only some products listed.

        Raises:
            InvalidRequest: no such product.
        """
        listed = frozenset(self.product(symbol).symbol for symbol in symbols)
        return Catalogue(self._products, self._rolls, listed=listed)

    @property
    def products(self) -> tuple[Product, ...]:
        return self._products

    def product(self, symbol: str) -> Product:
        """A product by the exchange's root, such as `ES`.

        Raises:
            InvalidRequest: no such product.
        """
        product = self._by_symbol.get(symbol.upper())
        if product is None:
            raise InvalidRequest(
                f"unknown symbol '{symbol}': expected a listed product such as ES, MNQ or CL"
            )
        return product

    def contract(self, contract_id: str) -> Contract | None:
        """A contract by its id, expired ones included; None if there never was one."""
        if contract_id not in self._contracts:
            self._contracts[contract_id] = self._parse(contract_id)
        return self._contracts[contract_id]

    def known(self, contract_id: str) -> Contract:
        """A contract that is known to exist.

        Raises:
            InvalidRequest: it does not.
        """
        contract = self.contract(contract_id)
        if contract is None:
            raise InvalidRequest(f"unknown contract '{contract_id}'")
        return contract

    def active(self, product: Product, day: date) -> Contract:
        """The product's active contract on a day."""
        key = (product.symbol, day)
        contract = self._active.get(key)
        if contract is None:
            contract = self._active[key] = self._find_active(product, day)
        return contract

    def available(self, day: date) -> list[Contract]:
        """The active contract of every listed product."""
        return [self.active(product, day) for product in self._products if self.lists(product)]

    def lists(self, product: Product) -> bool:
        """Whether a product can be traded here."""
        return self._listed is None or product.symbol in self._listed

    def following(self, contract: Contract) -> Contract | None:
        """The next expiry of a contract's product; None where the catalogue is pinned to one."""
        return None if self._pinned is not None else _next_listed(contract.product, contract.month)

    def _parse(self, contract_id: str) -> Contract | None:
        prefix, _, code = contract_id.rpartition(".")
        product = self._by_code.get(prefix.removeprefix("CON.F.US."))
        if product is None or not prefix.startswith("CON.F.US."):
            return None
        if len(code) != 3 or code[0] not in MONTH_CODES or not code[1:].isdecimal():
            return None
        return Contract(product, ContractMonth.parse(code))

    def _find_active(self, product: Product, day: date) -> Contract:
        if self._pinned is not None and product.symbol in self._pinned:
            return Contract(product, self._pinned[product.symbol])
        rule = self._rolls[product.roll]
        month = ContractMonth(day.year, day.month)
        while month.letter not in product.months or day >= rule.date(month):
            month = _next_month(month)
        return Contract(product, month)


def _next_listed(product: Product, month: ContractMonth) -> Contract:
    month = _next_month(month)
    while month.letter not in product.months:
        month = _next_month(month)
    return Contract(product, month)


def _next_month(month: ContractMonth) -> ContractMonth:
    return ContractMonth(month.year + month.month // 12, month.month % 12 + 1)


def _anchor_day(anchor: Anchor, year: int, month: int) -> date:
    match anchor:
        case Anchor.FIRST_OF_MONTH:
            return date(year, month, 1)
        case Anchor.SECOND_FRIDAY:
            return _weekday(year, month, FRIDAY, 2)
        case Anchor.THIRD_FRIDAY:
            return _weekday(year, month, FRIDAY, 3)
        case Anchor.THIRD_WEDNESDAY:
            return _weekday(year, month, WEDNESDAY, 3)
        case Anchor.LAST_FRIDAY:
            last = date(year, month, monthrange(year, month)[1])
            return last - timedelta((last.weekday() - FRIDAY) % 7)
        case Anchor.MONTH_BEFORE:
            return (date(year, month, 1) - timedelta(1)).replace(day=25)


def _weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))
