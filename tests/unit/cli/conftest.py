"""A command line over a scripted session, in folders of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from command_line import Outcome, PlayScript, RunCommand
from fakes import ScriptedSession

from tradeconsole import bootstrap
from tradeconsole.cli.app import run_command
from tradeconsole.settings import Settings


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> RunCommand:
    """Run the command in this process, without a terminal."""
    monkeypatch.setenv("TRADECONSOLE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("TRADECONSOLE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TRADECONSOLE_API_KEY", raising=False)

    def run(*arguments: str) -> Outcome:
        capfd.readouterr()
        code = run_command(arguments)
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> PlayScript:
    """Let every session be the scripted one; returns the settings of the sessions that were opened."""

    def play(session: ScriptedSession) -> list[Settings]:
        opened: list[Settings] = []

        @asynccontextmanager
        async def open_session(
            settings: Settings, *, streams: bool = True, storage: bool = True
        ) -> AsyncIterator[ScriptedSession]:
            assert not streams, "one-shot verbs must not disturb a console"
            opened.append(settings)
            yield session

        monkeypatch.setattr(bootstrap, "open_session", open_session)
        return opened

    return play
