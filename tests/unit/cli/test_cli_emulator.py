"""Orders to a running emulator from the command line."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from command_line import RunCommand

from tradeconsole.emulator import server
from tradeconsole.emulator.operations import OPERATIONS
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.switchboard import SWITCHES


class Recorder(HTTPServer):
    """Answers every order with a status, or a refusal, and remembers what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.orders: list[tuple[str, object]] = []
        self.answer: tuple[int, bytes] = (200, b'{"pid":7,"hubs":{"user":1},"faults":[]}')

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: object) -> None:
        self.server.orders.append((self.path, body))
        status, content = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def emulator() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_order_is_sent_with_its_typed_arguments(command: RunCommand, emulator: Recorder) -> None:
    outcome = command("emulator", "ctl", "halt", "contract=MNQ", "halted=false", "--url", emulator.url)
    assert emulator.orders == [("/__emu/halt", {"contract": "MNQ", "halted": False})]
    assert (outcome.code, outcome.out) == (0, "pid: 7\nhubs: user 1\nfaults: none\n")


def test_of_the_switches_only_those_that_were_turned_are_told(
    command: RunCommand, emulator: Recorder
) -> None:
    for stand, told in (
        ({"limitFill": "touch", "stall": "off"}, "limitFill touch"),
        ({}, "all at their defaults"),
    ):
        emulator.answer = (200, json.dumps({"pid": 7, "switches": stand}).encode())
        outcome = command("emulator", "ctl", "status", "--url", emulator.url)
        assert outcome.out == f"pid: 7\nswitches: {told}\n"


def test_the_status_is_asked_for_and_comes_as_json(command: RunCommand, emulator: Recorder) -> None:
    outcome = command("emulator", "ctl", "status", "--url", emulator.url, "--json")
    assert emulator.orders == [("/__emu/status", None)]
    assert outcome.json["pid"] == 7


def test_lists_are_given_as_json(command: RunCommand, emulator: Recorder) -> None:
    ticks = '[{"price": 29000.25, "after_ms": 5}]'
    assert (
        command("emulator", "ctl", "feed", "contract=MNQ", f"ticks={ticks}", "--url", emulator.url).code == 0
    )
    assert emulator.orders == [("/__emu/feed", {"contract": "MNQ", "ticks": json.loads(ticks)})]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("hal",), "did you mean 'halt'?"),
        (("halt", "contact=MNQ"), "did you mean 'contract'?"),
        (("halt", "MNQ"), "expected key=value"),
        (("halt",), "missing required field `contract`"),
        (("halt", "contract=MNQ", "halted=7"), "halted"),
        (("lag", "ms=-1"), ">= 0"),
        (("lag", "ms=NaN"), "got `str`"),
        (("expire-tokens", "now=true"), "none is taken"),
        (("status", "please=1"), "no arguments"),
        ((), "--list"),
    ],
)
def test_a_wrong_order_is_told_in_one_line_and_not_sent(
    command: RunCommand, emulator: Recorder, words: tuple[str, ...], reason: str
) -> None:
    outcome = command("emulator", "ctl", *words, "--url", emulator.url)
    assert (outcome.code, outcome.out, emulator.orders) == (2, "", [])
    assert reason in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_refusal_of_the_emulator_is_passed_on(command: RunCommand, emulator: Recorder) -> None:
    emulator.answer = (400, b'{"error":"no account 5"}')
    outcome = command("emulator", "ctl", "account", "account_id=5", "can_trade=true", "--url", emulator.url)
    assert (outcome.code, outcome.err) == (2, "tradeconsole: account: no account 5\n")


def test_another_server_is_recognised(command: RunCommand, emulator: Recorder) -> None:
    emulator.answer = (404, b"")
    outcome = command("emulator", "ctl", "status", "--url", emulator.url)
    assert outcome.code == 2
    assert "is no emulator" in outcome.err


@pytest.mark.parametrize(
    ("url", "code", "reason"),
    [
        (("--url", "http://127.0.0.1:1"), 4, "no emulator answers"),
        (("--url", "file:///etc/passwd"), 2, "is not the address"),
        (("--url", "http://127.0.0.1:99999999"), 2, "is not the address"),
        ((), 2, "which emulator?"),
    ],
)
def test_without_an_emulator_there_is_one_line_and_a_code(
    command: RunCommand, url: tuple[str, ...], code: int, reason: str
) -> None:
    outcome = command("emulator", "ctl", "status", *url)
    assert outcome.code == code
    assert reason in outcome.err


def test_every_order_is_in_the_help_and_in_the_list(command: RunCommand) -> None:
    told = command("emulator", "--help").out
    rows = command("emulator", "ctl", "--list", "--json").json
    assert [row["order"] for row in rows] == [operation.name for operation in OPERATIONS]
    assert all(
        operation.name in told and operation.help in " ".join(told.split()) for operation in OPERATIONS
    )


def test_an_unknown_verb_of_the_emulator_is_told(command: RunCommand) -> None:
    outcome = command("emulator", "control")
    assert outcome.code == 2
    assert "control" in outcome.err


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[EmulatorOptions]:
    """The options of emulators that would have been started."""
    options: list[EmulatorOptions] = []

    def run(wanted: EmulatorOptions) -> int:
        options.append(wanted)
        return 0

    monkeypatch.setattr(server, "run_emulator", run)
    return options


SCENARIO = '[market]\nspeed = 10.0\nvolatility = 0\n[[users]]\nname = "ann"\nkey = "k"\n'


def test_options_before_the_verbs_still_run_an_emulator(
    command: RunCommand, started: list[EmulatorOptions]
) -> None:
    assert command("emulator", "--port", "18765", "--seed", "7", "--user", "ann", "--json").code == 0
    assert started == [EmulatorOptions(port=18765, seed=7, user="ann", json=True)]


def test_what_is_written_goes_before_the_scenario(
    command: RunCommand, started: list[EmulatorOptions], tmp_path: Path
) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(SCENARIO)
    assert command("emulator", "--scenario", str(file)).code == 0
    assert (
        command("emulator", "--scenario", str(file), "--speed", "1", "--switch", "limitfill=touch").code == 0
    )
    assert [(options.speed, options.volatility) for options in started] == [(10.0, 0.0), (1.0, 0.0)]
    assert started[1].switches == {"limitFill": "touch"}
    assert started[1].scenario is not None
    assert started[1].scenario.users[0].name == "ann"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--scenario", "nowhere.toml"), "cannot read nowhere.toml"),
        (("--speed", "inf"), "--speed"),
        (("--activity", "inf"), "--activity"),
        (("--switch", "limitFill"), "expected name=value"),
        (("--switch", "limitFil=touch"), "did you mean 'limitFill'?"),
        (("--switch", "slippageTicks=many"), "expected 0 … 1000"),
    ],
)
def test_a_wrong_start_is_told_in_one_line(
    command: RunCommand, started: list[EmulatorOptions], words: tuple[str, ...], reason: str
) -> None:
    outcome = command("emulator", *words)
    assert (outcome.code, started) == (2, [])
    assert reason in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_scenario_names_its_users_itself(command: RunCommand, tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(SCENARIO)
    outcome = command("emulator", "--scenario", str(file), "--user", "bob")
    assert outcome.code == 2
    assert "do not go together" in outcome.err


def test_every_switch_is_explained(command: RunCommand) -> None:
    rows = command("emulator", "switches", "--json").json
    assert [row["switch"] for row in rows] == [switch.name for switch in SWITCHES]
    assert {"switch": "limitFill", "values": "through | touch", "default": "through"}.items() <= rows[
        6
    ].items()
