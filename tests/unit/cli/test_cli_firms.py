"""Firms are listed, and API keys stored and removed, without a word of the secret."""

import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import keyring
import pytest
from command_line import RunCommand
from keyring.backends.fail import Keyring as NoKeyring
from pydantic import SecretStr

from tradeconsole import bootstrap
from tradeconsole.errors import AuthenticationFailed, BrokerUnavailable
from tradeconsole.firms import load_firms
from tradeconsole.settings import Settings

KEY = "s3cr3t-key-of-a-trader"

Check = Callable[[Settings, SecretStr], Awaitable[list[str]]]


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let standard input be this text."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def keys(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "config" / "keys.json"
    found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return found


# -- brokers


def test_every_firm_is_listed_with_its_addresses(command: RunCommand) -> None:
    listed = command("brokers", "--json").json
    assert [row["profile"] for row in listed] == [firm.key for firm in load_firms()]
    assert listed[0] == {
        "firm": "TopstepX",
        "profile": "topstepx",
        "rest": "https://api.topstepx.com",
        "user_hub": "https://rtc.topstepx.com/hubs/user",
        "market_hub": "https://rtc.topstepx.com/hubs/market",
        "verified": True,
        "note": "",
    }
    bulenox = next(row for row in listed if row["profile"] == "bulenox")
    assert (bulenox["rest"], bulenox["verified"]) == ("https://api.bulenox.projectx.com", False)


def test_the_table_says_what_is_not_verified(command: RunCommand) -> None:
    lines = command("brokers").out.splitlines()
    (bulenox,) = [line for line in lines if "bulenox" in line]
    assert bulenox.split() == [
        "Bulenox",
        "bulenox",
        "api.bulenox.projectx.com",
        "rtc.bulenox.projectx.com",
        "unverified",
    ]
    (topstep,) = [line for line in lines if "topstepx" in line]
    assert "unverified" not in topstep
    assert lines[-1].startswith("unverified: not known whether")
    assert "topstepx.projectx.com" not in command("brokers").out


# -- login


def test_a_key_is_read_from_standard_input_and_never_printed(
    command: RunCommand, typed: Callable[[str], None], tmp_path: Path
) -> None:
    typed(f"{KEY}\nsomething else\n")
    stored = command("login", "topstepx", "--user", "me")
    assert stored.code == 0, stored.err
    assert str(tmp_path / "config" / "keys.json") in stored.out
    assert "trade with --profile topstepx" in stored.out
    assert KEY not in stored.out + stored.err
    assert keys(tmp_path) == {"topstepx:me": KEY}
    assert (tmp_path / "config" / "keys.json").stat().st_mode & 0o777 == 0o600


def test_who_logged_in_needs_not_be_named_again(
    command: RunCommand, typed: Callable[[str], None], tmp_path: Path
) -> None:
    typed(KEY)
    assert command("login", "Bulenox", "--user", "me").code == 0
    typed("another-key")
    assert command("login", "bulenox").code == 0
    assert keys(tmp_path) == {"bulenox:me": "another-key"}
    shown = command("config", "show", "--profile", "bulenox", "--json").json
    assert shown["profiles"]["bulenox"]["user"] == "me"


def test_the_environment_gives_the_key_where_standard_input_does_not(
    command: RunCommand, typed: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADECONSOLE_API_KEY", KEY)
    typed("")
    assert command("login", "topstepx", "--user", "me").code == 0
    assert keys(tmp_path) == {"topstepx:me": KEY}


def test_an_address_takes_a_key_of_its_own(
    command: RunCommand, typed: Callable[[str], None], tmp_path: Path
) -> None:
    typed(KEY)
    told = command("login", "--url", "http://127.0.0.1:9", "--user", "me")
    assert "trade with --url http://127.0.0.1:9\n" in told.out
    assert keys(tmp_path) == {"127.0.0.1:9:me": KEY}
    assert command("logout", "--url", "http://127.0.0.1:9").code == 0
    assert not keys(tmp_path)


def test_settings_that_name_somebody_else_are_mentioned(
    command: RunCommand, typed: Callable[[str], None], tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text('[profiles.topstepx]\nuser = "me"\n')
    typed(KEY)
    assert "--profile topstepx --user you" in command("login", "topstepx", "--user", "you").out


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (("login", "topstepx", "--user", "me"), "\n", "the API key is empty: nothing was stored"),
        (("login", "topstepx"), KEY, "no terminal to ask on: give --user"),
        (("login",), KEY, "'sim' is simulated: it needs no key"),
        (("login", "acme"), KEY, "there is no profile 'acme'"),
        (("login", "blusky", "--profile", "bulenox"), KEY, "name one place to log in to"),
        (("logout", "topstepx"), "", "nobody is logged in to 'topstepx'"),
    ],
    ids=str,
)
def test_mistakes_are_one_line_and_store_nothing(
    command: RunCommand,
    typed: Callable[[str], None],
    tmp_path: Path,
    arguments: tuple[str, ...],
    text: str,
    words: str,
) -> None:
    typed(text)
    outcome = command(*arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "config").exists()


def checking(monkeypatch: pytest.MonkeyPatch, answer: list[str] | Exception) -> None:
    async def try_login(settings: Settings, key: SecretStr) -> list[str]:
        assert (settings.active.user, key.get_secret_value()) == ("me", KEY)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(bootstrap, "try_login", try_login)


def test_a_checked_key_tells_its_accounts(
    command: RunCommand, typed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checking(monkeypatch, ["PRAC-1"])
    typed(KEY)
    outcome = command("login", "topstepx", "--user", "me", "--check", "--json")
    assert outcome.json["accounts"] == ["PRAC-1"]
    assert keys(tmp_path)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (AuthenticationFailed("user name or API key is wrong"), 5),
        (BrokerUnavailable("the gateway cannot be reached"), 4),
    ],
)
def test_a_key_that_fails_its_check_is_not_stored(
    command: RunCommand,
    typed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    failure: Exception,
    code: int,
) -> None:
    checking(monkeypatch, failure)
    typed(KEY)
    outcome = command("login", "topstepx", "--user", "me", "--check")
    assert (outcome.code, outcome.err) == (code, f"tradeconsole: {failure}\n")
    assert not keys(tmp_path)


# -- logout


def test_a_key_is_removed_with_the_memory_of_who_logged_in(
    command: RunCommand, typed: Callable[[str], None], tmp_path: Path
) -> None:
    typed(KEY)
    command("login", "topstepx", "--user", "me")
    outcome = command("logout", "topstepx")
    assert outcome.code == 0
    assert "removed from" in outcome.out
    assert not any((tmp_path / "config").iterdir())
    assert command("logout", "topstepx").code == 2


def test_removing_what_is_not_there_is_no_error_and_says_so(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADECONSOLE_API_KEY", KEY)
    outcome = command("logout", "topstepx", "--user", "me")
    assert outcome.code == 0
    assert outcome.out == "no key of me was stored; TRADECONSOLE_API_KEY is still set here\n"
