"""Which contract of each product is the active one: the calendar's, unless it was rolled ahead by hand."""

from datetime import date
from typing import Final

from tradeconsole.domain.instruments import ContractMonth
from tradeconsole.errors import InvalidRequest
from tradeconsole.exchange.catalogue import Catalogue, Contract, Product

SEARCH_LIMIT: Final = 20


class Listing:
    """The catalogue as it stands at one venue. A product that was rolled stays there until the calendar is past it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._ahead: dict[str, ContractMonth] = {}

    def active(self, product: Product, day: date) -> Contract:
        """The product's active contract on a day."""
        contract = self.catalogue.active(product, day)
        ahead = self._ahead.get(product.symbol)
        return contract if ahead is None or ahead <= contract.month else Contract(product, ahead)

    def is_active(self, contract: Contract, day: date) -> bool:
        """Whether the contract is listed and the active one of its product."""
        return self.catalogue.lists(contract.product) and self.active(contract.product, day) == contract

    def available(self, day: date) -> list[Contract]:
        """The active contract of every listed product."""
        return [self.active(contract.product, day) for contract in self.catalogue.available(day)]

    def search(self, text: str, day: date) -> list[Contract]:
        """Active contracts whose name, description or id contains every word; at most 20."""
        words = text.casefold().split()
        found = []
        for contract in self.available(day):
            haystack = f"{contract.name} {contract.description} {contract.id}".casefold()
            if all(word in haystack for word in words):
                found.append(contract)
        return found[:SEARCH_LIMIT]

    def roll(self, product: Product, day: date) -> Contract:
        """Make the next expiry of a product the active one; that contract.

        Raises:
            InvalidRequest: the catalogue is pinned to one expiry.
        """
        following = self.catalogue.following(self.active(product, day))
        if following is None:
            raise InvalidRequest(f"{product.symbol} has one expiry in this market: nothing to roll to")
        self._ahead[product.symbol] = following.month
        return following

    def rolled(self) -> dict[str, str]:
        """Products rolled ahead of the calendar, and to which month, to be kept."""
        return {symbol: month.code for symbol, month in self._ahead.items()}

    def load(self, rolled: dict[str, str]) -> None:
        """Take up what was kept."""
        self._ahead = {symbol: ContractMonth.parse(code) for symbol, code in rolled.items()}
