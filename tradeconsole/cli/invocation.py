"""One call of the command: its global options, its settings, and how it talks to people and to programs."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import typer

from tradeconsole.cli.output import Row, encode, plain_digits, print_table
from tradeconsole.errors import ConfigError
from tradeconsole.settings import Overrides, Settings, load_settings

_VALUES: Final = ("--profile", "--url", "--user")
_FLAGS: Final = ("--json",)
EPILOG: Final = "--profile, --url, --user and --json work here too: see tradeconsole --help."


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """Global options, given before or after the verb."""

    profile: str | None = None
    url: str | None = None
    user: str | None = None
    json: bool = False

    def settings(self) -> Settings:
        """Settings with these options applied.

        Raises:
            ConfigError: they are not usable.
        """
        return load_settings(Overrides(profile=self.profile, url=self.url, user=self.user))

    def show(self, rows: Sequence[Row], empty: str, *, columns: Sequence[str] = ()) -> None:
        """Print rows: a JSON list, or a table of `columns` (else of all); `empty` says that there are none."""
        if self.json:
            print(encode(list(rows)))
        elif rows:
            print_table([{name: row[name] for name in columns or row} for row in rows])
        else:
            print(empty)

    def tell(self, value: Row, text: str) -> None:
        """Print one result: the JSON object, or its text."""
        print(encode(value) if self.json else text)

    def confirm(self, question: str, *, yes: bool, required: bool = True) -> None:
        """Ask on the terminal, unless `yes` was given; the default answer is no.

        Raises:
            ConfigError: `required`, and there is no terminal to ask on.
            typer.Exit: the answer is no; nothing was done.
        """
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            if required:
                raise ConfigError("there is no terminal to ask on: give --yes to confirm")
            return
        if not typer.confirm(question, default=False, err=True):
            print("nothing was sent", file=sys.stderr)
            raise typer.Exit(1)


def group(words: str) -> typer.Typer:
    """A verb that has verbs of its own; without one it names them."""
    made = typer.Typer()
    made.callback(help=words, invoke_without_command=True)(_name_verbs)
    return made


def _name_verbs(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        verbs = ", ".join(context.command.list_commands(context))  # type: ignore[attr-defined]
        raise ConfigError(f"{context.info_name} needs a verb: {verbs}; --help explains them")


def invocation(context: typer.Context) -> Invocation:
    """The invocation that the root command made."""
    made = context.find_root().obj
    if not isinstance(made, Invocation):
        raise TypeError("the root command made no invocation")
    return made


def hoist(arguments: Sequence[str]) -> list[str]:
    """The arguments with global options moved before the verb, where the parser looks for them.

    Raises:
        ConfigError: one of them lacks its value.
    """
    hoisted: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*hoisted, *rest, word, *words]
        if word in _FLAGS or word.startswith(tuple(f"{name}=" for name in _VALUES)):
            hoisted.append(word)
        elif word in _VALUES:
            value = next(words, None)
            if value is None or value.startswith("--"):
                raise ConfigError(f"{word} needs a value")
            hoisted += [word, value]
        else:
            rest.append(word)
    return [*hoisted, *rest]


def error_text(error: Exception, exit_code: int, *, json: bool, text: str | None = None) -> str:
    """One line for a person, or one JSON object; `text` replaces the error's own message."""
    message = " ".join((text or str(error)).split()) or type(error).__name__
    if not json:
        return f"tradeconsole: {message}"
    details: dict[str, Any] = {
        "type": type(error).__name__,
        "message": plain_digits(message),
        "exit_code": exit_code,
    }
    for name in ("rule", "code", "broker_order_id"):
        if (value := getattr(error, name, None)) is not None:
            details[name] = value
    return encode({"error": details}, indent=0)
