"""What an account may hold: its exposure in mini-equivalents, with the orders that may still fill."""

from collections.abc import Iterable
from decimal import Decimal

from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.records import VenueOrder, VenuePosition


def exposure(
    catalogue: Catalogue, positions: Iterable[VenuePosition], orders: Iterable[VenueOrder]
) -> Decimal:
    """The most that an account could come to hold: over contracts, the larger of all buys and all sells filling.

    Legs of brackets are left out, since they only ever close what their entry opened. The venue's own formula is
    not known; its weights are (ten micros are a mini, with the exceptions in the product list).
    """
    held: dict[str, int] = {}
    buys: dict[str, int] = {}
    sells: dict[str, int] = {}
    for position in positions:
        held[position.contract_id] = held.get(position.contract_id, 0) + position.size
    for order in orders:
        if order.parent_id is None:
            sums = buys if order.side.sign > 0 else sells
            sums[order.contract_id] = sums.get(order.contract_id, 0) + order.remaining
    total = Decimal(0)
    for contract_id in held.keys() | buys.keys() | sells.keys():
        contract = catalogue.contract(contract_id)
        if contract is None:
            continue
        size = held.get(contract_id, 0)
        worst = max(size + buys.get(contract_id, 0), sells.get(contract_id, 0) - size)
        total += worst * contract.product.weight
    return total
