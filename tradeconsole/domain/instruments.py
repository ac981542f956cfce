"""Instruments: identity, tick grid and money value of a futures contract."""

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from functools import cached_property
from typing import Self

import msgspec

from tradeconsole.domain.notation import minus, shown
from tradeconsole.errors import InvalidRequest

MONTH_CODES = "FGHJKMNQUVXZ"
"""CME month letters, January to December."""


class ProductGroup(StrEnum):
    """Products that share trading hours and holidays."""

    EQUITY_INDEX = "equity_index"
    FX = "fx"
    RATES = "rates"
    ENERGY = "energy"
    METALS = "metals"
    GRAINS = "grains"
    LIVESTOCK = "livestock"
    CRYPTO = "crypto"


class ContractMonth(msgspec.Struct, frozen=True, order=True, gc=False):
    """Delivery month of a futures contract, such as December 2026 (`Z26`)."""

    year: int
    month: int

    @classmethod
    def parse(cls, code: str) -> Self:
        """Read `Z26`; two-digit years are 2000 to 2099.

        Raises:
            InvalidRequest: the code is not a month letter and two digits.
        """
        letter, year = code[:1].upper(), code[1:]
        if len(code) != 3 or letter not in MONTH_CODES or not year.isdecimal():
            raise InvalidRequest(
                f"'{code}' is not a contract month: expected a letter and a year, such as Z26"
            )
        return cls(2000 + int(year), MONTH_CODES.index(letter) + 1)

    @property
    def letter(self) -> str:
        return MONTH_CODES[self.month - 1]

    @property
    def code(self) -> str:
        """Letter and two-digit year: `Z26`."""
        return f"{self.letter}{self.year % 100:02d}"


class Instrument(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """A tradable contract with its tick grid.

    `instrument_id` is the broker's own id and opaque; `symbol` is the exchange's root (`MNQ`), `name` the
    contract as traders write it (`MNQZ6`). `tick_value` is money per tick per contract.
    """

    instrument_id: str
    symbol: str
    name: str
    description: str
    tick_size: Decimal
    tick_value: Decimal
    group: ProductGroup = ProductGroup.EQUITY_INDEX
    month: ContractMonth | None = None
    active: bool = True
    currency: str = "USD"

    @cached_property
    def tick(self) -> float:
        """The tick size for arithmetic on observed prices."""
        return float(self.tick_size)

    @cached_property
    def decimals(self) -> int:
        """Digits after the point that show every price on the grid exactly."""
        exponent = self.tick_size.normalize().as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0

    @cached_property
    def point_value(self) -> Decimal:
        """Money per whole point per contract."""
        return self.tick_value / self.tick_size

    def is_on_grid(self, price: Decimal) -> bool:
        """Whether a price is a whole number of ticks."""
        return _is_price(price) and price % self.tick_size == 0

    def ticks(self, price: Decimal) -> int:
        """A price as a number of ticks.

        Raises:
            InvalidRequest: the price lies between two ticks, or is none.
        """
        if not _is_price(price):
            raise InvalidRequest(f"{self.name}: {price} is no price")
        ticks, rest = divmod(price, self.tick_size)
        if rest:
            typed = minus(f"{price:,}")
            low = (price / self.tick_size).to_integral_value(ROUND_FLOOR) * self.tick_size
            raise InvalidRequest(
                f"{self.name}: price {typed} is off the tick grid of {self.tick_size}; "
                f"nearest are {self.format(low)} and {self.format(low + self.tick_size)}"
            )
        return int(ticks)

    def price(self, ticks: int) -> Decimal:
        """The price that many ticks above zero."""
        return ticks * self.tick_size

    def quantize(self, price: float | Decimal) -> Decimal:
        """The nearest price on the grid, as owed money is counted."""
        return self.nearest_tick(price) * self.tick_size

    def nearest_tick(self, price: float | Decimal) -> int:
        """The number of ticks nearest to an observed price."""
        if isinstance(price, float):
            return round(price / self.tick)
        return int((price / self.tick_size).to_integral_value(ROUND_HALF_EVEN))

    def snap(self, price: float) -> float:
        """An observed price freed of binary noise: the float nearest to a price on the grid."""
        return round(round(price / self.tick) * self.tick, self.decimals)

    def offset(self, price: Decimal, ticks: int) -> Decimal:
        """A price moved by a number of ticks."""
        return price + ticks * self.tick_size

    def money(self, points: Decimal, size: int) -> Decimal:
        """What a move of that many points is worth for `size` contracts; signed as its inputs."""
        return points / self.tick_size * self.tick_value * size

    def format(self, price: float | Decimal) -> str:
        """A price for people, with just the digits that the grid needs: `28,712.50`."""
        return shown(price, self.decimals)


def _is_price(price: Decimal) -> bool:
    """Whether a number is finite and below a trillion, which keeps tick arithmetic exact."""
    return price.is_finite() and price.adjusted() < 12
