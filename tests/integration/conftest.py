"""A real PostgreSQL for the tests: one embedded server for the session, a database for each test."""

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tradeconsole.storage.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that the server's own user can reach, which `tmp_path` is not when tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="tc-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def public_folder(open_folder: Path) -> Iterator[None]:
    """Keep what root's servers need out of the machine's own folders."""
    os.environ["TRADECONSOLE_PG_PUBLIC"] = str(open_folder / "public")
    yield
    del os.environ["TRADECONSOLE_PG_PUBLIC"]


@pytest.fixture(scope="session")
def postgres(open_folder: Path, public_folder: None) -> Iterator[EmbeddedServer]:
    """A server that lives as long as the session."""
    server = EmbeddedServer(open_folder / "postgres", grace=0.0)
    server.start()
    yield server
    server.release()


@pytest_asyncio.fixture
async def dsn(postgres: EmbeddedServer) -> AsyncIterator[str]:
    """An empty database of its own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres.dsn)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres.dsn.replace("/postgres?", f"/{name}?")
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
