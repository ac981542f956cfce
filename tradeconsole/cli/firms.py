"""Verbs of firms and logins: brokers, login, logout."""

import os
import sys
from getpass import getpass
from typing import Annotated

import typer
from pydantic import SecretStr

from tradeconsole.cli.invocation import EPILOG, Invocation, invocation
from tradeconsole.cli.output import Row
from tradeconsole.credentials import KEY_VARIABLE
from tradeconsole.errors import ConfigError
from tradeconsole.firms import Firm, load_firms
from tradeconsole.logs import learn_secret
from tradeconsole.settings import Overrides, Settings, load_settings

Place = Annotated[
    str | None,
    typer.Argument(metavar="FIRM", help="A firm of `brokers`, or a profile; without it the one in use."),
]


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.command("brokers", epilog=EPILOG)(brokers)
    app.command("login", epilog=EPILOG)(login)
    app.command("logout", epilog=EPILOG)(logout)


def brokers(context: typer.Context) -> None:
    """List the firms that can be traded at; each is a profile by its name in the second column."""
    call = invocation(context)
    firms = load_firms()
    if call.json:
        call.show([_row(firm) for firm in firms], "")
        return
    rows = [
        {
            "firm": firm.name,
            "profile": firm.key,
            "rest": firm.api_url.removeprefix("https://"),
            "hubs": firm.rtc_url.removeprefix("https://"),
            "note": "; ".join(text for text in (firm.note, "" if firm.verified else "unverified") if text),
        }
        for firm in firms
    ]
    call.show(rows, "")
    print(
        "unverified: not known whether the firm still uses this gateway, or whether the addresses are right"
    )


def _row(firm: Firm) -> Row:
    return {
        "firm": firm.name,
        "profile": firm.key,
        "rest": firm.api_url,
        "user_hub": firm.user_hub,
        "market_hub": firm.market_hub,
        "verified": firm.verified,
        "note": firm.note,
    }


def login(
    context: typer.Context,
    firm: Place = None,
    check: Annotated[
        bool, typer.Option("--check", help="Log in first; store nothing if that fails.")
    ] = False,
) -> None:
    """Store an API key in the keyring of your system.

    The key is asked for without showing it. In scripts it is the first line of standard input, or TRADECONSOLE_API_KEY.
    """
    call = invocation(context)
    settings = _settings(call, firm)
    where = settings.active.firm or settings.profile
    user = settings.active.user or _ask(f"User name at {where}", "give --user")
    settings = _settings(call, firm, user)
    key = SecretStr(_secret(f"API key of {user} at {where}"))
    accounts = _check(settings, key) if check else None
    place = settings.credentials().store(settings.profile, user, key)
    name = settings.place(settings.profile)
    how = name if name.startswith("--") else f"--profile {name}"
    call.tell(
        {"stored": place, "profile": settings.profile, "user": user, "accounts": accounts},
        f"stored in {place}{_accounts_words(accounts)}; trade with {how}{_reminder(call, firm, user)}",
    )


def logout(context: typer.Context, firm: Place = None) -> None:
    """Remove a stored API key."""
    call = invocation(context)
    settings = _settings(call, firm)
    user = settings.active.user
    if not user:
        raise ConfigError(
            f"nobody is logged in to '{settings.profile}': give --user to remove somebody's key"
        )
    places = settings.credentials().remove(settings.profile, user)
    text = f"removed from {' and '.join(places)}" if places else f"no key of {user} was stored"
    if os.environ.get(KEY_VARIABLE):
        text += f"; {KEY_VARIABLE} is still set here"
    call.tell({"removed": places, "profile": settings.profile, "user": user}, text)


def _settings(call: Invocation, firm: str | None, user: str | None = None) -> Settings:
    """Settings with the firm's profile in use.

    Raises:
        ConfigError: there is no such firm, it was named twice, or it takes no key.
    """
    if firm is not None and call.profile not in {None, firm}:
        raise ConfigError(f"name one place to log in to: '{firm}' or --profile {call.profile}")
    settings = load_settings(Overrides(profile=firm or call.profile, url=call.url, user=user or call.user))
    if settings.active.emulator:
        raise ConfigError(f"profile '{settings.profile}' is simulated: it needs no key; name a firm")
    return settings


def _ask(question: str, instead: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigError(f"there is no terminal to ask on: {instead}")
    answer: str = typer.prompt(question, err=True)
    return answer.strip()


def _secret(question: str) -> str:
    """The key, from the terminal, standard input or the environment.

    Raises:
        ConfigError: there is none.
    """
    if sys.stdin.isatty():
        entered = _unseen(question)
    else:
        entered = sys.stdin.readline().strip() or os.environ.get(KEY_VARIABLE, "").strip()
    if not entered:
        raise ConfigError("the API key is empty: nothing was stored")
    learn_secret(entered)
    return entered


def _unseen(question: str) -> str:
    # unlike typer, this asks only when the terminal has stopped to echo: a quick paste must not be seen
    try:
        return getpass(f"{question}: ", sys.stderr).strip()
    except EOFError:
        return ""


def _check(settings: Settings, key: SecretStr) -> list[str]:
    """Log in and out again; names of the accounts.

    Raises:
        BrokerError: the firm refuses, or cannot be reached.
    """
    import asyncio

    from tradeconsole import bootstrap
    from tradeconsole.cli.one_shot import logging_for

    with logging_for(settings):
        return asyncio.run(bootstrap.try_login(settings, key))


def _accounts_words(accounts: list[str] | None) -> str:
    return "" if accounts is None else f"; logged in, accounts: {', '.join(accounts) or 'none'}"


def _reminder(call: Invocation, firm: str | None, user: str) -> str:
    """What else the user has to say, because the settings name somebody else."""
    plain = load_settings(Overrides(profile=firm or call.profile, url=call.url))
    return "" if plain.active.user == user else f" --user {user}"
