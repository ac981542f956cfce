"""The spool: an append-only local file through which every durable record goes before PostgreSQL has it.

`append` returns when the operating system has the record: from then on a kill of this process, however rude, cannot
lose it. Against a loss of power the file is flushed in the background (`flush_job`), some 50 ms later. Each process
writes files of its own; whoever starts adopts those of writers that have died. The newest file outlives a clean
end, drained or not: it carries the stamp from which the next writer goes on, and what it holds can be shown while
the database is away.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tradeconsole.errors import StorageError
from tradeconsole.ports import JournalRecord
from tradeconsole.storage.frames import HEAD_BYTES, Frame, decode_head, encode_frame, scan_frames
from tradeconsole.storage.records import Entry, decode_record, encode_record
from tradeconsole.storage.segments import SUFFIX, Segment, SegmentDamaged, adopt

SEGMENT_BYTES: Final = 4 << 20
_FORGOTTEN_SECONDS: Final = 3600.0


class Batch(NamedTuple):
    """Frames of one file that are to be stored next; then `records` of it, up to `end`, are stored."""

    segment: str
    frames: list[Frame]
    end: int
    records: int


class Spool:
    """The spool of one process.

    Args:
        folder: where the files of all processes lie that write for one broker.
        segment_bytes: size at which a new file is begun.
        on_damage: told in one line of bytes that had to be put aside.
    """

    def __init__(
        self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, on_damage: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._on_damage = on_damage
        self._writer = uuid.uuid4().hex[:8]
        self._stamp = 0
        self._active: Segment | None = None
        self._sealed: list[Segment] = []
        self._unflushed: set[Segment] = set()
        self._has_new_file = False

    def open(self) -> None:
        """Adopt what dead writers left, and begin a file.

        Raises:
            StorageError: the folder cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self.folder.glob(f"*{SUFFIX}")):
                self._adopt(path)
            self._sweep()
            self._active = self._create()
        except OSError as error:
            raise self._unwritable(error) from error

    @property
    def pending(self) -> int:
        """Records not stored elsewhere yet, those of adopted files included."""
        return sum(segment.pending for segment in self._segments())

    @property
    def names(self) -> list[str]:
        """The files of this process, oldest first."""
        return [segment.name for segment in self._segments()]

    def append(self, record: JournalRecord) -> None:
        """Write a record down.

        Raises:
            StorageError: it is not written; disk full, folder gone, or the record cannot be expressed.
        """
        stamp = max(self._stamp + 1, time.time_ns())
        frame = encode_frame(stamp, encode_record(record))
        try:
            segment = self._writable(len(frame))
            segment.append(frame)
        except OSError as error:
            raise self._unwritable(error) from error
        self._stamp = stamp
        self._unflushed.add(segment)

    def next_batch(self, limit: int) -> Batch | None:
        """The oldest frames that are not stored elsewhere, all of one file; None when there are none."""
        for segment in self._segments():
            if segment.pending:
                try:
                    frames = segment.read(segment.drained, limit)
                except (SegmentDamaged, OSError) as error:
                    self._on_damage(segment.skip_rest(str(error)))
                    continue
                return Batch(segment.name, frames, frames[-1].end, segment.drained_records + len(frames))
        return None

    def mark_drained(self, name: str, position: int, records: int) -> None:
        """So many records of a file, those before a position, are stored elsewhere."""
        for segment in self._segments():
            if segment.name == name:
                segment.mark_drained(position, records)

    def discard(self) -> list[str]:
        """Forget every record of this process's files; names of the files deleted.

        Raises:
            StorageError: no new file can be begun; then nothing is forgotten.
        """
        try:
            fresh = self._create()
        except OSError as error:
            raise self._unwritable(error) from error
        old = self._segments()
        self._active = fresh
        self._sealed.clear()
        self._unflushed.clear()
        for segment in old:
            segment.remove()
        return [segment.name for segment in old]

    def remove_drained(self) -> list[str]:
        """Delete finished files that are stored elsewhere; their names."""
        done = [segment for segment in self._sealed if not segment.pending]
        for segment in done:
            self._sealed.remove(segment)
            self._unflushed.discard(segment)
            segment.remove()
        return [segment.name for segment in done]

    def flush_job(self) -> Callable[[], None] | None:
        """What to run in another thread so that everything pending survives a loss of power; None if nothing does.

        Raises:
            StorageError: the folder is gone.
        """
        try:
            descriptors = [segment.duplicate() for segment in self._unflushed if segment.pending]
            if descriptors and self._has_new_file:
                descriptors.append(os.open(self.folder, os.O_RDONLY))
                self._has_new_file = False
        except OSError as error:
            raise self._unwritable(error) from error
        self._unflushed.clear()
        return (lambda: _flush(descriptors)) if descriptors else None

    def entries(self) -> Iterator[Entry]:
        """Every readable record in the folder, those of other processes and drained ones included."""
        for _, frames in self._everything():
            for frame in frames:
                with suppress(StorageError):
                    yield Entry(frame.stamp, decode_record(frame.body))

    def survey(self) -> dict[str, list[int]]:
        """Every file in the folder, of whatever process, with the position behind each of its records."""
        return {name: [HEAD_BYTES + frame.end for frame in frames] for name, frames in self._everything()}

    def close(self) -> None:
        """Give up all files; what is not drained waits for whoever starts next."""
        for segment in self._segments():
            segment.close()
        self._sealed.clear()
        self._active = None

    def _everything(self) -> Iterator[tuple[str, list[Frame]]]:
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            with suppress(OSError):  # drained and removed meanwhile
                data = path.read_bytes()
                if decode_head(data) is not None:
                    yield path.name, scan_frames(data[HEAD_BYTES:]).frames

    def _segments(self) -> list[Segment]:
        return [*self._sealed, self._active] if self._active else list(self._sealed)

    def _adopt(self, path: Path) -> None:
        try:
            adoption = adopt(path)
        except OSError as error:
            self._on_damage(f"{path} cannot be read: {error.strerror}")
            return
        if adoption is None:
            return
        self._stamp = max(self._stamp, adoption.stamp)
        self._sealed.append(adoption.segment)
        if adoption.trouble:
            self._on_damage(adoption.trouble)

    def _sweep(self) -> None:
        # what a writer left that died between making a file and naming it
        for path in self.folder.glob("*.new"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _FORGOTTEN_SECONDS:
                    path.unlink()

    def _create(self) -> Segment:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{time.time_ns():020d}-{self._writer}{SUFFIX}"
        segment = Segment.create(path, self._stamp)
        self._has_new_file = True
        return segment

    def _writable(self, size: int) -> Segment:
        """The active file, or a new one when it is full, broken or deleted."""
        active = self._active
        if active is None:
            raise OSError("the spool is closed")
        unusable = active.is_broken or active.is_removed
        if not unusable and active.end + size <= self._segment_bytes:
            return active
        try:
            fresh = self._create()
        except OSError:
            if unusable:
                raise
            return active  # a file that is too long is better than none
        self._sealed.append(active)
        self._active = fresh
        return fresh

    def _unwritable(self, error: OSError) -> StorageError:
        reason = error.strerror or str(error)
        return StorageError(
            f"the spool in {self.folder} cannot be written: {reason}: make room or mend the folder"
        )


_flush_file: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def _flush(descriptors: list[int]) -> None:
    try:
        for descriptor in descriptors:
            _flush_file(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
