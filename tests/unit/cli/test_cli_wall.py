"""The edge of the command: where options may stand, and how errors end it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from command_line import PlayScript, RunCommand
from factories import make_frame
from fakes import ScriptedSession
from hypothesis import given
from hypothesis import strategies as st

from tradeconsole.__main__ import main
from tradeconsole.cli.invocation import error_text, hoist
from tradeconsole.errors import AuthenticationFailed, BrokerRejected, ConfigError, RiskDenied


def test_the_version_is_that_of_the_package(command: RunCommand) -> None:
    assert command("--version").out.strip() == f"tradeconsole {version('tradeconsole')}"
    assert command("--json", "--version").json == {"version": version("tradeconsole")}


@pytest.mark.parametrize(
    ("given_words", "expected"),
    [
        (["orders", "--json"], ["--json", "orders"]),
        (
            ["order", "buy", "MNQ", "1", "--profile", "x", "--yes"],
            ["--profile", "x", "order", "buy", "MNQ", "1", "--yes"],
        ),
        (["accounts", "--url=http://h", "--user", "me"], ["--url=http://h", "--user", "me", "accounts"]),
        (["cancel", "--", "--json"], ["cancel", "--", "--json"]),
    ],
)
def test_global_options_may_stand_after_the_verb(given_words: list[str], expected: list[str]) -> None:
    assert hoist(given_words) == expected


@pytest.mark.parametrize("words", [["orders", "--profile"], ["orders", "--url", "--json"]])
def test_a_global_option_without_its_value_is_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="needs a value"):
        hoist(words)


@given(st.lists(st.sampled_from(["orders", "--json", "--yes", "MNQ", "--profile=x", "-h"])))
def test_hoisting_keeps_every_word_and_the_order_of_the_rest(words: list[str]) -> None:
    hoisted = hoist(words)
    assert sorted(hoisted) == sorted(words)
    moved = {"--json", "--profile=x"}
    assert [word for word in hoisted if word not in moved] == [word for word in words if word not in moved]


def test_an_error_is_one_line_whatever_its_message_holds() -> None:
    assert error_text(ConfigError("a\n  b"), 2, json=False) == "tradeconsole: a b"


def test_an_error_in_json_carries_what_a_program_needs() -> None:
    rejected = json.loads(error_text(BrokerRejected("no", code=2, broker_order_id="77"), 3, json=True))
    assert rejected == {
        "error": {
            "type": "BrokerRejected",
            "message": "no",
            "exit_code": 3,
            "code": 2,
            "broker_order_id": "77",
        }
    }
    assert json.loads(error_text(RiskDenied("armed", "x"), 3, json=True))["error"]["rule"] == "armed"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["ordrs"], "No such command 'ordrs'"),
        (["orders", "--nonsense"], "No such option"),
        (["order", "buy", "MNQ"], "Missing argument"),
        (["order", "buy", "MNQ", "two"], "'two' is not a whole number"),
        (["order", "buy", "MNQ", "1", "--limit", "abc"], "'abc' is not a price"),
        (["order", "buy", "MNQ", "٣"], "'٣' is not a whole number"),
        (["order", "buy", "MNQ", "-1"], "'SIZE': '-1' is not a whole number of at least 1"),
        (["order", "sell", "-12", "MNQ"], "'SIZE': 'MNQ' is not a whole number of at least 1"),
        (["order", "sell", "MNQ", "-1.5", "--yes"], "'SIZE': '-1.5' is not a whole number of at least 1"),
        (["order", "buy", "MNQ", "0"], "'SIZE': '0' is not a whole number of at least 1"),
        (["order", "buy", "MNQ", "-1x"], "No such option"),
        (["close", "MNQ", "-1"], "'SIZE': '-1' is not a whole number of at least 1"),
        (["close", "MNQ", "0"], "'SIZE': '0' is not a whole number of at least 1"),
        (["order", "modify", "5", "--size", "-1"], "'--size': '-1' is not a whole number of at least 1"),
        (["order", "modify", "5", "--size=0"], "'--size': '0' is not a whole number of at least 1"),
        (["order", "modify", "5", "--limit", "-5"], "'--limit': '-5' is not a price above zero"),
        (["order", "buy", "MNQ", "1", "--stop=-0.25"], "'--stop': '-0.25' is not a price above zero"),
        (["order", "buy", "MNQ", "1", "--limit", "0"], "'--limit': '0' is not a price above zero"),
        (
            ["order", "buy", "MNQ", "1", "--trail", "-3"],
            "'--trail': '-3' is not a whole number of at least 1",
        ),
        (["order", "buy", "MNQ", "1", "--stop-ticks", "-3"], "'-3' is not a whole number of at least 1"),
        (["order", "buy", "MNQ", "1", "--target-ticks", "0"], "'0' is not a whole number of at least 1"),
        (["order", "buy", "MNQ", "1_0"], "'1_0' is not a whole number"),
        (["order", "buy", "MNQ", "1", "--limit", "28,000.25"], "plain digits, such as 28000.25"),
        (["order", "buy", "MNQ", "1", "--limit", "1e4"], "'1e4' is not a price"),
        (["order", "buy", "MNQ", "1", "--limit", "28_000"], "'28_000' is not a price"),
        (["order", "buy", "MNQ", "1", "--trail", "1e3"], "'--trail': '1e3' is not a whole number"),
        (["order", "buy", "MNQ", "1", "--type", "foo"], "'--type': 'foo' is none of market, limit, stop"),
        (["order", "modify", "5", "--size", "2.5"], "'--size': '2.5' is not a whole number"),
        (["history", "MNQ", "--limit", "1e3"], "'--limit': '1e3' is not a whole number"),
        (["history", "MNQ", "--from", "0001-01-01T00:00:00+14:00"], "is no time"),
        (["orders", "--profile", "nope"], "there is no profile 'nope'"),
        (["run"], "needs a terminal"),
        (["order"], "order needs a verb: buy, sell, modify"),
        (["sim"], "sim needs a verb: reset"),
        (["cancel"], "name one order, or --all"),
        (["cancel", "5", "--all"], "name one order, or --all"),
        (["flatten", "MNQ", "--all"], "not both"),
        (["order", "modify", "5"], "nothing to change"),
        (["history", "MNQ", "--from", "yesterday"], "is no time"),
        (["history", "MNQ", "--from", "2026-09-14T10:00:00"], "has no zone"),
    ],
)
def test_mistakes_end_with_code_2_and_one_line(
    command: RunCommand, arguments: list[str], expected: str
) -> None:
    outcome = command(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert expected in outcome.err
    as_json = command(*arguments, "--json")
    assert as_json.code == 2
    assert expected in as_json.error["message"]


def test_the_exit_code_is_that_of_the_error(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tradeconsole.bootstrap.open_session", _raising(AuthenticationFailed("the gateway refuses this key"))
    )
    outcome = command("accounts", "--json")
    assert outcome.code == AuthenticationFailed.exit_code
    assert outcome.error == {
        "type": "AuthenticationFailed",
        "message": "the gateway refuses this key",
        "exit_code": AuthenticationFailed.exit_code,
    }


def test_a_fault_of_ours_leaves_its_traceback_in_the_log_only(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tradeconsole.bootstrap.open_session", _raising(KeyError("lost")))
    outcome = command("accounts")
    assert outcome.code == 70
    assert len(outcome.err.splitlines()) == 1
    assert "Traceback" not in outcome.err
    log = tmp_path / "data" / "log" / "tradeconsole.log"
    assert str(log) in outcome.err
    assert "KeyError: 'lost'" in log.read_text()


def test_a_reader_that_has_seen_enough_gets_no_complaint(tmp_path: Path) -> None:
    assert _in_a_shell("config show | true; exit ${PIPESTATUS[0]}", tmp_path) == (1, "")


def test_output_that_is_closed_from_the_start_is_no_fault(tmp_path: Path) -> None:
    assert _in_a_shell("config show >&-", tmp_path) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_output_that_finds_no_room_is_told_in_a_line(tmp_path: Path) -> None:
    code, words = _in_a_shell("config show >/dev/full", tmp_path)
    assert (code, words) == (1, "tradeconsole: nothing more can be written: No space left on device\n")


def test_options_reach_the_settings(
    command: RunCommand, script: PlayScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = script(ScriptedSession([make_frame()]))
    assert command("accounts", "--url", "http://127.0.0.1:9", "--user", "me").code == 0
    assert opened[0].profile == "127.0.0.1:9"
    assert opened[0].active.user == "me"


def _in_a_shell(words: str, home: Path) -> tuple[int, str]:
    """Exit code and standard error of a command line that goes on after `tradeconsole`."""
    done = subprocess.run(
        f"{sys.executable} -c 'from tradeconsole.__main__ import main; main()' {words}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "TRADECONSOLE_CONFIG_DIR": str(home),
            "TRADECONSOLE_DATA_DIR": str(home),
        },
    )
    return done.returncode, done.stderr


class _InterruptedImport:
    """Ctrl+C at the very moment at which the command line is loaded."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "tradeconsole.cli.app":
            raise KeyboardInterrupt


def test_ctrl_c_while_the_command_is_still_loading_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "tradeconsole.cli.app")
    monkeypatch.setattr(sys, "meta_path", [_InterruptedImport(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


def _raising(error: Exception) -> Callable[..., None]:
    def open_session(*_: object, **__: object) -> None:
        raise error

    return open_session
