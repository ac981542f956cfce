"""One-shot verbs: a session without streams, so that no console of the same user is disturbed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tradeconsole.cli.invocation import Invocation
from tradeconsole.cli.picture import Picture, picture_of
from tradeconsole.credentials import environment_secrets
from tradeconsole.logs import logging_to
from tradeconsole.settings import Settings
from tradeconsole.views.session import Session

Result = TypeVar("Result")


def with_picture(
    call: Invocation, account: str | None, work: Callable[[Picture], Awaitable[Result]]
) -> Result:
    """Do some work on the picture of an account.

    Raises:
        TradeConsoleError: the session cannot be opened, or the work failed.
    """

    async def on(session: Session) -> Result:
        async with picture_of(session, account) as picture:
            return await work(picture)

    return with_session(call, on)


def with_session(
    call: Invocation, work: Callable[[Session], Awaitable[Result]], *, storage: bool = False
) -> Result:
    """Do some work in a session of its own, with `storage` where bars are worth keeping. Raises as `with_picture`."""
    settings = call.settings()

    async def run() -> Result:
        # brings in the whole engine, which --help and wrong options need not wait for
        from tradeconsole import bootstrap

        async with bootstrap.open_session(settings, streams=False, storage=storage) as session:
            return await work(session)

    with logging_for(settings):
        return asyncio.run(run())


def logging_for(settings: Settings) -> contextlib.AbstractContextManager[Path]:
    """The log file that the settings name, with the secrets of the environment struck out."""
    return logging_to(
        settings.logging.file or settings.folders.log_file, settings.logging.level, environment_secrets()
    )
