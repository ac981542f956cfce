"""The spool: nothing appended is lost, nothing torn is believed, nobody's file is taken from the living."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_samples import ONE_OF_EACH, make_orders
from trading_factories import make_order

from tradeconsole.domain.orders import Order
from tradeconsole.errors import StorageError
from tradeconsole.ports import JournalRecord
from tradeconsole.storage.frames import HEAD_BYTES
from tradeconsole.storage.records import decode_record
from tradeconsole.storage.spool import Spool

ROOT = Path(__file__).parents[3]


class Spools:
    """Opens spools on one folder, as so many processes, and collects what they report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damage: list[str] = []
        self._open: list[Spool] = []

    def open(self, segment_bytes: int = 1 << 20) -> Spool:
        spool = Spool(self.folder, segment_bytes=segment_bytes, on_damage=self.damage.append)
        spool.open()
        self._open.append(spool)
        return spool

    def close(self) -> None:
        for spool in self._open:
            spool.close()


@pytest.fixture
def spools(tmp_path: Path) -> Iterator[Spools]:
    spools = Spools(tmp_path / "spool")
    yield spools
    spools.close()


def drain(spool: Spool, limit: int = 100) -> list[JournalRecord]:
    """Take everything out, as storing it would."""
    taken = []
    while batch := spool.next_batch(limit):
        taken += [decode_record(frame.body) for frame in batch.frames]
        spool.mark_drained(batch.segment, batch.end, batch.records)
    return taken


def orders_in(spool: Spool) -> list[str]:
    return [record.order_id for record in drain(spool) if isinstance(record, Order)]


def test_records_come_out_in_the_order_they_went_in(spools: Spools) -> None:
    spool = spools.open()
    for record in ONE_OF_EACH:
        spool.append(record)
    assert spool.pending == len(ONE_OF_EACH)
    assert drain(spool, limit=3) == list(ONE_OF_EACH)
    assert spool.pending == 0


def test_a_batch_holds_as_many_records_as_wanted_and_says_where_it_ends(spools: Spools) -> None:
    spool = spools.open()
    for order in make_orders(5):
        spool.append(order)
    first = spool.next_batch(2)
    assert first is not None
    assert (len(first.frames), first.records) == (2, 2)
    spool.mark_drained(first.segment, first.end, first.records)
    second = spool.next_batch(2)
    assert second is not None
    assert second.frames[0].start == first.end
    assert second.records == 4


def test_a_record_larger_than_a_usual_read_comes_back(spools: Spools) -> None:
    spool = spools.open(segment_bytes=4 << 20)
    order = make_order(reason="x" * 600_000)
    spool.append(make_order(order_id="small"))
    spool.append(order)
    assert drain(spool)[1] == order


def test_what_a_closed_writer_left_is_adopted_with_its_records(spools: Spools) -> None:
    first = spools.open()
    first.append(make_order(order_id="tc-left"))
    first.close()
    assert orders_in(spools.open()) == ["tc-left"]


def test_the_file_of_a_living_writer_is_left_alone(spools: Spools) -> None:
    first = spools.open()
    first.append(make_order(order_id="tc-mine"))
    second = spools.open()
    assert second.pending == 0
    assert second.remove_drained() == []
    assert orders_in(first) == ["tc-mine"]


def test_nothing_appended_is_lost_when_the_writer_is_killed(spools: Spools) -> None:
    script = (
        "import sys, pathlib\n"
        "sys.path.insert(0, 'tests')\n"
        "from storage_samples import make_orders\n"
        "from tradeconsole.storage.spool import Spool\n"
        "spool = Spool(pathlib.Path(sys.argv[1]), on_damage=print)\n"
        "spool.open()\n"
        "for order in make_orders(1_000_000):\n"
        "    spool.append(order)\n"
        "    print(order.order_id, flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(spools.folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(300)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
    writer.stdout.close()
    writer.wait()
    found = orders_in(spools.open())
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) <= len(acknowledged) + 1
    assert spools.damage == []


@given(junk=st.binary(min_size=1, max_size=80))
@settings(max_examples=25, deadline=None)
def test_junk_behind_the_last_frame_is_cut_off_and_kept(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    spools = Spools(tmp_path_factory.mktemp("junk"))
    first = spools.open()
    first.append(make_order(order_id="tc-1"))
    first.close()
    path = spools.folder / first_file(spools.folder)
    whole = path.read_bytes()
    path.write_bytes(whole + junk)
    second = spools.open()
    assert orders_in(second) == ["tc-1"]
    assert path.read_bytes() == whole
    assert path.with_suffix(".corrupt").read_bytes() == junk
    assert len(spools.damage) == 1
    assert f"its last {len(junk)} bytes are kept in {path.stem}.corrupt" in spools.damage[0]
    spools.close()


def first_file(folder: Path) -> str:
    return min(path.name for path in folder.glob("*.spool"))


def test_a_file_that_is_no_spool_is_put_aside_and_does_not_stop_the_start(spools: Spools) -> None:
    spools.folder.mkdir()
    stranger = spools.folder / "00-stranger.spool"
    stranger.write_bytes(b"something else entirely, and long enough")
    spool = spools.open()
    assert "no spool file" in spools.damage[0]
    assert stranger.with_suffix(".corrupt").read_bytes() == b"something else entirely, and long enough"
    assert spool.remove_drained() == ["00-stranger.spool"]


def test_an_empty_file_is_removed_without_a_word(spools: Spools) -> None:
    spools.folder.mkdir()
    (spools.folder / "00-empty.spool").touch()
    assert spools.open().remove_drained() == ["00-empty.spool"]
    assert spools.damage == []


def test_damage_under_a_running_writer_costs_the_damaged_part_only(spools: Spools) -> None:
    spool = spools.open()
    for order in make_orders(3):
        spool.append(order)
    batch = spool.next_batch(1)
    assert batch is not None
    with (spools.folder / batch.segment).open("r+b") as file:
        file.seek(batch.end + 20)
        file.write(b"\xff\xff\xff")
    assert orders_in(spool) == ["tc-0"]
    assert "damaged frame" in spools.damage[0]
    spool.append(make_order(order_id="tc-after"))
    assert orders_in(spool) == ["tc-after"]


def test_full_files_are_followed_by_new_ones_and_removed_once_drained(spools: Spools) -> None:
    spool = spools.open(segment_bytes=2000)
    for order in make_orders(30):
        spool.append(order)
    assert len(spool.names) > 3
    assert orders_in(spool) == [f"tc-{number}" for number in range(30)]
    removed = spool.remove_drained()
    assert len(spool.names) == 1
    assert not any((spools.folder / name).exists() for name in removed)


def test_stamps_only_grow_even_when_the_clock_goes_back(
    spools: Spools, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = spools.open()
    first.append(make_order())
    newest = max(entry.stamp for entry in first.entries())
    first.close()
    monkeypatch.setattr("time.time_ns", lambda: 1_000)
    second = spools.open()
    drain(second)
    second.remove_drained()
    second.close()
    third = spools.open()
    third.append(make_order())
    third.append(make_order())
    stamps = [entry.stamp for entry in third.entries()]
    assert newest < stamps[0] < stamps[1]


def test_a_writer_whose_folder_is_deleted_makes_it_anew(spools: Spools) -> None:
    spool = spools.open()
    spool.append(make_order(order_id="tc-before"))
    for path in spools.folder.iterdir():
        path.unlink()
    spools.folder.rmdir()
    spool.append(make_order(order_id="tc-after"))
    assert [entry.record.order_id for entry in spool.entries() if isinstance(entry.record, Order)] == [
        "tc-after"
    ]
    assert orders_in(spool) == ["tc-before", "tc-after"]


def test_a_folder_that_cannot_be_made_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        StorageError, match="cannot be written: Not a directory: make room or mend the folder"
    ):
        Spool(tmp_path / "file" / "spool", on_damage=print).open()


def test_a_full_disk_refuses_the_record_and_leaves_the_file_whole(spools: Spools) -> None:
    script = (
        "import resource, signal, sys, pathlib\n"
        "sys.path.insert(0, 'tests')\n"
        "from storage_samples import make_orders\n"
        "from tradeconsole.errors import StorageError\n"
        "from tradeconsole.storage.spool import Spool\n"
        "spool = Spool(pathlib.Path(sys.argv[1]), on_damage=print)\n"
        "spool.open()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    for order in make_orders(1000):\n"
        "        spool.append(order)\n"
        "        print(order.order_id)\n"
        "except StorageError as error:\n"
        "    print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "spool.append(make_orders(1, prefix='later')[0])\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, str(spools.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *acknowledged, error = finished.stdout.splitlines()
    assert "the spool in" in error
    assert "make room or mend the folder" in error
    assert orders_in(spools.open()) == [*acknowledged, "later-0"]
    assert spools.damage == []


def test_what_is_discarded_never_comes_back(spools: Spools) -> None:
    spool = spools.open()
    spool.append(make_order(order_id="tc-old"))
    spool.discard()
    spool.append(make_order(order_id="tc-new"))
    spool.close()
    assert orders_in(spools.open()) == ["tc-new"]


def test_a_flush_is_wanted_only_for_what_is_not_stored_elsewhere(spools: Spools) -> None:
    spool = spools.open()
    assert spool.flush_job() is None
    spool.append(make_order())
    job = spool.flush_job()
    assert job is not None
    job()
    assert spool.flush_job() is None
    spool.append(make_order())
    drain(spool)
    assert spool.flush_job() is None


def test_a_survey_sees_the_records_of_all_processes(spools: Spools) -> None:
    first, second = spools.open(), spools.open()
    for order in make_orders(3):
        first.append(order)
    second.append(make_order())
    survey = second.survey()
    assert sorted(len(ends) for ends in survey.values()) == [1, 3]
    batch = first.next_batch(2)
    assert batch is not None
    assert survey[batch.segment][1] == batch.end
    assert all(end > HEAD_BYTES for ends in survey.values() for end in ends)


def test_old_leftovers_of_a_writer_that_died_in_its_first_moment_are_swept(spools: Spools) -> None:
    spools.folder.mkdir()
    old, young = spools.folder / "1.new", spools.folder / "2.new"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    spools.open()
    assert not old.exists()
    assert young.exists()
