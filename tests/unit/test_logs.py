"""The log holds what helps, and nothing secret."""

import logging
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeconsole.errors import ConfigError
from tradeconsole.logs import learn_secret, logging_to, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIiwiZXhwIjoxfQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
API_KEY = "Zm9vYmFyYmF6cXV4c2VjcmV0"


@pytest.mark.parametrize(
    "text",
    [
        f"login answered {JWT}",
        f"Authorization: Bearer {API_KEY}",
        f"headers={{'Authorization': 'bearer {API_KEY}'}}",
        f"GET https://rtc.example.com/hubs/user?access_token={API_KEY}&id=1",
        f"wss://rtc.example.com/hubs/user?id=1&access_token={JWT}",
        f'{{"userName":"demo","apiKey":"{API_KEY}"}}',
        f"LoginKey(user_name='demo', api_key='{API_KEY}')",
        f"TRADECONSOLE_API_KEY={API_KEY}",
        f'{{"token": "{API_KEY}", "success": true}}',
        f"cannot connect to postgresql://trader:{API_KEY}@db.example.com/tradeconsole",
        f"password: {API_KEY}",
    ],
)
def test_everything_that_looks_like_a_secret_is_struck_out(text: str) -> None:
    cleaned = redact(text)
    assert API_KEY not in cleaned
    assert JWT not in cleaned
    assert "[redacted]" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "order tc-01J9 sent: BUY 2 MNQZ6 limit 25123.25",
        "token refreshed, valid for 23:59:41",
        "GET http://127.0.0.1:5000/api/Status/ping 200",
        "key bindings: 14 remapped",
        "reconciled account 1234567 in 41 ms",
    ],
)
def test_ordinary_lines_stay_whole(text: str) -> None:
    assert redact(text) == text


def test_known_secrets_are_struck_out_wherever_they_stand() -> None:
    assert redact(f"the gateway said <{API_KEY}>", [API_KEY]) == "the gateway said <[redacted]>"


def test_a_secret_once_learnt_is_struck_out_without_being_named_again(tmp_path: Path) -> None:
    learn_secret("learnt-4711-secret")
    learn_secret("the")
    assert redact("the gateway said <learnt-4711-secret>") == "the gateway said <[redacted]>"
    with logging_to(tmp_path / "test.log") as file:
        logging.getLogger("test").error("body learnt-4711-secret")
    assert "body [redacted]" in file.read_text()


@given(st.text())
def test_redaction_never_fails_and_is_final(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_the_log_is_a_private_file_and_not_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log" / "tradeconsole.log"
    with logging_to(path, "info", [API_KEY]):
        log = logging.getLogger("tradeconsole.engine")
        log.debug("too fine")
        log.warning("refused for %s with %s", "demo", API_KEY)
        log.error("the stream failed", exc_info=RuntimeError(f"Bearer {JWT}"))
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"deprecated, access_token={API_KEY}", UserWarning, stacklevel=1)
    text = path.read_text()
    assert "refused for demo with [redacted]" in text
    assert "RuntimeError: Bearer [redacted]" in text
    assert "deprecated, access_token=[redacted]" in text
    assert "too fine" not in text
    assert API_KEY not in text
    assert JWT not in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert capfd.readouterr() == ("", "")


def test_logging_is_as_before_afterwards(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    with logging_to(tmp_path / "a.log", "error"):
        assert root.level == logging.ERROR
    assert (root.handlers, root.level) == before


def test_a_log_that_cannot_be_written_is_one_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match=r"the log cannot be written: .*; set logging\.file"),
        logging_to(tmp_path / "file" / "a.log"),
    ):
        pass
