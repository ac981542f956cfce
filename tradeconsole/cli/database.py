"""Verbs of the database: db migrate, db status."""

import asyncio

import msgspec
import typer

from tradeconsole.cli.invocation import EPILOG, group, invocation
from tradeconsole.cli.one_shot import logging_for
from tradeconsole.errors import StorageError

db = group("The database.")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.add_typer(db, name="db")


@db.command("migrate", epilog=EPILOG)
def migrate(context: typer.Context) -> None:
    """Bring the database up to this release."""
    from tradeconsole import bootstrap

    call = invocation(context)
    settings = call.settings()

    async def work() -> tuple[str, ...]:
        store = bootstrap.open_store(settings)
        try:
            return await store.migrate()
        finally:
            await store.close()

    with logging_for(settings):
        applied = asyncio.run(work())
    call.tell({"applied": applied}, f"applied: {', '.join(applied)}" if applied else "nothing to do")


@db.command("status", epilog=EPILOG)
def status(context: typer.Context) -> None:
    """Tell where the database is, how large, and what waits to be written. Changes nothing.

    The exit code is 6 if it cannot be reached.
    """
    from tradeconsole import bootstrap

    call = invocation(context)
    settings = call.settings()

    async def work() -> dict[str, object]:
        store = bootstrap.open_store(settings)
        try:
            return msgspec.structs.asdict(await store.status())
        finally:
            await store.close()

    with logging_for(settings):
        found = asyncio.run(work())
    call.tell(found, "\n".join(f"{name.replace('_', ' ')}: {_words(value)}" for name, value in found.items()))
    if not found["available"]:
        raise typer.Exit(StorageError.exit_code)


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "–"
