"""Finding PostgreSQL's programs, and what a server leaves behind about itself."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tradeconsole.errors import StorageError
from tradeconsole.storage.binaries import (
    BINARIES_VARIABLE,
    PUBLIC_VARIABLE,
    find_binaries,
    is_public,
    major_version,
    published,
)
from tradeconsole.storage.postmaster import Answer, drop_stale_pid_files, last_complaint, probe


def test_the_installed_programs_are_found_and_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BINARIES_VARIABLE, raising=False)
    assert int(major_version(find_binaries())) >= 14


def test_the_environment_names_other_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("initdb", "pg_ctl", "postgres"):
        (tmp_path / program).touch()
    monkeypatch.setenv(BINARIES_VARIABLE, str(tmp_path))
    assert find_binaries() == tmp_path


def test_a_folder_without_programs_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BINARIES_VARIABLE, str(tmp_path))
    with pytest.raises(StorageError, match=f"{BINARIES_VARIABLE}={tmp_path} has no PostgreSQL server"):
        find_binaries()


def test_programs_that_do_not_run_are_refused(tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(StorageError, match="does not run: is it built for this machine"):
        major_version(tmp_path)


def make_wheel(folder: Path) -> Path:
    """Programs as a wheel installs them, with their libraries in a sibling of the package."""
    binaries = folder / "site-packages" / "pg_wheel" / "pginstall" / "bin"
    libraries = folder / "site-packages" / "pg_wheel.libs"
    binaries.mkdir(parents=True)
    libraries.mkdir()
    for program in ("initdb", "pg_ctl", "postgres"):
        (binaries / program).touch(0o700)
    (libraries / "libpq.so").touch(0o600)
    return binaries


def test_unreachable_programs_are_copied_with_their_libraries_to_where_all_may_run_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    binaries = make_wheel(tmp_path)
    monkeypatch.setenv(PUBLIC_VARIABLE, str(tmp_path / "public"))
    copy = published(binaries)
    assert copy.is_relative_to(tmp_path / "public")
    assert copy.parts[-3:] == ("pg_wheel", "pginstall", "bin")
    assert (copy / "postgres").stat().st_mode & 0o444 == 0o444
    assert (copy.parents[2] / "pg_wheel.libs" / "libpq.so").stat().st_mode & 0o444 == 0o444
    assert published(binaries) == copy


def test_reachable_programs_are_used_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeconsole.storage.binaries.is_public", lambda _: True)
    here = Path(__file__).parent
    assert published(here) == here


def test_a_private_folder_hides_everything_below_it(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    assert not is_public(inner)
    assert is_public(Path("/"))


def test_nobody_answers_where_there_is_no_socket_or_a_dead_one(tmp_path: Path) -> None:
    path = Path(os.path.relpath(tmp_path / "s"))
    assert probe(path) is Answer.NOBODY
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    assert probe(path) is Answer.NOBODY


def test_the_pid_file_of_a_dead_server_goes_when_its_number_belongs_to_another_program(
    tmp_path: Path,
) -> None:
    pid_file, lock = tmp_path / "postmaster.pid", tmp_path / "socket.lock"
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        pid_file.write_text(f"{other.pid}\n/data\n")
        lock.touch()
        drop_stale_pid_files(tmp_path, tmp_path / "socket")
        assert not pid_file.exists()
        assert not lock.exists()
    finally:
        other.communicate(b"\n")
    # once the process is gone, PostgreSQL itself decides
    pid_file.write_text(f"{other.pid}\n/data\n")
    drop_stale_pid_files(tmp_path, tmp_path / "socket")
    assert pid_file.exists()


def test_the_last_complaint_of_a_log_is_told_with_its_detail(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert last_complaint(log) == ""
    log.write_text(
        "2026 UTC [1] FATAL:  an older one\n"
        "2026 UTC [2] FATAL:  database files are incompatible with server\n"
        "2026 UTC [2] DETAIL:  The data directory was initialized by version 17.\n"
        "2026 UTC [2] LOG:  bye\n"
    )
    assert last_complaint(log) == (
        "database files are incompatible with server; The data directory was initialized by version 17."
    )
