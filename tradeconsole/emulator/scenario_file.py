"""Reading a scenario: a TOML file, strict about every key and value."""

import re
import tomllib
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

import msgspec

from tradeconsole.emulator.hints import nearest
from tradeconsole.emulator.scenario import Scenario, ScenarioAccount, ScenarioMarket, ScenarioUser
from tradeconsole.emulator.switchboard import turn_all
from tradeconsole.emulator.switches import Switches
from tradeconsole.errors import ConfigError, InvalidRequest
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.records import ExchangeOptions, PositionBrackets

_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$(.*)`)?")
_WORD: Final = re.compile(r"'(.*)'")
_MISPLACED: Final = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)

_SECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "": Scenario,
    ".market": ScenarioMarket,
    ".users[]": ScenarioUser,
    ".users[].accounts[]": ScenarioAccount,
    ".users[].accounts[].position_brackets": PositionBrackets,
}


def read_scenario(path: Path) -> Scenario:
    """A scenario from its file.

    Raises:
        ConfigError: it cannot be read or is wrong; the message names file, place and what is expected there.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    try:
        scenario = msgspec.convert(document, Scenario)
        _check(scenario)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explained(str(error))}") from error
    except (ConfigError, InvalidRequest) as error:
        raise ConfigError(f"{path}: {error}") from error
    return scenario


def _check(scenario: Scenario) -> None:
    """What types cannot say.

    Raises:
        ConfigError, InvalidRequest: names, ids, products or switches do not fit.
    """
    if not scenario.users:
        raise ConfigError("there is no user: add a [[users]] table with name and key")
    names = [user.name.lower() for user in scenario.users]
    accounts = [account for user in scenario.users for account in user.accounts]
    ids = [account.id for account in accounts if account.id is not None]
    for what, values in (("users are called", names), ("accounts have the id", [str(id_) for id_ in ids])):
        for value, count in Counter(values).items():
            if count > 1:
                raise ConfigError(f"two {what} '{value}'")
    for user in scenario.users:
        _check_accounts(user)
    turn_all(scenario.switches, Switches(), ExchangeOptions())
    if scenario.market.products is not None:
        Catalogue.load().listing_only(scenario.market.products)


def _check_accounts(user: ScenarioUser) -> None:
    for account in user.accounts:
        if account.kind == "practice" and (account.dll or account.daily_loss is not None):
            raise ConfigError(f"user '{user.name}': practice accounts know no daily loss limit")
        if account.scaling and account.kind != "express":
            raise ConfigError(f"user '{user.name}': only express accounts have a scaling plan")
        Catalogue.load().listing_only(account.product_limits)
        if account.daily_loss is not None and account.daily_loss <= 0:
            raise ConfigError(f"user '{user.name}': daily_loss {account.daily_loss} must be above 0")
        if account.position_brackets is not None and account.bracket_mode == "AutoOCO":
            raise ConfigError(f"user '{user.name}': position_brackets need bracket_mode PositionBrackets")
        if account.max_lots is not None and account.max_lots < 0:
            raise ConfigError(f"user '{user.name}': max_lots {account.max_lots} must not be below 0")


def _explained(message: str) -> str:
    """msgspec's words with the place first and a hint where a key is unknown."""
    unknown = _UNKNOWN.fullmatch(message)
    if unknown is not None:
        key, place = unknown[1], unknown[2] or ""
        where = f"{place[1:]}: " if place else ""
        return f"{where}unknown key '{key}': {nearest(key, _fields(place))}"
    placed = _MISPLACED.fullmatch(message)
    if placed is None:
        return message
    place, _, key = placed[2].rpartition(".")
    choices = _choices(_fields(place).get(key))
    value = _WORD.search(placed[1])
    hint = f": {nearest(value[1], choices)}" if choices and value is not None else ""
    return f"{placed[2].removeprefix('.')}: {placed[1]}{hint}"


def _fields(place: str) -> dict[str, object]:
    """Keys of the table at a path such as `.users[0]`, and their types."""
    section = _SECTIONS.get(re.sub(r"\[\d+\]", "[]", place))
    return {} if section is None else {field.name: field.type for field in msgspec.structs.fields(section)}


def _choices(kind: object) -> list[str]:
    """The words that a key takes; none where it takes others as well."""
    for option in (kind, *get_args(kind)):
        if get_origin(option) is Literal:
            return list(get_args(option))
        if isinstance(option, type) and issubclass(option, StrEnum):
            return [choice.value for choice in option]
    return []
