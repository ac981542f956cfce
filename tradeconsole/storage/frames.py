"""How records lie in a spool file: a head, then frames, each with its length, a checksum and a stamp.

    head    8 bytes magic, 8 bytes stamp (nothing in older files is newer), 4 bytes CRC-32 of both
    frame   4 bytes length of the body, 4 bytes CRC-32 of the rest, 8 bytes stamp, body (never empty)

All little-endian. A frame counts only if it is whole and its checksum holds.
"""

import struct
import zlib
from typing import Final, NamedTuple

MAGIC: Final = b"TCSPOOL1"
HEAD_BYTES: Final = 20
LONGEST_BODY: Final = 1 << 24

_HEAD: Final = struct.Struct("<8sQI")
_FRAME: Final = struct.Struct("<IIQ")
_STAMP: Final = struct.Struct("<Q")


class Frame(NamedTuple):
    """One whole frame; `start` and `end` are its place in the bytes that were scanned."""

    start: int
    end: int
    stamp: int
    body: bytes


class Scan(NamedTuple):
    """Whole frames from the beginning; `end` is where they stop and `trouble` why, empty at the end of the bytes."""

    frames: list[Frame]
    end: int
    trouble: str


def encode_head(stamp: int) -> bytes:
    """The first bytes of a file whose writer continues from `stamp`."""
    start = MAGIC + _STAMP.pack(stamp)
    return start + zlib.crc32(start).to_bytes(4, "little")


def decode_head(data: bytes) -> int | None:
    """The stamp of a head; None if these bytes are none."""
    if len(data) < HEAD_BYTES:
        return None
    magic, stamp, checksum = _HEAD.unpack_from(data)
    return int(stamp) if magic == MAGIC and checksum == zlib.crc32(data[: HEAD_BYTES - 4]) else None


def encode_frame(stamp: int, body: bytes) -> bytes:
    """One frame."""
    rest = stamp.to_bytes(_STAMP.size, "little") + body
    return len(body).to_bytes(4, "little") + zlib.crc32(rest).to_bytes(4, "little") + rest


def scan_frames(data: bytes, limit: int | None = None) -> Scan:
    """Whole frames from the start of `data`, at most `limit`; stops at the first that is torn or damaged."""
    frames: list[Frame] = []
    offset = 0
    while offset < len(data) and len(frames) != limit:
        start = offset + _FRAME.size
        if start > len(data):
            return Scan(frames, offset, "torn frame")
        length, checksum, stamp = _FRAME.unpack_from(data, offset)
        if not 0 < length <= LONGEST_BODY:
            return Scan(frames, offset, "damaged frame")
        end = start + length
        if end > len(data):
            return Scan(frames, offset, "torn frame")
        if zlib.crc32(data[start - _STAMP.size : end]) != checksum:
            return Scan(frames, offset, "damaged frame")
        frames.append(Frame(offset, end, stamp, data[start:end]))
        offset = end
    return Scan(frames, offset, "")
