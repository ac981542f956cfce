"""The user stream: accounts, orders, positions and fills as they happen.

The documentation shows bare entities; the gateway wraps them as `{action, data}`. Arrays of either and names in
PascalCase were each seen once (unverified), so all are read (section 16 of the reference).
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from tradeconsole.brokers.projectx import translate, wire
from tradeconsole.brokers.projectx.hub_connection import Call, Handler
from tradeconsole.brokers.projectx.products import Commissions
from tradeconsole.domain.events import (
    AccountReported,
    FillReported,
    OrderReported,
    PositionReported,
)
from tradeconsole.ports import Publish

T = TypeVar("T", bound=wire.Row)

_decode_arguments: Final = msgspec.json.Decoder(list[Any], float_hook=Decimal).decode


def subscriptions(account_ids: Iterable[int]) -> list[Call]:
    """The hub calls that bring everything about these accounts."""
    calls: list[Call] = [("SubscribeAccounts",)]
    for account_id in account_ids:
        calls += [
            ("SubscribeOrders", account_id),
            ("SubscribePositions", account_id),
            ("SubscribeTrades", account_id),
        ]
    return calls


def entities(arguments: msgspec.Raw, row: type[T]) -> Iterator[tuple[T, bool]]:
    """The entities of one event, and whether it was deleted.

    Raises:
        msgspec.DecodeError: they are not what they should be.
    """
    for argument in _decode_arguments(arguments):
        for item in argument if isinstance(argument, list) else [argument]:
            envelope = _camel(item)
            wrapped = "data" in envelope
            entity = _camel(envelope["data"]) if wrapped else envelope
            deleted = wrapped and envelope.get("action") == wire.DELETED
            yield msgspec.convert(entity, row, strict=False), deleted


def _camel(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise msgspec.ValidationError("expected an object")
    return {key[:1].lower() + key[1:]: each for key, each in value.items()}


class UserStream:
    """Turns user hub events into domain events. `meet` is told of every contract before an event names it."""

    def __init__(self, publish: Publish, meet: Callable[[str], None], commissions: Commissions) -> None:
        self._publish = publish
        self._meet = meet
        self._commissions = commissions

    @property
    def handlers(self) -> dict[str, Handler]:
        """By lower-cased event name."""
        return {
            "gatewayuseraccount": self._on_account,
            "gatewayuserorder": self._on_order,
            "gatewayuserposition": self._on_position,
            "gatewayusertrade": self._on_trade,
        }

    def _on_account(self, arguments: msgspec.Raw) -> None:
        for row, deleted in entities(arguments, wire.AccountRow):
            account = translate.account(row)
            if deleted:
                account = msgspec.structs.replace(account, can_trade=False, is_visible=False)
            self._publish(AccountReported(account))

    def _on_order(self, arguments: msgspec.Raw) -> None:
        # a deleted order's last status is its end: the action says nothing that the status does not
        for row, _ in entities(arguments, wire.OrderRow):
            self._meet(row.contract_id)
            self._publish(OrderReported(translate.order_report(row)))

    def _on_position(self, arguments: msgspec.Raw) -> None:
        for row, deleted in entities(arguments, wire.PositionRow):
            self._meet(row.contract_id)
            self._publish(PositionReported(translate.position(row, deleted=deleted)))

    def _on_trade(self, arguments: msgspec.Raw) -> None:
        rows = [row for row, _ in entities(arguments, wire.TradeRow)]
        for fill in translate.fills(rows, self._commissions):
            self._meet(fill.instrument_id)
            self._publish(FillReported(fill))
