"""API keys: from the environment, the system's keyring, or a private file where there is no keyring."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from pydantic import SecretStr

from tradeconsole.errors import ConfigError
from tradeconsole.logs import learn_secret

KEY_VARIABLE: Final = "TRADECONSOLE_API_KEY"
_SECRET_VARIABLES: Final = (KEY_VARIABLE, "TRADECONSOLE_STORAGE__DSN")

SERVICE: Final = "tradeconsole"
"""Service name of our entries in the keyring."""


def environment_secrets(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Values of the environment that no log may have."""
    return [environ[name] for name in _SECRET_VARIABLES if environ.get(name)]


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for servers that we start: they outlive us, and anybody they run as can read it."""
    return {name: value for name, value in environ.items() if name not in _SECRET_VARIABLES}


class Credentials:
    """Where one user's API keys are kept, and who logged in where. An entry is named `<profile>:<user>`.

    The file of keys stands in for the keyring on systems that have none (a headless Linux); only its owner may
    read it. The file of users is no secret.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._file = folder / "keys.json"
        self.users_file = folder / "logins.json"
        self._environ = environ

    def find(self, profile: str, user: str, login: str = "tradeconsole login") -> SecretStr:
        """The API key of a profile's user; `login` is the command that stores it.

        Raises:
            ConfigError: there is none; the message says how to give one.
        """
        entry = f"{profile}:{user}"
        found = self._environ.get(KEY_VARIABLE) or _from_keyring(entry) or self._from_file(entry)
        if not found:
            raise ConfigError(
                f"no API key for '{user}' of profile '{profile}': set {KEY_VARIABLE}, "
                f"or store one with '{login}'"
            )
        learn_secret(found.strip())
        return SecretStr(found.strip())

    def user(self, profile: str) -> str | None:
        """Who logged in to a profile last.

        Raises:
            ConfigError: the file of users cannot be read.
        """
        return _read(self.users_file, "logins").get(profile)

    def store(self, profile: str, user: str, key: SecretStr) -> str:
        """Keep a key, and that this user logged in; returns where the key is, in words.

        Raises:
            ConfigError: neither keyring nor file can be written.
        """
        entry, keys = f"{profile}:{user}", _read(self._file, "API keys")
        kept = _to_keyring(entry, key.get_secret_value())
        if kept:
            keys.pop(entry, None)
        else:
            keys[entry] = key.get_secret_value()
        _write(self._file, keys)
        _write(self.users_file, _read(self.users_file, "logins") | {profile: user})
        return "the system's keyring" if kept else str(self._file)

    def remove(self, profile: str, user: str) -> list[str]:
        """Forget a key and that this user logged in; returns where the key was, in words.

        Raises:
            ConfigError: a file cannot be read or written.
        """
        entry = f"{profile}:{user}"
        places = ["the system's keyring"] if _out_of_keyring(entry) else []
        keys = _read(self._file, "API keys")
        if keys.pop(entry, None) is not None:
            _write(self._file, keys)
            places.append(str(self._file))
        users = _read(self.users_file, "logins")
        if users.get(profile) == user:
            del users[profile]
            _write(self.users_file, users)
        return places

    def _from_file(self, entry: str) -> str | None:
        if not self._file.exists():
            return None
        if os.name == "posix" and self._file.stat().st_mode & 0o077:
            raise ConfigError(f"{self._file}: others may read your API keys: run chmod 600 '{self._file}'")
        return _read(self._file, "API keys").get(entry)


def _read(file: Path, what: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError):
        # the reason could quote the file, and with it a key
        raise ConfigError(f"{file}: not a readable file of {what}: delete it, then log in again") from None


def _write(file: Path, entries: Mapping[str, str]) -> None:
    """Replace a file by one that only its owner may read, never half written; without entries there is none."""
    try:
        if not entries:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(entries))
        fresh.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error


def _from_keyring(entry: str) -> str | None:
    # loading the backends takes a tenth of a second, which most starts need not pay
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        return keyring.get_password(SERVICE, entry)
    except KeyringError:
        return None


def _to_keyring(entry: str, key: str) -> bool:
    """Whether the keyring has kept it: one that was switched off takes everything and keeps nothing."""
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        keyring.set_password(SERVICE, entry, key)
        return bool(keyring.get_password(SERVICE, entry) == key)
    except KeyringError:
        return False


def _out_of_keyring(entry: str) -> bool:
    """Whether the keyring had it.

    Raises:
        ConfigError: it has it and does not give it up.
    """
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    if _from_keyring(entry) is None:
        return False
    try:
        keyring.delete_password(SERVICE, entry)
    except KeyringError as error:
        raise ConfigError(f"the system's keyring does not give up the API key: {error}") from None
    return True


def keyring_name() -> str:
    """What keyring this system has, for people; `none` if there is none."""
    import keyring  # noqa: PLC0415
    from keyring.backends import fail  # noqa: PLC0415

    backend = keyring.get_keyring()
    return "none, a private file stands in" if isinstance(backend, fail.Keyring) else str(backend.name)
