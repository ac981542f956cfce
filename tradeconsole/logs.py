"""The log: a rotating file, never the terminal, with everything secret struck out on the way."""

import contextlib
import logging
import re
from collections.abc import Iterable, Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from tradeconsole.errors import ConfigError

_MEGABYTE: Final = 1_000_000
_STRUCK: Final = "[redacted]"

_PATTERNS: Final = (
    # JSON web tokens wherever they appear: three base64url parts
    re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"),
    re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{6,}"),
    re.compile(r"(?i)(?<=access_token=)[^\s&\"']+"),
    # api_key=…, "apiKey": "…", token: …, password='…'
    re.compile(
        r"(?i)(?<![\w])(?:[\w-]*(?:api[_-]?key|token|password|secret))[\"']?\s*[:=]\s*[\"']?([^\s\"',;&})]{3,})"
    ),
    # postgresql://user:password@host
    re.compile(r"(?<=://)[^\s:/@]+:([^\s/@]+)(?=@)"),
)


_LEAST: Final = 6
"""Characters of a secret; shorter values would strike out half the log."""

_learnt: Final[set[str]] = set()


def learn_secret(secret: str) -> None:
    """Strike this value out of everything that the process logs from now on, whatever stands around it."""
    if len(secret) >= _LEAST:
        _learnt.add(secret)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with API keys, tokens and passwords struck out.

    `secrets` are exact values to strike besides what was learnt and what can be recognised by its form.
    """
    for secret in (*secrets, *_learnt):
        text = text.replace(secret, _STRUCK)
    for pattern in _PATTERNS:
        text = pattern.sub(_strike, text)
    return text


def _strike(match: re.Match[str]) -> str:
    if not match.re.groups:
        return _STRUCK
    start, end = (position - match.start() for position in match.span(1))
    return match[0][:start] + _STRUCK + match[0][end:]


class _RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, and strikes out what is secret."""

    default_msec_format = "%s.%03d"

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s")
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _LEAST)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), self._secrets)


@contextlib.contextmanager
def logging_to(path: Path, level: str = "info", secrets: Iterable[str] = ()) -> Iterator[Path]:
    """Send all logging of the process to a file that rotates at 5 MB, five of them kept, readable by its owner.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=5 * _MEGABYTE, backupCount=4, encoding="utf-8")
        path.chmod(0o600)
    except OSError as error:
        raise ConfigError(
            f"{path}: the log cannot be written: {error.strerror}; set logging.file elsewhere"
        ) from error
    handler.setFormatter(_RedactingFormatter(secrets))
    root = logging.getLogger()
    before, level_before = root.handlers[:], root.level
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    try:
        yield path
    finally:
        logging.captureWarnings(False)
        root.handlers = before
        root.setLevel(level_before)
        handler.close()
