"""Settings: layers, errors that name place and cure, profiles, and where secrets may be."""

import os
from decimal import Decimal
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring
from pydantic import SecretStr, ValidationError

from tradeconsole.errors import ConfigError
from tradeconsole.logs import redact
from tradeconsole.settings import Overrides, Settings, find_folders, load_settings, shipped


class MemoryKeyring(KeyringBackend):
    """A keyring that forgets at the end of a test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a user with empty folders."""
    return {
        "TRADECONSOLE_CONFIG_DIR": str(tmp_path / "config"),
        "TRADECONSOLE_DATA_DIR": str(tmp_path / "data"),
    }


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def memory_keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend


def write_config(environ: dict[str, str], text: str) -> Path:
    path = Path(environ["TRADECONSOLE_CONFIG_DIR"]) / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def complaint(environ: dict[str, str], overrides: Overrides | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(overrides, environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


# -- layers -----------------------------------------------------------------------------------------------------


def test_the_shipped_defaults_open_the_simulator(environ: dict[str, str]) -> None:
    settings = load_settings(environ=environ)
    assert settings.profile == "sim"
    assert settings.active.emulator
    assert settings.active.calendar == "continuous"
    assert settings.profiles["topstepx"].hubs_url == "https://rtc.topstepx.com"
    assert settings.engine.watchlist == ("MNQ", "NQ", "MES", "ES", "CL", "GC")


def test_the_shipped_file_says_what_the_code_would_without_it(environ: dict[str, str]) -> None:
    settings = load_settings(environ=environ)
    for name in ("storage", "engine", "risk", "interface", "logging"):
        section = getattr(settings, name)
        written = section.model_dump(exclude={"watchlist"})
        assert written == type(section)().model_dump(exclude={"watchlist"})


def test_every_setting_stands_in_the_shipped_file() -> None:
    text = shipped("config.toml").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        if name in {"folders", "profile", "profiles"}:
            continue
        assert field.annotation is not None
        missing = [
            key for key in field.annotation.model_fields if f"{key} =" not in text and f".{key}]" not in text
        ]
        assert missing == []


def test_each_layer_overrides_single_keys_of_the_one_below(environ: dict[str, str]) -> None:
    write_config(
        environ, 'profile = "topstepx"\n[profiles.topstepx]\nuser = "me"\n[risk]\nmax_order_size = 3\n'
    )
    environ |= {"TRADECONSOLE_RISK__MAX_ORDER_SIZE": "4", "TRADECONSOLE_ENGINE__WATCHLIST": "MNQ, MES"}
    settings = load_settings(Overrides(user="you"), environ)
    assert settings.profile == "topstepx"
    assert settings.active.user == "you"
    assert settings.active.api_url == "https://api.topstepx.com"
    assert settings.risk.max_order_size == 4
    assert settings.risk.max_position == 20
    assert settings.engine.watchlist == ("MNQ", "MES")


def test_the_command_line_chooses_the_profile_over_everything(environ: dict[str, str]) -> None:
    environ["TRADECONSOLE_PROFILE"] = "topstepx"
    assert load_settings(environ=environ).profile == "topstepx"
    assert load_settings(Overrides(profile="sim"), environ).profile == "sim"


def test_values_take_their_types(environ: dict[str, str]) -> None:
    environ |= {
        "TRADECONSOLE_RISK__PRICE_COLLAR_PERCENT": "1.25",
        "TRADECONSOLE_INTERFACE__ASCII": "true",
        "TRADECONSOLE_STORAGE__DSN": "postgresql://u:hidden@host/db",
    }
    settings = load_settings(environ=environ)
    assert settings.risk.price_collar_percent == Decimal("1.25")
    assert settings.interface.ascii is True
    assert settings.storage.dsn == SecretStr("postgresql://u:hidden@host/db")
    assert "hidden" not in repr(settings)


def test_empty_variables_count_as_not_set(environ: dict[str, str]) -> None:
    environ["TRADECONSOLE_STORAGE__DSN"] = ""
    assert load_settings(environ=environ).storage.dsn is None


def test_settings_cannot_be_changed(environ: dict[str, str]) -> None:
    settings = load_settings(environ=environ)
    with pytest.raises(ValidationError, match="frozen"):
        settings.profile = "topstepx"  # type: ignore[misc]


def test_folders_follow_the_environment_else_the_platform(tmp_path: Path) -> None:
    assert find_folders({"TRADECONSOLE_DATA_DIR": str(tmp_path)}).data == tmp_path
    assert find_folders({}).config.name == "tradeconsole"
    assert find_folders({}).log_file.is_relative_to(find_folders({}).data)


# -- mistakes ---------------------------------------------------------------------------------------------------


def test_an_unknown_key_names_file_key_and_the_nearest_valid_one(environ: dict[str, str]) -> None:
    path = write_config(environ, "[engine]\nreconcil_seconds = 5\n")
    message = complaint(environ)
    assert str(path) in message
    assert "unknown key 'engine.reconcil_seconds'" in message
    assert "did you mean 'engine.reconcile_seconds'" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[enigne]\nx = 1\n", "did you mean 'engine'"),
        ("[profiles.topstepx]\napi_ulr = 'https://x'\n", "did you mean 'profiles.topstepx.api_url'"),
        ("[risk]\nmax_order_size = 'many'\n", "risk.max_order_size = 'many': expected a valid integer"),
        ("[risk]\nmax_order_size = 0\n", "risk.max_order_size = 0: expected greater than or equal to 1"),
        ("[engine]\ntimeframe = '5x'\n", "'5x' is not a timeframe"),
        ("[engine]\nwatchlist = [1]\n", "engine.watchlist.0 = 1: expected a valid string"),
        ("[profiles.mine]\nuser = 'me'\n", "profiles.mine: a profile needs 'api_url'"),
        ("[profiles.topstepx]\napi_url = 'topstepx'\n", "expected an address such as"),
        ("[logging]\nlevel = 'loud'\n", "expected 'debug', 'info', 'warning' or 'error'"),
        ("profile = 'topstep'\n", "there is no profile 'topstep': known are sim, topstepx"),
        ("storage = 5\n", "storage = 5: expected a valid dictionary"),
        ("folders = 5\n", "unknown key 'folders'"),
        ("risk = [\n", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_says_what_and_where(
    environ: dict[str, str], text: str, expected: str
) -> None:
    path = write_config(environ, text)
    message = complaint(environ)
    assert expected in message
    assert str(path) in message


def test_a_mistake_in_the_environment_names_the_variable(environ: dict[str, str]) -> None:
    environ["TRADECONSOLE_INTERFACE__FPS"] = "fast"
    assert "environment variable TRADECONSOLE_INTERFACE__FPS: interface.fps = 'fast'" in complaint(environ)
    del environ["TRADECONSOLE_INTERFACE__FPS"]
    environ["TRADECONSOLE_INTERFACE__FSP"] = "5"
    assert "did you mean 'interface.fps'" in complaint(environ)


def test_a_mistyped_profile_is_never_taken_for_a_new_one(environ: dict[str, str]) -> None:
    assert "there is no profile 'topstpx'" in complaint(environ, Overrides(profile="topstpx", user="me"))


def test_a_bad_url_on_the_command_line_is_refused(environ: dict[str, str]) -> None:
    assert "command line" in complaint(environ, Overrides(url="nonsense"))


@pytest.mark.parametrize("key", ["api_key", "key", "token", "password"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(environ: dict[str, str], key: str) -> None:
    write_config(environ, f"[profiles.topstepx]\n{key} = 'abc123secret'\n")
    message = complaint(environ)
    assert "TRADECONSOLE_API_KEY" in message
    assert "tradeconsole login" in message
    assert "abc123secret" not in message


# -- gateways from the command line -----------------------------------------------------------------------------


def test_a_url_makes_a_profile_of_its_own(environ: dict[str, str]) -> None:
    settings = load_settings(Overrides(url="http://127.0.0.1:5123/", user="demo"), environ)
    assert settings.profile == "127.0.0.1:5123"
    assert not settings.active.emulator
    assert settings.active.api_url == settings.active.hubs_url == "http://127.0.0.1:5123"
    assert settings.active.calendar == "venue"
    assert settings.active.user == "demo"


def test_a_url_elsewhere_keeps_exchange_hours(environ: dict[str, str]) -> None:
    settings = load_settings(Overrides(url="https://api.bulenox.projectx.com", user="me"), environ)
    assert settings.active.calendar == "cme"


def test_a_url_with_a_profile_inherits_from_it_but_is_not_it(environ: dict[str, str]) -> None:
    write_config(environ, '[profiles.topstepx]\nuser = "me"\nread_only = true\n')
    settings = load_settings(Overrides(profile="topstepx", url="http://localhost:9"), environ)
    assert settings.profile == "topstepx@localhost:9"
    assert settings.active.read_only
    assert settings.active.user == "me"
    assert settings.active.hubs_url == "http://localhost:9"
    assert settings.profiles["topstepx"].api_url == "https://api.topstepx.com"


# -- API keys ---------------------------------------------------------------------------------------------------


@pytest.fixture
def funded(environ: dict[str, str]) -> Settings:
    return load_settings(Overrides(profile="topstepx", user="me"), environ)


@pytest.mark.usefixtures("no_keyring")
def test_the_environment_gives_the_key(funded: Settings) -> None:
    found = funded.api_key(environ={"TRADECONSOLE_API_KEY": "from-env"})
    assert found.get_secret_value() == "from-env"
    assert "from-env" not in repr(found)


def test_the_keyring_keeps_keys_by_profile_and_user(funded: Settings, memory_keyring: MemoryKeyring) -> None:
    where = funded.credentials({}).store("topstepx", "me", SecretStr("from-ring"))
    assert where == "the system's keyring"
    assert memory_keyring.kept == {("tradeconsole", "topstepx:me"): "from-ring"}
    assert funded.api_key(environ={}).get_secret_value() == "from-ring"
    assert not (funded.folders.config / "keys.json").exists()


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_a_private_file_keeps_the_keys(funded: Settings) -> None:
    credentials = funded.credentials({})
    credentials.store("topstepx", "you", SecretStr("other"))
    where = credentials.store("topstepx", "me", SecretStr("from-file"))
    assert funded.api_key(environ={}).get_secret_value() == "from-file"
    assert credentials.find("topstepx", "you").get_secret_value() == "other"
    assert Path(where).stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_key_file_that_others_may_read_is_refused(funded: Settings) -> None:
    where = Path(funded.credentials({}).store("topstepx", "me", SecretStr("from-file")))
    where.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        funded.api_key(environ={})


@pytest.mark.usefixtures("no_keyring")
def test_a_broken_key_file_is_not_quoted(funded: Settings) -> None:
    where = Path(funded.credentials({}).store("topstepx", "me", SecretStr("from-file")))
    where.write_text('{"topstepx:me": "abc123secret"')
    with pytest.raises(ConfigError, match="not a readable file of API keys") as caught:
        funded.api_key(environ={})
    assert "abc123secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.usefixtures("no_keyring")
def test_a_missing_key_says_where_to_put_it(funded: Settings) -> None:
    with pytest.raises(
        ConfigError, match="set TRADECONSOLE_API_KEY, or store one with 'tradeconsole login topstepx'"
    ):
        funded.api_key(environ={})


@pytest.mark.usefixtures("memory_keyring")
def test_a_key_that_was_read_is_kept_out_of_every_log(funded: Settings) -> None:
    funded.credentials({}).store("topstepx", "me", SecretStr("out-of-the-keyring"))
    assert funded.api_key(environ={}).get_secret_value() == "out-of-the-keyring"
    assert redact("body: out-of-the-keyring") == "body: [redacted]"


@pytest.mark.usefixtures("no_keyring")
def test_a_key_that_is_removed_is_gone_and_so_is_its_file(funded: Settings) -> None:
    credentials = funded.credentials({})
    where = credentials.store("topstepx", "me", SecretStr("from-file"))
    assert credentials.remove("topstepx", "me") == [where]
    assert list(funded.folders.config.iterdir()) == []
    assert credentials.remove("topstepx", "me") == []


def test_a_key_is_removed_from_the_keyring_and_from_the_file(
    funded: Settings, memory_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = funded.credentials({})
    with monkeypatch.context() as without:
        without.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]
        file = credentials.store("topstepx", "me", SecretStr("old"))
    memory_keyring.set_password("tradeconsole", "topstepx:me", "new")
    assert credentials.remove("topstepx", "me") == ["the system's keyring", file]
    assert not memory_keyring.kept


@pytest.mark.usefixtures("memory_keyring")
def test_a_key_that_moves_into_the_keyring_leaves_no_copy_in_the_file(
    funded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = funded.credentials({})
    with monkeypatch.context() as without:
        without.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]
        file = credentials.store("topstepx", "me", SecretStr("old"))
    assert credentials.store("topstepx", "me", SecretStr("new")) == "the system's keyring"
    assert not Path(file).exists()
    assert credentials.find("topstepx", "me").get_secret_value() == "new"


def test_a_keyring_that_is_switched_off_is_not_believed(
    funded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", NullKeyring())  # type: ignore[no-untyped-call]
    credentials = funded.credentials({})
    assert credentials.store("topstepx", "me", SecretStr("kept")).endswith("keys.json")
    assert credentials.find("topstepx", "me").get_secret_value() == "kept"


@pytest.mark.usefixtures("no_keyring")
def test_whoever_logged_in_last_is_the_user_unless_the_settings_name_one(environ: dict[str, str]) -> None:
    settings = load_settings(Overrides(profile="bulenox"), environ)
    settings.credentials({}).store("bulenox", "me", SecretStr("a-key"))
    settings = load_settings(Overrides(profile="bulenox"), environ)
    assert settings.active.user == "me"
    assert settings.api_key(environ={}).get_secret_value() == "a-key"
    assert load_settings(Overrides(profile="bulenox", user="you"), environ).active.user == "you"
    assert load_settings(Overrides(profile="blusky"), environ).active.user == ""
    write_config(environ, '[profiles.bulenox]\nuser = "written"\n')
    assert load_settings(Overrides(profile="bulenox"), environ).active.user == "written"


def test_a_broken_file_of_logins_is_one_line(environ: dict[str, str]) -> None:
    write_config(environ, "").with_name("logins.json").write_text("[")
    assert "logins.json: not a readable file of logins" in complaint(environ, Overrides(profile="topstepx"))


@pytest.mark.parametrize(
    ("overrides", "command"),
    [
        (Overrides(profile="bulenox"), "tradeconsole login bulenox"),
        (Overrides(url="http://localhost:9"), "tradeconsole login --url http://localhost:9"),
        (
            Overrides(profile="topstepx", url="http://localhost:9"),
            "tradeconsole login --profile topstepx --url http://localhost:9",
        ),
    ],
)
def test_the_login_that_is_missing_is_told_as_a_command(
    environ: dict[str, str], overrides: Overrides, command: str
) -> None:
    with pytest.raises(ConfigError, match=f"run '{command}'"):
        load_settings(overrides, environ).api_key(environ={})


def test_a_missing_user_says_where_to_put_it(environ: dict[str, str]) -> None:
    settings = load_settings(Overrides(profile="topstepx"), environ)
    with pytest.raises(ConfigError, match=r"give --user, or set profiles\.topstepx\.user in "):
        settings.api_key(environ={})
