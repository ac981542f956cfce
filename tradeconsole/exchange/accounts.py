"""What an account may come to hold, by contract and in mini-equivalents, with the orders that may still fill; pure."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.records import VenueOrder, VenuePosition


def worst_cases(positions: Iterable[VenuePosition], orders: Iterable[VenueOrder]) -> dict[str, int]:
    """The most contracts that an account could come to hold: by contract, the larger of all buys and all sells filling.

    Legs of brackets and the platform's own orders are left out, since they only ever close what is held. The venue's own formula is
    not known.
    """
    held: Counter[str] = Counter()
    buys: Counter[str] = Counter()
    sells: Counter[str] = Counter()
    for position in positions:
        held[position.contract_id] += position.size
    for order in orders:
        if order.parent_id is None and order.position_id is None:
            sums = buys if order.side.sign > 0 else sells
            sums[order.contract_id] += order.remaining
    return {
        contract_id: max(held[contract_id] + buys[contract_id], sells[contract_id] - held[contract_id])
        for contract_id in held.keys() | buys.keys() | sells.keys()
    }


def exposure(
    catalogue: Catalogue, positions: Iterable[VenuePosition], orders: Iterable[VenueOrder]
) -> Decimal:
    """The same over all contracts in mini-equivalents: ten micros are a mini, with the exceptions in the product list."""
    return sum(
        (
            size * contract.product.weight
            for contract_id, size in worst_cases(positions, orders).items()
            if (contract := catalogue.contract(contract_id)) is not None
        ),
        Decimal(0),
    )
