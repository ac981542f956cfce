"""Journal records as bytes: one byte for the kind, then MessagePack with field names.

Kinds never change their number, and fields are only ever added with a default, so that a spool written by an
older release is read by a newer one.
"""

from typing import Final, NamedTuple

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import CancelAsked, NotificationRaised, RoundTripVoided
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Order
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip
from tradeconsole.domain.workspace import Workspace
from tradeconsole.errors import StorageError
from tradeconsole.ports import AuditEntry, EquityPoint, JournalRecord, PositionCleared

KINDS: Final[dict[int, type[JournalRecord]]] = {
    1: Order,
    2: Fill,
    3: Position,
    4: PositionCleared,
    5: RoundTrip,
    6: RoundTripVoided,
    7: Account,
    8: Instrument,
    9: NotificationRaised,
    10: EquityPoint,
    11: AuditEntry,
    12: Workspace,
    13: CancelAsked,
}

_KIND_BYTES: Final = {cls: bytes([kind]) for kind, cls in KINDS.items()}
_DECODERS: Final = {kind: msgspec.msgpack.Decoder(cls) for kind, cls in KINDS.items()}
_ENCODER: Final = msgspec.msgpack.Encoder()


class Entry(NamedTuple):
    """A record and its stamp: nanoseconds since the epoch, never twice the same from one writer."""

    stamp: int
    record: JournalRecord


def encode_record(record: JournalRecord) -> bytes:
    """A record as bytes.

    Raises:
        StorageError: a text in it is no valid Unicode, or a number is too large.
    """
    try:
        return _KIND_BYTES[type(record)] + _ENCODER.encode(record)
    except (UnicodeEncodeError, OverflowError) as error:
        raise StorageError(f"a {type(record).__name__} cannot be written down: {error}") from error


def decode_record(body: bytes) -> JournalRecord:
    """The record in bytes of `encode_record`.

    Raises:
        StorageError: the bytes are of a kind or shape that this release does not know.
    """
    decoder = _DECODERS.get(body[0])
    if decoder is None:
        raise StorageError(f"record of unknown kind {body[0]}: written by a newer release")
    try:
        return decoder.decode(memoryview(body)[1:])
    except msgspec.MsgspecError as error:
        raise StorageError(f"unreadable {KINDS[body[0]].__name__}: {error}") from error
