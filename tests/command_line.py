"""What calls of the command in tests are made of."""

import json
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from fakes import ScriptedSession

from tradeconsole.settings import Settings


class Outcome(msgspec.Struct, frozen=True):
    """What one call of the command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.err)["error"]
        return found


class RunCommand(Protocol):
    """Carries out one command line without a terminal."""

    def __call__(self, *arguments: str) -> Outcome: ...


PlayScript = Callable[[ScriptedSession], list[Settings]]
"""Lets every session be the scripted one; returns the settings of the sessions that were opened."""
