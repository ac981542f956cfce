"""What the gateway's product codes mean: symbol, trading hours, and commission where a fill leaves it out."""

import logging
import tomllib
from decimal import Decimal
from importlib.resources import files

import msgspec

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.portfolio import ZERO

log = logging.getLogger(__name__)


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One product; `commission` is per contract and side."""

    symbol: str
    group: ProductGroup
    commission: Decimal


Products = dict[str, Product]
"""By product code."""


def load_products() -> Products:
    """The table that ships with the package."""
    text = files("tradeconsole.brokers.projectx").joinpath("products.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Products)


def product_code(contract_or_symbol_id: str) -> str:
    """`MNQ` of `CON.F.US.MNQ.Z26` and of `F.US.MNQ`; empty if the id has another form."""
    parts = contract_or_symbol_id.removeprefix("CON.").split(".")
    return parts[2] if len(parts) >= 3 else ""


class Commissions:
    """The commission of a fill that does not state one.

    Hub events carry it, REST rows may not; the same fill must cost the same whichever comes first. So a rate once
    stated for a product answers for it, and the table does before that.
    """

    def __init__(self, products: Products) -> None:
        self._products = products
        self._stated: dict[str, Decimal] = {}

    def of(self, contract_id: str, size: int, stated: Decimal | None) -> Decimal:
        """Commission of a fill of `size` contracts, in the account's currency."""
        code = product_code(contract_id)
        if stated is not None:
            if size:
                self._stated[code] = stated / size
            return stated
        rate = self._stated.get(code)
        if rate is None:
            product = self._products.get(code)
            rate = product.commission if product else ZERO
        return rate * size
