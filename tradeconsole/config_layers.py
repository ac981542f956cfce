"""Configuration in layers: files, environment and command line become one tree that knows where each value came from."""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec
from pydantic import BaseModel, ValidationError

from tradeconsole.errors import ConfigError

Tree = dict[str, Any]
Place = tuple[str, ...]
Model = TypeVar("Model", bound=BaseModel)

_SECRETS: Final = frozenset({"api_key", "apikey", "key", "password", "secret", "token"})


class Layer(msgspec.Struct, frozen=True):
    """Values from one source; `source` is what the user is told when one of them is wrong."""

    source: str
    tree: Tree


def file_layer(path: Path) -> Layer:
    """A TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return Layer(str(path), tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def environment_layers(environ: Mapping[str, str], prefix: str, reserved: Iterable[str]) -> Iterator[Layer]:
    """One layer for each variable `<prefix>SECTION__KEY`; empty ones and `reserved` names count as not set."""
    skipped = frozenset(reserved)
    for name in sorted(environ):
        value = environ[name]
        if name.startswith(prefix) and name not in skipped and value:
            *sections, key = name.removeprefix(prefix).lower().split("__")
            tree: Tree = {key: value}
            for section in reversed(sections):
                tree = {section: tree}
            yield Layer(f"environment variable {name}", tree)


def build(model: type[Model], layers: Iterable[Layer]) -> Model:
    """Lay each layer over the ones before it, and check the whole.

    Raises:
        ConfigError: an unknown key, a secret, or a wrong value; the message names the source, the key, and what
            is expected.
    """
    merged: Tree = {}
    origins: dict[Place, str] = {}
    for layer in layers:
        for place in _places(layer.tree):
            _check_known(model, place, layer.source)
            origins.update((place[:depth], layer.source) for depth in range(1, len(place) + 1))
        _lay_over(merged, layer.tree)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, origins)) from error


def _lay_over(below: Tree, above: Tree) -> None:
    for key, value in above.items():
        known = below.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _lay_over(known, value)
        else:
            below[key] = value


def _places(tree: Tree, at: Place = ()) -> Iterator[Place]:
    """Paths of all leaves."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _places(value, (*at, key))
        else:
            yield (*at, key)


def _check_known(model: type[BaseModel], place: Place, source: str) -> None:
    kind: Any = model
    for depth, key in enumerate(place):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if key not in kind.model_fields:
                raise ConfigError(_unknown(kind, place[: depth + 1], source))
            kind = kind.model_fields[key].annotation
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            return


def _unknown(kind: type[BaseModel], place: Place, source: str) -> str:
    *section, key = place
    if key.lower() in _SECRETS:
        return (
            f"{source}: '{'.'.join(place)}' must not be here: run 'tradeconsole login' to store an API key in "
            "the keyring, or set TRADECONSOLE_API_KEY"
        )
    near = difflib.get_close_matches(key, kind.model_fields, n=1, cutoff=0.0)
    return f"{source}: unknown key '{'.'.join(place)}': did you mean '{'.'.join([*section, *near])}'?"


def _explain(error: ValidationError, origins: Mapping[Place, str]) -> str:
    first = error.errors(include_url=False)[0]
    place = tuple(str(part) for part in first["loc"])
    source = next((origins[place[:n]] for n in range(len(place), 0, -1) if place[:n] in origins), "settings")
    reason = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
    shown = f" = {first['input']!r}" if isinstance(first["input"], str | int | float | bool | list) else ""
    return f"{source}: {'.'.join(place)}{shown}: {reason}"
