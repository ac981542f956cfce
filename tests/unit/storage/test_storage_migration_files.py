"""Migration files: numbered without gaps or twins, or refused by name."""

from pathlib import Path

import pytest

from tradeconsole.errors import StorageError
from tradeconsole.storage.migrations import read_migrations

MIGRATIONS = Path(__file__).parents[3] / "migrations"


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("SELECT 1;")
    return folder


def test_our_own_migrations_are_in_order() -> None:
    versions = [migration.version for migration in read_migrations(MIGRATIONS)]
    assert versions == list(range(1, len(versions) + 1))


def test_files_are_read_in_order_and_other_files_are_none(tmp_path: Path) -> None:
    write(tmp_path, "0002_b.sql", "0001_a.sql", "README.md")
    assert [migration.name for migration in read_migrations(tmp_path)] == ["0001_a.sql", "0002_b.sql"]


def test_a_checksum_follows_the_content(tmp_path: Path) -> None:
    write(tmp_path, "0001_a.sql")
    before = read_migrations(tmp_path)[0].checksum
    (tmp_path / "0001_a.sql").write_text("SELECT 2;")
    assert read_migrations(tmp_path)[0].checksum != before


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("0001_a.sql", "0003_c.sql"), "0003_c.sql should be number 0002"),
        (("0001_a.sql", "0001_b.sql"), "0001_b.sql should be number 0002"),
        (("0002_b.sql",), "0002_b.sql should be number 0001"),
        (("1_a.sql",), "is no migration: call it NNNN_words.sql"),
        ((), "holds no migrations: reinstall tradeconsole"),
    ],
)
def test_a_folder_in_disorder_is_refused(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(StorageError, match=message):
        read_migrations(write(tmp_path, *names))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read: No such file or directory"):
        read_migrations(tmp_path / "none")
