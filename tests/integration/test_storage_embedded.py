"""The embedded server lives exactly as long as it is used, whatever happens to whom."""

import asyncio
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tradeconsole.errors import StorageError
from tradeconsole.storage.binaries import is_public
from tradeconsole.storage.embedded import EmbeddedServer
from tradeconsole.storage.postmaster import Answer, probe

ROOT = Path(__file__).parents[2]

HOLDER = (
    "import sys, pathlib\n"
    "from tradeconsole.storage.embedded import EmbeddedServer\n"
    "server = EmbeddedServer(pathlib.Path(sys.argv[1]), grace=float(sys.argv[2]))\n"
    "print(server.start(), flush=True)\n"
    "sys.stdin.read()\n"
    "server.release()\n"
)


class Holder:
    """Another process that uses a cluster."""

    def __init__(self, home: Path, *, grace: float = 0.0, uid: int | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(home), str(grace)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            user=uid,
        )

    def wait_started(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self._close()

    def leave(self) -> None:
        self._close()

    def _close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream and not stream.closed:
                stream.close()
        self.process.wait()


@pytest.fixture(scope="module")
def pristine(open_folder: Path) -> Path:
    """A cluster as `initdb` leaves it, to be copied, which is quicker than to make one."""
    home = open_folder / "pristine"
    server = EmbeddedServer(home, grace=0.0)
    server.start()
    server.release()
    wait_until_stopped(home)
    return home / "data"


@pytest.fixture
def cold_home(open_folder: Path) -> Iterator[Path]:
    """A home without a cluster; its server is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="h", dir=open_folder)) / "pg"
    home.parent.chmod(0o755)
    yield home
    wait_until_stopped(home)


@pytest.fixture
def home(cold_home: Path, pristine: Path) -> Path:
    """A home with a cluster that does not run."""
    cold_home.mkdir()
    subprocess.run(["cp", "-a", str(pristine), str(cold_home / "data")], check=True)
    return cold_home


def wait_until_stopped(home: Path) -> None:
    """Wait until the guard has done its work and nobody uses the cluster."""
    deadline = time.monotonic() + 30
    if not (home / "data").exists():
        return  # it never ran
    while (home / "data" / "postmaster.pid").exists():
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.02)
    with (home / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_EX)


def postmaster(home: Path) -> int:
    return int((home / "data" / "postmaster.pid").read_text().split()[0])


def query(dsn: str, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_server_starts_answers_and_stops_after_its_last_user(cold_home: Path) -> None:
    server = EmbeddedServer(cold_home, grace=0.0)
    assert query(server.start(), "SELECT 40 + 2") == 42
    server.release()
    wait_until_stopped(cold_home)
    assert probe(cold_home / "run" / ".s.PGSQL.5432") is Answer.NOBODY


def test_it_listens_on_no_network_and_flushes_what_it_commits(home: Path) -> None:
    server = EmbeddedServer(home, grace=0.0)
    dsn = server.start()
    assert query(dsn, "SELECT current_setting('listen_addresses')") == ""
    assert query(dsn, "SELECT current_setting('fsync') || current_setting('synchronous_commit')") == "onon"
    assert (home / "run").stat().st_mode & 0o077 == 0
    server.release()


def test_it_outlives_one_of_two_users_and_not_the_second(home: Path) -> None:
    first, second = Holder(home), Holder(home)
    assert first.wait_started() == second.wait_started() != ""
    pid = postmaster(home)
    first.leave()
    time.sleep(0.3)
    assert postmaster(home) == pid
    second.leave()
    wait_until_stopped(home)


def test_processes_that_start_at_the_same_moment_share_one_server(cold_home: Path) -> None:
    holders = [Holder(cold_home) for _ in range(4)]
    dsns = {holder.wait_started() for holder in holders}
    assert len(dsns) == 1
    assert query(dsns.pop(), "SELECT 1") == 1
    for holder in holders:
        holder.leave()


def test_a_killed_user_leaves_no_server_behind_and_loses_no_data(home: Path) -> None:
    holder = Holder(home)
    query(holder.wait_started(), "CREATE TABLE kept AS SELECT 7 AS value")
    holder.kill()
    wait_until_stopped(home)
    again = Holder(home)
    assert query(again.wait_started(), "SELECT value FROM kept") == 7
    again.leave()


def test_within_its_grace_the_server_is_found_warm(home: Path) -> None:
    holder = Holder(home, grace=2.0)
    holder.wait_started()
    pid = postmaster(home)
    holder.kill()
    again = Holder(home, grace=0.0)
    again.wait_started()
    assert postmaster(home) == pid
    again.leave()


def test_a_killed_server_is_started_again_by_its_user(home: Path) -> None:
    server = EmbeddedServer(home, grace=0.0)
    query(server.start(), "CREATE TABLE kept AS SELECT 7 AS value")
    os.kill(postmaster(home), signal.SIGKILL)
    assert query(server.start(), "SELECT value FROM kept") == 7
    server.release()


def test_an_interrupted_initdb_is_never_taken_for_a_cluster(cold_home: Path) -> None:
    half_done = cold_home / "data.new"
    half_done.mkdir(parents=True)
    (half_done / "PG_VERSION").write_text("18\n")
    server = EmbeddedServer(cold_home, grace=0.0)
    assert query(server.start(), "SELECT 1") == 1
    server.release()


def test_a_stale_pid_file_with_the_number_of_a_stranger_is_no_obstacle(home: Path) -> None:
    server = EmbeddedServer(home, grace=0.0)
    server.start()
    server.release()
    wait_until_stopped(home)
    stranger = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=owner_of(home))
    (home / "data" / "postmaster.pid").write_text(
        f"{stranger.pid}\n{home}/data\n1\n5432\n{home}/run\n\n0 0\n"
    )
    assert query(server.start(), "SELECT 1") == 1
    server.release()
    stranger.communicate()


def owner_of(home: Path) -> int | None:
    owner = (home / "data").stat().st_uid
    return owner if owner != os.geteuid() else None


def test_a_cluster_of_another_version_is_refused_with_the_way_out(home: Path) -> None:
    server = EmbeddedServer(home, grace=0.0)
    server.start()
    server.release()
    wait_until_stopped(home)
    version = home / "data" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(
        StorageError, match=r"was made by PostgreSQL 9, the programs are .*TRADECONSOLE_PG_BIN"
    ):
        server.start()
    server.release()


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    server = EmbeddedServer(home, grace=0.0)
    server.start()
    server.release()
    wait_until_stopped(home)
    (home / "data" / "global" / "pg_control").unlink()
    with pytest.raises(StorageError, match=r"does not start: .*pg_control.*\(see .*server.log\)"):
        server.start()
    server.release()


def test_a_home_that_cannot_be_made_is_one_line(open_folder: Path) -> None:
    (open_folder / "in-the-way").touch()
    with pytest.raises(StorageError, match=r"cannot start: .*Not a directory"):
        EmbeddedServer(open_folder / "in-the-way" / "pg").start()


def test_a_long_path_gets_its_socket_elsewhere(cold_home: Path) -> None:
    deep = cold_home / ("long" * 20)
    server = EmbeddedServer(deep, grace=0.0)
    assert query(server.start(), "SELECT 1") == 1
    server.release()
    wait_until_stopped(deep)
    shutil.rmtree(server.sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another place for its cluster")
def test_root_keeps_its_cluster_where_the_server_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    tmp_path.chmod(0o700)
    server = EmbeddedServer(tmp_path / "pg", grace=0.0)
    assert server.home.is_relative_to(open_folder / "public")
    assert query(server.start(), "SELECT 1") == 1
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert (server.data).stat().st_uid == pwd.getpwnam("nobody").pw_uid
    server.release()
    wait_until_stopped(server.home)


@pytest.mark.skipif(
    os.geteuid() != 0 or not is_public(Path(sys.executable).resolve().parent),
    reason="only root can become somebody else, who must be able to run this Python",
)
def test_an_ordinary_user_runs_the_server_as_itself(cold_home: Path) -> None:
    user = pwd.getpwnam("daemon").pw_uid
    os.chown(cold_home.parent, user, -1)
    holder = Holder(cold_home, uid=user)
    assert holder.wait_started().startswith("postgresql://")
    assert (cold_home / "data").stat().st_uid == user
    holder.kill()
