"""The verb that looks for what is wrong on this machine, and says how to mend it."""

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import typer

from tradeconsole.cli.invocation import EPILOG, Invocation, invocation
from tradeconsole.cli.one_shot import logging_for, with_picture
from tradeconsole.cli.picture import Picture
from tradeconsole.credentials import keyring_name
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.errors import StorageError, TradeConsoleError
from tradeconsole.settings import Settings

_ENOUGH_DISK: Final = 500_000_000


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at; `found` is a sentence, with the cure where it is not well."""

    name: str
    ok: bool
    found: str


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command("doctor", epilog=EPILOG)(doctor)


def doctor(context: typer.Context) -> None:
    """Look for what is wrong, and say how to mend it.

    The exit code is 1 if anything is wrong.
    """
    call = invocation(context)
    checks = list(_checks(call))
    if call.json:
        call.show([msgspec.structs.asdict(check) for check in checks], "")
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<{width}}  {check.found}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _checks(call: Invocation) -> Iterator[Check]:
    yield Check(
        name="program",
        ok=True,
        found=f"tradeconsole {version('tradeconsole')}, Python {platform.python_version()}, {platform.platform()}",
    )
    try:
        settings = call.settings()
    except TradeConsoleError as error:
        yield Check(name="settings", ok=False, found=str(error))
        return
    file = settings.folders.config_file
    used = f"{file}" if file.exists() else f"defaults ({file} does not exist)"
    yield Check(name="settings", ok=True, found=f"profile '{settings.profile}', {used}")
    yield _terminal()
    yield _checked("data folder", lambda: _data_folder(settings.folders.data))
    yield _checked("calendar", lambda: _calendar(settings))
    yield _checked("API key", lambda: _api_key(settings))
    with logging_for(settings):
        yield _checked("database", lambda: _database(settings))
    yield _checked("gateway", lambda: _gateway(call))


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, found=look())
    except (TradeConsoleError, OSError) as error:
        return Check(name=name, ok=False, found=str(error))


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check(name="terminal", ok=True, found="none (output goes to a pipe or a file)")
    columns, rows = shutil.get_terminal_size()
    encoding = sys.stdout.encoding or "unknown"
    found = f"{os.environ.get('TERM', 'unknown')}, {columns}×{rows}, {encoding}"
    if columns < 80 or rows < 24:
        return Check(name="terminal", ok=False, found=f"{found}: make it 80×24 or larger")
    if "utf" not in encoding.lower():
        return Check(name="terminal", ok=False, found=f"{found}: use a UTF-8 locale, or set interface.ascii")
    return Check(name="terminal", ok=True, found=found)


def _data_folder(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    free = shutil.disk_usage(folder).free
    if free < _ENOUGH_DISK:
        raise StorageError(f"{folder}: only {free // 1_000_000} MB free, 500 MB are needed")
    return f"{folder}, {free / 1e9:.1f} GB free"


def _calendar(settings: Settings) -> str:
    calendar = load_calendar(settings.active.calendar, settings.engine.calendar_file)
    own = f", with {settings.engine.calendar_file}" if settings.engine.calendar_file else ""
    return f"{calendar.name}{own}"


def _api_key(settings: Settings) -> str:
    if settings.active.emulator:
        return f"not needed: '{settings.profile}' is simulated"
    settings.api_key()
    return f"found for {settings.active.user} (keyring: {keyring_name()})"


def _database(settings: Settings) -> str:
    from tradeconsole import bootstrap

    async def look() -> str:
        store = bootstrap.open_store(settings)
        try:
            status = await store.status()
        finally:
            await store.close()
        if not status.available:
            raise StorageError(f"{status.where}: {status.reason}")
        waiting = (
            f", migrations wait: {', '.join(status.migrations_pending)}" if status.migrations_pending else ""
        )
        return (
            f"PostgreSQL {status.server_version} at {status.where}, {status.size_bytes / 1e6:.0f} MB{waiting}"
        )

    return asyncio.run(look())


def _gateway(call: Invocation) -> str:
    async def look(picture: Picture) -> str:
        names = ", ".join(account.name for account in picture.accounts) or "none"
        spent = ", ".join(
            f"{budget.name} {budget.used}/{budget.limit} in {budget.window:.0f} s"
            for budget in picture.budgets
        )
        return f"logged in; accounts: {names}; requests used by this check: {spent or 'not counted'}"

    return with_picture(call, None, look)
