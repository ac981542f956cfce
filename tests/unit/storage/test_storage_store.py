"""A store that is opened without its database keeps what is appended for the next one."""

from pathlib import Path

import pytest
from trading_factories import make_order

from tradeconsole.storage.spool import Spool
from tradeconsole.storage.store import Store

NOWHERE = "postgresql://nobody@database.invalid/nothing"


async def test_without_a_database_records_wait_in_the_spool_and_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: Store) -> str:
        raise AssertionError("the database must not be looked for")

    monkeypatch.setattr(Store, "_locate", refuse)
    store = Store(NOWHERE, tmp_path, broker="sim", migrations=tmp_path / "migrations")
    await store.open(database=False)
    store.journal.append(make_order())
    await store.close()

    found = Spool(tmp_path / "sim", on_damage=pytest.fail)
    found.open()
    assert found.pending == 1
    found.close()
