"""Verbs about this machine: config, db, doctor, sim, emulator."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import PlayScript, RunCommand
from factories import make_frame
from fakes import ScriptedSession

from tradeconsole import bootstrap
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.settings import Settings
from tradeconsole.storage.store import StoreStatus
from tradeconsole.views.models import BudgetView, SystemView

STATUS = StoreStatus(
    available=True,
    reason="",
    where="/data",
    server_version="18.6",
    size_bytes=8_000_000,
    migrations_applied=("0001_x.sql",),
    spool="/spool",
    spool_pending=0,
)


class FakeStore:
    """A store whose database is in a known state."""

    def __init__(self, status: StoreStatus, applied: tuple[str, ...] = ()) -> None:
        self._status, self._applied = status, applied
        self.closed = False

    async def status(self) -> StoreStatus:
        return self._status

    async def migrate(self) -> tuple[str, ...]:
        return self._applied

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What `bootstrap.open_store` hands over; set `.value` to change it."""
    holder = SimpleNamespace(value=FakeStore(STATUS))
    monkeypatch.setattr(bootstrap, "open_store", lambda _: holder.value)
    return holder


def write_config(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "config.toml").write_text(text)


# -- config


def test_paths_are_told(command: RunCommand, tmp_path: Path) -> None:
    paths = command("config", "path", "--json").json
    assert paths["config"] == str(tmp_path / "config" / "config.toml")
    assert Path(paths["defaults"]).exists()


def test_settings_are_shown_without_their_secrets(command: RunCommand, tmp_path: Path) -> None:
    write_config(tmp_path, '[storage]\ndsn = "postgresql://me:hidden@host/db"\n[risk]\nmax_order_size = 3\n')
    shown = command("config", "show", "--json")
    assert shown.json["risk"]["max_order_size"] == 3
    assert "hidden" not in shown.out
    assert "risk.max_order_size = 3" in command("config", "show").out.splitlines()


# -- db


def test_the_state_of_the_database_is_told(command: RunCommand, store: SimpleNamespace) -> None:
    told = command("db", "status", "--json").json
    assert (told["available"], told["migrations_applied"]) == (True, ["0001_x.sql"])
    assert "server version: 18.6" in command("db", "status").out
    assert store.value.closed


def test_a_database_that_is_away_ends_with_its_code(command: RunCommand, store: SimpleNamespace) -> None:
    store.value = FakeStore(
        StoreStatus(available=False, reason="it is gone", where="/data", spool="/spool", spool_pending=2)
    )
    outcome = command("db", "status", "--json")
    assert outcome.code == 6
    assert (outcome.json["reason"], outcome.json["spool_pending"]) == ("it is gone", 2)


def test_migrations_are_named_as_they_are_applied(command: RunCommand, store: SimpleNamespace) -> None:
    assert command("db", "migrate").out == "nothing to do\n"
    store.value = FakeStore(STATUS, ("0001_x.sql", "0002_y.sql"))
    assert command("db", "migrate").out == "applied: 0001_x.sql, 0002_y.sql\n"


# -- doctor


@pytest.mark.usefixtures("store")
def test_the_doctor_finds_a_healthy_machine_healthy(command: RunCommand, script: PlayScript) -> None:
    budgets = (BudgetView(name="general", used=6, limit=180, window=60.0),)
    script(ScriptedSession([make_frame(system=SystemView(budgets=budgets))]))
    outcome = command("doctor", "--json")
    assert outcome.code == 0, outcome.out
    found = {check["name"]: check["found"] for check in outcome.json}
    assert "PRAC-50K-1001" in found["gateway"]
    assert "requests used by this check: general 6/180 in 60 s" in found["gateway"]
    assert found["calendar"] == "DEMO 24/7"


def test_the_doctor_names_what_is_wrong_and_goes_on(
    command: RunCommand, script: PlayScript, store: SimpleNamespace
) -> None:
    store.value = FakeStore(
        StoreStatus(available=False, reason="port taken", where="/data", spool="/s", spool_pending=0)
    )
    script(ScriptedSession([make_frame()]))
    outcome = command("doctor")
    assert outcome.code == 1
    failing = [line for line in outcome.out.splitlines() if line.startswith("FAIL")]
    assert len(failing) == 1
    assert "port taken" in failing[0]


def test_the_doctor_stops_at_settings_that_cannot_be_read(command: RunCommand, tmp_path: Path) -> None:
    write_config(tmp_path, "[risk]\nmax_order_sise = 3\n")
    outcome = command("doctor", "--json")
    assert outcome.code == 1
    assert "max_order_size" in outcome.json[-1]["found"]


# -- the simulated gateway


def test_sim_reset_is_for_simulated_profiles(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    async def reset(settings: Settings) -> None:
        done.append(settings.profile)

    monkeypatch.setattr(bootstrap, "reset_sim", reset)
    assert command("sim", "reset", "--json").json == {"reset": "sim"}
    assert done == ["sim"]


def test_the_emulator_gets_its_options(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[EmulatorOptions] = []

    def run(options: EmulatorOptions) -> int:
        given.append(options)
        return 4

    monkeypatch.setattr("tradeconsole.emulator.server.run_emulator", run)
    words = "emulator --port 5 --seed 7 --replay a.csv --symbol ES --speed 60 --start first --json --user me"
    assert command(*words.split()).code == 4
    assert given == [
        EmulatorOptions(
            port=5, seed=7, replay=Path("a.csv"), symbol="ES", speed=60, start="first", json=True, user="me"
        )
    ]


def test_a_port_out_of_range_is_refused(command: RunCommand) -> None:
    outcome = command("emulator", "--port", "70000")
    assert outcome.code == 2
    assert "70000" in outcome.err or "65535" in outcome.err
