"""Orders to a running emulator from outside its process; loads no server."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from tradeconsole.emulator.hints import nearest
from tradeconsole.emulator.operations import OPERATIONS, Operation, operation
from tradeconsole.errors import BrokerUnavailable, ConfigError

PATIENCE_SECONDS: Final = 10.0

STATUS: Final = "status"
"""The one question; everything else is an order."""


def find_operation(name: str) -> Operation:
    """An order by its name.

    Raises:
        ConfigError: there is none.
    """
    found = operation(name)
    if found is None:
        names = [STATUS, *(known.name for known in OPERATIONS)]
        raise ConfigError(f"'{name}' is not an order to an emulator: {nearest(name, names)}")
    return found


def read_arguments(wanted: Operation, words: list[str]) -> dict[str, Any]:
    """The arguments of an order from words such as `contract=MNQ`; values are JSON, or else text.

    Raises:
        ConfigError: a word is no `key=value`, a key or value is not one of the order's.
    """
    given: dict[str, Any] = {}
    keys = [field.encode_name for field in msgspec.structs.fields(wanted.arguments)]
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(
                f"'{word}' is no argument: expected key=value ({wanted.usage or 'none is taken'})"
            )
        if key not in keys:
            raise ConfigError(f"{wanted.name} has no argument '{key}': {nearest(key, keys)}")
        try:
            given[key] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            given[key] = text
    try:
        msgspec.json.decode(json.dumps(given), type=wanted.arguments)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{wanted.name}: {error} ({wanted.usage})") from error
    return given


def send(url: str, name: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Ask for the status (`arguments` None) or give an order; the status after it.

    Raises:
        ConfigError: the emulator refuses, or something else answers there.
        BrokerUnavailable: nobody answers.
    """
    connection = _connection(url)
    try:
        method, body = ("GET", None) if arguments is None else ("POST", json.dumps(arguments))
        connection.request(method, f"/__emu/{name}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, HTTPException) as error:
        raise BrokerUnavailable(f"no emulator answers at {url}: {error or type(error).__name__}") from error
    finally:
        connection.close()
    try:
        said = dict(json.loads(content))
    except ValueError as error:
        raise ConfigError(
            f"what answers at {url} is no emulator that knows '{name}' (HTTP {answer.status})"
        ) from error
    if answer.status != HTTPStatus.OK:
        raise ConfigError(f"{name}: {said.get('error', answer.reason)}")
    return said


def _connection(url: str) -> HTTPConnection:
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname:
            return HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_SECONDS)
    except ValueError:
        pass
    raise ConfigError(
        f"'{url}' is not the address of an emulator: expected one such as http://127.0.0.1:8000"
    )
