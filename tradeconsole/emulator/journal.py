"""What the exchange was told, on disk: a snapshot and the commands since, so that a kill loses nothing acknowledged."""

import os
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from tradeconsole.emulator.home import write_private
from tradeconsole.emulator.switchboard import Value, turn_all
from tradeconsole.emulator.switches import Switches
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.disturbances import Disturbances, Portions, Rejection
from tradeconsole.exchange.records import BracketMode, ModifyRequest, Outcome, PlaceRequest, PositionBrackets
from tradeconsole.exchange.venue import Exchange

_FRAME: Final = struct.Struct("<II")
"""Length and CRC-32 of the record that follows."""

_DONE: Final = Outcome(0)


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something the exchange was told at a time; each kind has `apply`, and all of them again lead to the same state."""

    at: datetime


class Place(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    request: PlaceRequest

    def apply(self, exchange: Exchange) -> Outcome:
        return exchange.place(self.account_id, self.request, self.at)


class Modify(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    request: ModifyRequest

    def apply(self, exchange: Exchange) -> Outcome:
        return exchange.modify(self.account_id, self.request, self.at)


class Cancel(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    order_id: int

    def apply(self, exchange: Exchange) -> Outcome:
        return exchange.cancel(self.account_id, self.order_id, self.at)


class CloseContract(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    contract_id: str

    def apply(self, exchange: Exchange) -> Outcome:
        return exchange.close_contract(self.account_id, self.contract_id, self.at)


class PartialClose(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    contract_id: str
    size: int

    def apply(self, exchange: Exchange) -> Outcome:
        return exchange.partial_close(self.account_id, self.contract_id, self.size, self.at)


class SetCanTrade(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    can_trade: bool

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.set_can_trade(self.account_id, self.can_trade, self.at)
        return _DONE


class ResetAccount(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    new_id: int
    name: str

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.reset_account(self.account_id, self.new_id, self.name, self.at)
        return _DONE


class SetBracketMode(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    mode: BracketMode

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.set_bracket_mode(self.account_id, self.mode, self.at)
        return _DONE


class SetPositionBrackets(Command, frozen=True, kw_only=True, tag=True):
    account_id: int
    brackets: PositionBrackets

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.set_position_brackets(self.account_id, self.brackets, self.at)
        return _DONE


class Halt(Command, frozen=True, kw_only=True, tag=True):
    contract_id: str
    halted: bool

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.set_halted(self.contract_id, self.halted, self.at)
        return _DONE


class MovePrice(Command, frozen=True, kw_only=True, tag=True):
    contract_id: str
    ticks: int

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.move_price(self.contract_id, self.ticks, self.at)
        return _DONE


class SetPrice(Command, frozen=True, kw_only=True, tag=True):
    contract_id: str
    price: Decimal

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.set_price(self.contract_id, self.price, self.at)
        return _DONE


class Feed(Command, frozen=True, kw_only=True, tag=True):
    """Prices of a contract, each so many milliseconds after `at`."""

    contract_id: str
    prices: tuple[tuple[float, Decimal], ...]

    def apply(self, exchange: Exchange) -> Outcome:
        prices = [(timedelta(milliseconds=after), price) for after, price in self.prices]
        exchange.feed(self.contract_id, prices, self.at)
        return _DONE


class Roll(Command, frozen=True, kw_only=True, tag=True):
    symbol: str

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.roll(self.symbol, self.at)
        return _DONE


class RejectOrders(Command, frozen=True, kw_only=True, tag=True):
    rejection: Rejection

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.disturb(self.at).rejections.append(self.rejection)
        return _DONE


class CutFills(Command, frozen=True, kw_only=True, tag=True):
    portions: Portions | None

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.disturb(self.at).portions = self.portions
        return _DONE


class CloseWindow(Command, frozen=True, kw_only=True, tag=True):
    closed: bool

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.disturb(self.at).closed = self.closed
        return _DONE


class CallOff(Command, frozen=True, kw_only=True, tag=True):
    """The end of every disturbance."""

    def apply(self, exchange: Exchange) -> Outcome:
        there = exchange.disturb(self.at)
        there.load(Disturbances(turned=there.turned))
        return _DONE


class Turn(Command, frozen=True, kw_only=True, tag=True):
    """A switch of the venue."""

    name: str
    value: Value

    def apply(self, exchange: Exchange) -> Outcome:
        exchange.disturb(self.at).turned[self.name] = self.value
        turn_all({self.name: self.value}, Switches(), exchange.options)
        return _DONE


AnyCommand = (
    Place
    | Modify
    | Cancel
    | CloseContract
    | PartialClose
    | SetCanTrade
    | Halt
    | MovePrice
    | SetPrice
    | Feed
    | Roll
    | RejectOrders
    | CutFills
    | CloseWindow
    | CallOff
    | Turn
    | SetBracketMode
    | SetPositionBrackets
    | ResetAccount
)

_COMMANDS: Final = msgspec.msgpack.Decoder(AnyCommand)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange's state at a time; `market` tells which options made it, `log_bytes` what it already includes."""

    market: str
    at: datetime
    state: bytes
    generation: int


class Journal:
    """Snapshot and log in one folder, of one running emulator.

    Every snapshot starts a new generation of the log; a log of an older generation is already included.

    Args:
        snapshot: file of the newest snapshot.
        log: file of the commands since.
        market: describes the options that shape the exchange; state made with others is refused.
    """

    def __init__(self, snapshot: Path, log: Path, market: str) -> None:
        self._snapshot = snapshot
        self._log = log
        self._market = market
        self._generation = 0
        self._file: int | None = None
        self._appended = 0

    @property
    def appended(self) -> int:
        """Commands since the newest snapshot."""
        return self._appended

    def restore(self, exchange: Exchange) -> datetime | None:
        """Bring a fresh exchange to where the last one was; None if there was none.

        A torn last record belongs to a command that was never acknowledged, and is cut off.

        Raises:
            ConfigError: the state is damaged, or was made with other options.
        """
        snapshot = self._read_snapshot()
        reached = None
        if snapshot is not None:
            self._generation = snapshot.generation
            exchange.restore(snapshot.state)
            turn_all(exchange.disturbances.turned, Switches(), exchange.options)
            reached = snapshot.at
        for command in self._read_log():
            command.apply(exchange)
            reached = command.at
            self._appended += 1
        return reached

    def append(self, command: Command) -> None:
        """Write a command down; it has left this process when this returns."""
        record = msgspec.msgpack.encode(command)
        self._write(_FRAME.pack(len(record), zlib.crc32(record)) + record)
        self._appended += 1

    def take_snapshot(self, state: bytes, at: datetime) -> None:
        """Replace snapshot and log by the present state."""
        self._generation += 1
        snapshot = Snapshot(market=self._market, at=at, state=state, generation=self._generation)
        write_private(self._snapshot, msgspec.msgpack.encode(snapshot))
        self.close()
        self._log.unlink(missing_ok=True)
        self._appended = 0

    def close(self) -> None:
        """Release the file; appending opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, data: bytes) -> None:
        if self._file is None:
            fresh = not self._log.exists()
            self._file = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            if fresh:
                data = self._generation.to_bytes(8, "little") + data
        while data:
            data = data[os.write(self._file, data) :]

    def _read_snapshot(self) -> Snapshot | None:
        try:
            snapshot = msgspec.msgpack.decode(self._snapshot.read_bytes(), type=Snapshot)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"{self._snapshot} is damaged ({error}): `tradeconsole sim reset` starts afresh"
            ) from error
        if snapshot.market != self._market:
            raise ConfigError(
                f"{self._snapshot} belongs to another market ({snapshot.market}, not {self._market}): "
                "use the options it was made with, or another --state folder"
            )
        return snapshot

    def _read_log(self) -> Iterator[AnyCommand]:
        try:
            data = self._log.read_bytes()
        except FileNotFoundError:
            return
        if int.from_bytes(data[:8], "little") != self._generation or len(data) < 8:
            # its commands are part of the snapshot, which was written just before a kill
            self._log.unlink()
            return
        at = 8
        while at + _FRAME.size <= len(data):
            length, checksum = _FRAME.unpack_from(data, at)
            record = data[at + _FRAME.size : at + _FRAME.size + length]
            if len(record) < length or zlib.crc32(record) != checksum:
                break
            yield _COMMANDS.decode(record)
            at += _FRAME.size + length
        if at < len(data):
            os.truncate(self._log, at)
