"""API keys: from the environment, the system's keyring, or a private file where there is no keyring."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from pydantic import SecretStr

from tradeconsole.errors import ConfigError

KEY_VARIABLE: Final = "TRADECONSOLE_API_KEY"
SERVICE: Final = "tradeconsole"
"""Service name of our entries in the keyring."""


class Credentials:
    """Where one user's API keys are kept. An entry is named `<profile>:<user>`.

    The file stands in for the keyring on systems that have none (a headless Linux); only its owner may read it.
    """

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        self._file = file
        self._environ = environ

    def find(self, profile: str, user: str) -> SecretStr:
        """The API key of a profile's user.

        Raises:
            ConfigError: there is none; the message says how to give one.
        """
        entry = f"{profile}:{user}"
        found = self._environ.get(KEY_VARIABLE) or _from_keyring(entry) or self._from_file(entry)
        if not found:
            raise ConfigError(
                f"no API key for '{user}' of profile '{profile}': set {KEY_VARIABLE}, "
                f"or store one with 'tradeconsole config key --profile {profile}'"
            )
        return SecretStr(found.strip())

    def store(self, profile: str, user: str, key: SecretStr) -> str:
        """Keep a key; returns where, in words.

        Raises:
            ConfigError: neither keyring nor file can be written.
        """
        entry = f"{profile}:{user}"
        if _to_keyring(entry, key.get_secret_value()):
            return "the system's keyring"
        self._to_file(entry, key.get_secret_value())
        return str(self._file)

    def _from_file(self, entry: str) -> str | None:
        if not self._file.exists():
            return None
        if os.name == "posix" and self._file.stat().st_mode & 0o077:
            raise ConfigError(f"{self._file}: others may read your API keys: run chmod 600 '{self._file}'")
        return self._read().get(entry)

    def _to_file(self, entry: str, key: str) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            keys = self._read() if self._file.exists() else {}
            fresh = self._file.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(keys | {entry: key}))
            fresh.replace(self._file)
        except OSError as error:
            raise ConfigError(f"{self._file}: the API key cannot be stored: {error.strerror}") from error

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError):
            # the reason could quote the file, and with it a key
            raise ConfigError(
                f"{self._file}: not a readable file of API keys: delete it, then store them again"
            ) from None


def _from_keyring(entry: str) -> str | None:
    # loading the backends takes a tenth of a second, which most starts need not pay
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        return keyring.get_password(SERVICE, entry)
    except KeyringError:
        return None


def _to_keyring(entry: str, key: str) -> bool:
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        keyring.set_password(SERVICE, entry, key)
    except KeyringError:
        return False
    return True


def keyring_name() -> str:
    """What keyring this system has, for people; `none` if there is none."""
    import keyring  # noqa: PLC0415
    from keyring.backends import fail  # noqa: PLC0415

    backend = keyring.get_keyring()
    return "none, a private file stands in" if isinstance(backend, fail.Keyring) else str(backend.name)
