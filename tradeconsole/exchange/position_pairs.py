"""Position brackets: the stop and the target that the platform itself keeps for a position; pure.

They are the default of real accounts, set up in the platform's own settings, and whoever trades through the API has
not sent them. How the platform goes about it is not public, so all of this is (unverified): a stop and a limit order
for the whole position appear a moment after it was opened, at distances from its average price; they follow its size,
and its average price where it grows; one that the trader takes away stays away until the position is another; when
the position is flat they are cancelled. They carry neither tag nor parent, and the target is linked to the stop.
"""

from datetime import datetime
from typing import Final

import msgspec

from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.records import (
    BracketMode,
    ExchangeOptions,
    PositionBrackets,
    VenueOrder,
    VenuePosition,
)
from tradeconsole.exchange.store import OPEN, Store

_KINDS: Final = ((OrderType.STOP, -1), (OrderType.LIMIT, 1))


class PositionPairs:
    """Works out how the platform's own orders have to stand; whoever asks puts them to work."""

    def __init__(self, catalogue: Catalogue, store: Store, options: ExchangeOptions) -> None:
        self._catalogue = catalogue
        self._store = store
        self._options = options

    def working(self, account_id: int, contract_id: str) -> list[VenueOrder]:
        """The platform's own orders in a contract that may still fill, those of a position that is gone included."""
        return [
            order
            for order in self._store.open_orders(account_id)
            if order.position_id is not None and order.contract_id == contract_id
        ]

    def are_kept(self, account_id: int, contract_id: str) -> bool:
        """Whether there is anything to keep in step with a position."""
        opens = self._brackets(account_id) is not None
        return opens or bool(self.working(account_id, contract_id))

    def held(self, order: VenueOrder) -> int:
        """How many contracts one of the platform's own orders may still close."""
        position = self._position(order.account_id, order.contract_id)
        return abs(position.size) if position is not None and position.id == order.position_id else 0

    def due(self, account_id: int, contract_id: str, now: datetime) -> list[VenueOrder]:
        """The pair of a position as it should stand now, the stop first; none where there is no position."""
        position = self._position(account_id, contract_id)
        if position is None:
            return []
        found = (self._leg(position, kind, direction, now) for kind, direction in _KINDS)
        legs = [leg for leg in found if leg is not None]
        if len(legs) == len(_KINDS):
            legs[1] = msgspec.structs.replace(legs[1], linked_id=legs[0].id)
        return legs

    def _leg(
        self, position: VenuePosition, kind: OrderType, direction: int, now: datetime
    ) -> VenueOrder | None:
        """The stop or the target of a position, kept or made anew."""
        known = [order for order in self._store.guards(position.id) if order.type is kind]
        last = known[-1] if known else None
        brackets = self._brackets(position.account_id)
        if last is not None and last.status in OPEN:
            order = msgspec.structs.replace(last, size=last.filled + abs(position.size), updated_at=now)
            # it has grown, or it would have been cut down when the position shrank
            return self._priced(order, position, brackets, direction) if order.size > last.size else order
        if brackets is None or (last is not None and last.status is not OrderStatus.FILLED):
            return None
        order = VenueOrder(
            id=0,
            account_id=position.account_id,
            contract_id=position.contract_id,
            symbol_id=self._catalogue.known(position.contract_id).product.symbol_id,
            created_at=now,
            updated_at=now,
            status=OrderStatus.WORKING,
            type=kind,
            side=Side.SELL if position.size > 0 else Side.BUY,
            size=abs(position.size),
            position_id=position.id,
        )
        priced = self._priced(order, position, brackets, direction)
        if priced.limit_price is None and priced.stop_price is None:
            return None
        return msgspec.structs.replace(priced, id=self._store.next_order_id())

    def _priced(
        self, order: VenueOrder, position: VenuePosition, brackets: PositionBrackets | None, direction: int
    ) -> VenueOrder:
        """An order at its distance from the position's average price; as it is where none is set any more."""
        is_stop = order.type is OrderType.STOP
        ticks = None if brackets is None else brackets.stop_ticks if is_stop else brackets.target_ticks
        if ticks is None:
            return order
        product = self._catalogue.known(order.contract_id).product
        away = ticks * direction * (1 if position.size > 0 else -1)
        price = (product.ticks_of(position.average_price) + away) * product.tick
        if price <= 0:
            return order
        return msgspec.structs.replace(order, **{"stop_price" if is_stop else "limit_price": price})

    def _brackets(self, account_id: int) -> PositionBrackets | None:
        account = self._store.accounts[account_id]
        mode = account.bracket_mode or self._options.bracket_mode
        return account.position_brackets if mode is BracketMode.POSITION else None

    def _position(self, account_id: int, contract_id: str) -> VenuePosition | None:
        return self._store.position(account_id, contract_id)
