"""Account, order, position and trade events as the user hub sends them."""

from collections.abc import Iterable

import msgspec

from tradeconsole.emulator import signalr
from tradeconsole.emulator.faults import EventFault, Faults
from tradeconsole.emulator.hubs import Channel, Hubs, Key
from tradeconsole.emulator.switches import Switches, UserEnvelope
from tradeconsole.emulator.wire import HUB, account_row, order_row, position_row, trade_row
from tradeconsole.exchange.records import (
    AccountChanged,
    OrderChanged,
    PositionChanged,
    TradeReported,
    UserEvent,
)
from tradeconsole.exchange.venue import Exchange

_CREATE, _UPDATE, _DELETE = 0, 1, 2
"""Hub `action` values."""


class _Message(msgspec.Struct, frozen=True):
    channel: Channel
    key: Key
    account_id: int
    record: str


class UserFeed:
    """Turns user events into records for those who listen and own the account."""

    def __init__(self, hubs: Hubs, exchange: Exchange, faults: Faults, switches: Switches) -> None:
        self._hubs = hubs
        self._exchange = exchange
        self._faults = faults
        self._switches = switches

    def publish(self, events: Iterable[UserEvent]) -> None:
        """Send a batch of events in order, unless a fault disturbs it."""
        messages = [self._message(event) for event in events]
        if not messages:
            return
        match self._faults.next_events():
            case EventFault.DUPLICATE:
                messages = [message for message in messages for _ in range(2)]
            case EventFault.REVERSE:
                messages.reverse()
            case EventFault.DROP:
                return
            case None:
                pass
        for message in messages:
            self._send(message)

    def _send(self, message: _Message) -> None:
        account = self._exchange.account(message.account_id)
        for connection in self._hubs.listeners(message.channel, message.key):
            if account is not None and connection.user == account.user:
                connection.send(message.record)

    def _message(self, event: UserEvent) -> _Message:
        match event:
            case OrderChanged(order=order):
                record = self._record("GatewayUserOrder", _UPDATE, order_row(order, HUB))
                return _Message(Channel.ORDERS, order.account_id, order.account_id, record)
            case TradeReported(trade=trade):
                action = _UPDATE if event.again else _CREATE
                record = self._record("GatewayUserTrade", action, trade_row(trade, HUB))
                return _Message(Channel.TRADES, trade.account_id, trade.account_id, record)
            case PositionChanged(position=position):
                action = _UPDATE if position.size else _DELETE
                record = self._record("GatewayUserPosition", action, position_row(position, HUB))
                return _Message(Channel.POSITIONS, position.account_id, position.account_id, record)
            case AccountChanged(account=account):
                record = self._record("GatewayUserAccount", _UPDATE, account_row(account))
                return _Message(Channel.ACCOUNTS, None, account.id, record)

    def _record(self, target: str, action: int, entity: msgspec.Struct) -> str:
        match self._switches.user_envelope:
            case UserEnvelope.WRAPPED:
                argument: object = {"action": action, "data": entity}
            case UserEnvelope.WRAPPED_ARRAY:
                argument = [{"action": action, "data": entity}]
            case UserEnvelope.FLAT:
                argument = entity
        return signalr.event(target, (argument,))
