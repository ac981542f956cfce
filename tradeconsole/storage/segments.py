"""One spool file: written by one process at a time, adopted by another when its writer has died.

The `flock` that a writer holds on its file for as long as it lives is what says whose file it is. A file gets its
name only when it is locked, so nobody can take a newborn for an orphan.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tradeconsole.storage.frames import HEAD_BYTES, Frame, decode_head, encode_head, scan_frames

SUFFIX: Final = ".spool"
_READ_BYTES: Final = 1 << 18


class SegmentDamaged(Exception):
    """Bytes at a position are no whole frame, although they were one when they were written."""


class Segment:
    """An open, locked file. `end` is where its whole frames end, `drained` how far they are stored elsewhere."""

    def __init__(self, path: Path, descriptor: int, end: int, records: int) -> None:
        self.path = path
        self.end = end
        self.records = records
        self.drained = HEAD_BYTES
        self.drained_records = 0
        self.is_broken = False
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path, stamp: int) -> "Segment":
        """A new file whose frames will be newer than `stamp`. Raises OSError."""
        newborn = path.with_suffix(".new")
        descriptor = os.open(newborn, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write_all(descriptor, encode_head(stamp))
            newborn.rename(path)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                newborn.unlink()
            raise
        return cls(path, descriptor, HEAD_BYTES, 0)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def pending(self) -> int:
        """Records that are not stored elsewhere yet."""
        return self.records - self.drained_records if self.drained < self.end else 0

    @property
    def is_removed(self) -> bool:
        """Whether somebody deleted the file under us; what is written to it would die with this process."""
        return os.fstat(self._descriptor).st_nlink == 0

    def append(self, frame: bytes) -> None:
        """Write one frame. Raises OSError; then nothing of it counts, and `is_broken` if the file is unusable."""
        try:
            _write_all(self._descriptor, frame)
        except OSError:
            try:
                os.ftruncate(self._descriptor, self.end)
            except OSError:
                self.is_broken = True
            raise
        self.end += len(frame)
        self.records += 1

    def read(self, position: int, limit: int) -> list[Frame]:
        """Up to `limit` frames from a position on; none at the end. Their places are positions in the file.

        Raises:
            SegmentDamaged: the file was changed from outside. Raises OSError if it cannot be read.
        """
        left = self.end - position
        data = os.pread(self._descriptor, min(_READ_BYTES, left), position)
        scan = scan_frames(data, limit)
        if not scan.frames and len(data) < left:  # one frame longer than a usual read
            data = os.pread(self._descriptor, left, position)
            scan = scan_frames(data, limit)
        if not scan.frames and left > 0:
            raise SegmentDamaged(scan.trouble or "missing bytes")
        return [
            frame._replace(start=frame.start + position, end=frame.end + position) for frame in scan.frames
        ]

    def mark_drained(self, position: int, records: int) -> None:
        """So many records, those before a position, are stored elsewhere; never moves back."""
        if position > self.drained:
            self.drained, self.drained_records = position, records

    def skip_rest(self, trouble: str) -> str:
        """Put what is left aside and count it as drained; one line that says so."""
        with suppress(OSError):
            trouble = self._set_aside(
                os.pread(self._descriptor, self.end - self.drained, self.drained), trouble
            )
        self.drained, self.drained_records = self.end, self.records
        return trouble

    def cut_tail(self, tail: bytes, trouble: str) -> str:
        """Put bytes behind the last whole frame aside and cut them off; one line that says so."""
        report = self._set_aside(tail, trouble)
        with suppress(OSError):
            os.ftruncate(self._descriptor, self.end)
        return report

    def duplicate(self) -> int:
        """A second descriptor of the file, to be closed by the caller, for work in another thread."""
        return os.dup(self._descriptor)

    def close(self) -> None:
        """Give the file up; whoever starts next adopts it."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Delete the file; all of it is stored elsewhere."""
        with suppress(OSError):
            self.path.unlink()
        os.close(self._descriptor)

    def _set_aside(self, data: bytes, trouble: str) -> str:
        aside = self.path.with_suffix(".corrupt")
        try:
            with aside.open("ab") as file:
                file.write(data)
        except OSError as error:
            return f"{self.path}: {trouble}; its last {len(data)} bytes are lost: {error.strerror}"
        return f"{self.path}: {trouble}; its last {len(data)} bytes are kept in {aside.name}"


class Adoption(NamedTuple):
    """A file taken over: the newest stamp in it, and what was wrong with it (empty if nothing)."""

    segment: Segment
    stamp: int
    trouble: str


def adopt(path: Path) -> Adoption | None:
    """Take over the file of a writer that has died; None if its writer lives or somebody else was quicker.

    Whatever is behind the last whole frame is cut off and kept in a file beside it. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        data = path.read_bytes() if _is_orphan(descriptor) else None
    except OSError:
        os.close(descriptor)
        raise
    if data is None:
        os.close(descriptor)
        return None
    stamp = decode_head(data)
    if stamp is None:
        segment = Segment(path, descriptor, 0, 0)
        return Adoption(segment, 0, segment.cut_tail(data, "no spool file") if data else "")
    scan = scan_frames(data[HEAD_BYTES:])
    segment = Segment(path, descriptor, HEAD_BYTES + scan.end, len(scan.frames))
    trouble = segment.cut_tail(data[segment.end :], scan.trouble) if scan.trouble else ""
    return Adoption(segment, max([stamp, *(frame.stamp for frame in scan.frames)]), trouble)


def _is_orphan(descriptor: int) -> bool:
    """Whether nobody holds the file, which is then locked by us, and it was not removed while we opened it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink > 0


def _write_all(descriptor: int, data: bytes) -> None:
    if os.write(descriptor, data) != len(data):
        raise OSError("no room on the disk")
