"""The `tradeconsole` command: its verbs, and the wall at which every error becomes one line and an exit code."""

import errno
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Final

import typer

from tradeconsole.cli import (
    configuration,
    console,
    database,
    doctor,
    drill,
    emulator,
    firms,
    records,
    trading,
)
from tradeconsole.cli.invocation import Invocation, error_text, hoist
from tradeconsole.credentials import environment_secrets
from tradeconsole.errors import EXIT_INTERRUPTED, ConfigError, TradeConsoleError
from tradeconsole.logs import logging_to, redact
from tradeconsole.settings import find_folders

EXIT_UNWRITTEN: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNEXPECTED: Final = 70

log = logging.getLogger(__name__)

app = typer.Typer(
    help="A trading console that lives in a terminal. Without a verb it opens the console.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (console, trading, records, emulator, drill, firms, database, configuration, doctor):
    group.register(app)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    profile: Annotated[
        str | None, typer.Option(help="Where to trade: sim, a firm of `brokers`, or one of yours.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Any other gateway, by its address.")] = None,
    user: Annotated[
        str | None, typer.Option(help="User name there; the key comes from `login` or TRADECONSOLE_API_KEY.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON, errors too.")] = False,
    show_version: Annotated[bool, typer.Option("--version", help="Tell the version.")] = False,
) -> int | None:
    """Options before the verb; they are understood after it, too."""
    context.obj = Invocation(profile=profile, url=url, user=user, json=json)
    if show_version:
        number = version("tradeconsole")
        context.obj.tell({"version": number}, f"tradeconsole {number}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        return console.run(context)
    return None


def run_command(arguments: Sequence[str]) -> int:
    """Carry out one command line; returns its exit code. Errors are one line on standard error."""
    json = "--json" in arguments
    try:
        result = app(hoist(arguments), prog_name="tradeconsole", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except TradeConsoleError as error:
        return _fail(error, error.exit_code, json=json)
    except typer.TyperException as error:
        return _fail(ConfigError(error.format_message()), EXIT_USAGE, json=json)
    except typer.Abort:
        return EXIT_INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in {errno.EPIPE, errno.ENOSPC}:
            return _unwritten(error, json=json)
        # nobody has read this message before: it may quote anything
        words = redact(f"{type(error).__name__}: {error}", environment_secrets())
        return _fail(error, EXIT_UNEXPECTED, json=json, text=f"{words}{_keep(error)}")
    return result if isinstance(result, int) else 0


def _unwritten(error: OSError, *, json: bool) -> int:
    """Our output goes nowhere: its reader has seen enough, or the disk is full."""
    # what is still buffered must not fail again at exit
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return EXIT_UNWRITTEN
    return _fail(error, EXIT_UNWRITTEN, json=json, text=f"nothing more can be written: {error.strerror}")


def _fail(error: Exception, code: int, *, json: bool, text: str | None = None) -> int:
    print(error_text(error, code, json=json, text=text), file=sys.stderr)
    return code


def _keep(error: Exception) -> str:
    """Write the traceback of a fault of ours to the log; where it is, in words."""
    file = find_folders().log_file
    try:
        with logging_to(file, secrets=environment_secrets()):
            log.error("unexpected", exc_info=error)
    except ConfigError:
        return " (a fault of tradeconsole: please report it)"
    return f" (a fault of tradeconsole: please report it with {file})"
