"""The verb that opens the console in this terminal."""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack

import typer

from tradeconsole.cli.invocation import EPILOG, invocation
from tradeconsole.cli.one_shot import logging_for
from tradeconsole.errors import ConfigError
from tradeconsole.settings import Settings
from tradeconsole.views.session import Session


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command("run", epilog=EPILOG)(run)


def run(context: typer.Context) -> int:
    """Open the console."""
    settings = invocation(context).settings()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("the console needs a terminal: see 'tradeconsole --help' for verbs that do not")
    if hasattr(signal, "SIGHUP"):
        # under nohup it would outlive its terminal and go on drawing for nobody
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with logging_for(settings):
        return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    from tradeconsole import bootstrap
    from tradeconsole.tui.app import TradeConsole
    from tradeconsole.tui.appearance import appearance

    look = appearance(settings.interface, os.environ)
    async with AsyncExitStack() as stack:

        async def open_session() -> Session:
            return await stack.enter_async_context(bootstrap.open_session(settings, fps=look.fps))

        app = TradeConsole(open_session, look)
        await app.run_async()
        if app.crash is not None:
            raise app.crash
        return app.return_code or 0
