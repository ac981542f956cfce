"""Settings: one frozen tree from shipped defaults, the user's file, the environment and the command line.

Later ones override single keys of earlier ones. Secrets are never among them: see `credentials`.
"""

import ipaddress
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from tradeconsole.config_layers import Layer, Tree, build, environment_layers, file_layer
from tradeconsole.credentials import KEY_VARIABLE, Credentials
from tradeconsole.domain.market import Timeframe
from tradeconsole.errors import ConfigError, InvalidRequest
from tradeconsole.firms import find_firm

PREFIX: Final = "TRADECONSOLE_"
CONFIG_DIR_VARIABLE: Final = "TRADECONSOLE_CONFIG_DIR"
DATA_DIR_VARIABLE: Final = "TRADECONSOLE_DATA_DIR"
_NOT_SETTINGS: Final = (
    KEY_VARIABLE,
    CONFIG_DIR_VARIABLE,
    DATA_DIR_VARIABLE,
    "TRADECONSOLE_PG_BIN",
    "TRADECONSOLE_PG_PUBLIC",
    "TRADECONSOLE_TEST_DATA",
)
"""Variables with our prefix that are read elsewhere."""


def _words(value: object) -> object:
    """Environment variables give lists as words with commas."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _timeframe(value: str) -> str:
    try:
        return str(Timeframe.parse(value))
    except InvalidRequest as error:
        raise ValueError(str(error)) from error


def _gateway_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("expected an address such as https://api.topstepx.com")
    if (parts.hostname or "").endswith(".topstepx.projectx.com"):
        raise ValueError(
            "TopstepX is at https://api.topstepx.com: it does not follow the pattern of other firms"
        )
    return value.rstrip("/")


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Url = Annotated[str, AfterValidator(_gateway_url)]
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Root of all parts of the tree."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Profile(Section):
    """One place to trade: a firm's gateway and the user there."""

    broker: Literal["projectx"] = "projectx"
    firm: str = ""
    """What to call the firm on screen; finds the addresses of firms that are known, where none are given."""
    emulator: bool = False
    """Start the gateway emulator on this machine and trade there."""
    api_url: Url = ""
    """Address of the gateway's REST interface."""
    rtc_url: Url = ""
    """Address of its hubs; empty: that of `api_url`."""
    user: str = ""
    account: str | None = None
    """Name or id of the account to start with; None: the first that may trade."""
    calendar: Literal["cme", "continuous", "venue"] = "cme"
    """When the market is open; `venue`: as the gateway's own time tells, a replay or the demo market."""
    read_only: bool = False
    """Refuse everything that changes something at the broker."""
    live: bool = False
    """The user has a brokerage account, with its entitlement to live market data."""

    @model_validator(mode="after")
    def _has_a_gateway(self) -> "Profile":
        if not (self.emulator or self.api_url or self.firm):
            raise ValueError("a profile needs 'api_url', or 'firm', or 'emulator = true'")
        if not (self.emulator or self.rest_url):
            raise ValueError(
                f"no firm '{self.firm}' is known: see 'tradeconsole brokers', or give its 'api_url'"
            )
        return self

    @property
    def rest_url(self) -> str:
        """Address of the REST interface: the one given, else the firm's; empty if there is none."""
        firm = find_firm(self.firm)
        return self.api_url or (firm.api_url if firm else "")

    @property
    def hubs_url(self) -> str:
        """Address of the hubs: the one given, else what belongs to `rest_url`."""
        firm = find_firm(self.firm)
        return self.rtc_url or self.api_url or (firm.rtc_url if firm else "")


class StorageSettings(Section):
    dsn: SecretStr | None = None
    """PostgreSQL to use; None: an embedded one."""
    order_days: int = Field(5, ge=1)
    """How far back closed orders are loaded at a start."""
    fill_days: int = Field(30, ge=1)
    """How far back fills and round trips are loaded at a start."""


class EngineSettings(Section):
    watchlist: Words = ()
    """Symbols on the dashboard of a new user."""
    timeframe: Annotated[str, AfterValidator(_timeframe)] = "1m"
    """Of the chart at the start."""
    reconcile_seconds: Seconds = 15
    """How often the book is compared with the broker's records."""
    order_timeout_seconds: Seconds = 10
    """Without an answer for so long an order is unknown."""
    stale_after_seconds: Seconds = 10
    """Quotes older than this are stale: dimmed, and no ground for new orders."""
    calendar_file: UserPath | None = None
    """Trading hours and holidays laid over the shipped CME ones."""


class RiskSettings(Section):
    """Limits that refuse an order before it is sent; sizes in contracts of one instrument."""

    max_order_size: int = Field(10, ge=1)
    max_position: int = Field(20, ge=1)
    max_open_orders: int = Field(50, ge=1)
    price_collar_percent: Decimal = Field(Decimal(3), gt=0, le=100)
    """Distance that a price may have from the market."""
    stop_ticks: int | None = Field(None, ge=1)
    """Protective stop that the ticket offers."""
    target_ticks: int | None = Field(None, ge=1)


class ProtectionSettings(Section):
    """What happens when the stop that an entry's bracket promised is missing."""

    unprotected: Literal["alert", "replace", "flatten"] = "alert"
    """After the alarm: nothing more, place another stop, or get flat."""
    alert_after_seconds: Seconds = 3
    """So long a stop may be unconfirmed before the alarm."""
    act_after_seconds: Seconds = 10
    """And so long before `replace` or `flatten` acts."""


class InterfaceSettings(Section):
    theme: str = "tradeconsole"
    fps: float = Field(10, gt=0, le=60)
    """Pictures per second in a local terminal."""
    ssh_fps: float = Field(4, gt=0, le=60)
    reduced_motion: bool = False
    ascii: bool = False
    bell: bool = False
    keys: dict[str, Words] = {}
    """Textual key names by action id; they replace the action's own keys."""


class LoggingSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    file: UserPath | None = None


class Folders(msgspec.Struct, frozen=True, kw_only=True):
    """Where this user's files lie."""

    config: Path
    data: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def log_file(self) -> Path:
        return self.data / "log" / "tradeconsole.log"


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line may say."""

    profile: str | None = None
    url: str | None = None
    user: str | None = None


class _File(Section):
    """What configuration may hold."""

    profile: str = "sim"
    profiles: dict[str, Profile] = {}
    storage: StorageSettings = StorageSettings()
    engine: EngineSettings = EngineSettings()
    risk: RiskSettings = RiskSettings()
    protection: ProtectionSettings = ProtectionSettings()
    interface: InterfaceSettings = InterfaceSettings()
    logging: LoggingSettings = LoggingSettings()


class Settings(_File):
    """Everything that can be set, and where the user's files lie. `profile` names the one in use."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    folders: Folders

    @property
    def active(self) -> Profile:
        """The profile in use."""
        return self.profiles[self.profile]

    def api_key(self, profile: str | None = None, environ: Mapping[str, str] = os.environ) -> SecretStr:
        """The API key of a profile's user; None means the profile in use.

        Raises:
            ConfigError: the profile names no user, or there is no key; the message says how to mend it.
        """
        name = profile or self.profile
        user = self.profiles[name].user
        login = f"tradeconsole login {self.place(name)}"
        if not user:
            raise ConfigError(
                f"profile '{name}' names no user: run '{login}', "
                f"give --user, or set profiles.{name}.user in {self.folders.config_file}"
            )
        return self.credentials(environ).find(name, user, login)

    def place(self, profile: str) -> str:
        """How to name a profile on the command line: one that an address made has no other name."""
        known = self.profiles[profile]
        is_address = bool(known.api_url) and known.firm == urlsplit(known.api_url).netloc
        base = profile.rpartition("@")[0]
        if not is_address:
            return profile
        return f"{f'--profile {base} ' if base else ''}--url {known.api_url}"

    def credentials(self, environ: Mapping[str, str] = os.environ) -> Credentials:
        return Credentials(self.folders.config, environ)


def load_settings(overrides: Overrides | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of this user.

    Raises:
        ConfigError: a key is unknown or a value wrong; the message names where it stands and how to mend it.
    """
    folders = find_folders(environ)
    layers = [file_layer(shipped("config.toml"))]
    if folders.config_file.exists():
        layers.append(file_layer(folders.config_file))
    layers += environment_layers(environ, PREFIX, _NOT_SETTINGS)
    chosen = overrides or Overrides()
    layers.insert(1, _known_firms(layers, chosen))  # above what is shipped, below what the user says
    plain = build(_File, layers)
    name = _profile_name(chosen.profile or plain.profile, plain, folders)
    if chosen.profile:
        chosen = msgspec.structs.replace(chosen, profile=name)
    elif name != plain.profile:
        layers.append(Layer("known firms", {"profile": name}))
    layers += _command_line(chosen, plain)
    tree = build(_File, layers)
    if not tree.profiles[tree.profile].user:
        tree = build(_File, [*layers, *_login(tree.profile, folders, environ)])
    return Settings(folders=folders, **{name: getattr(tree, name) for name in _File.model_fields})


def find_folders(environ: Mapping[str, str] = os.environ) -> Folders:
    """The user's folders, by the platform's custom or by the environment; nothing is created."""
    config, data = environ.get(CONFIG_DIR_VARIABLE), environ.get(DATA_DIR_VARIABLE)
    return Folders(
        config=Path(config).expanduser()
        if config
        else platformdirs.user_config_path("tradeconsole", appauthor=False),
        data=Path(data).expanduser()
        if data
        else platformdirs.user_data_path("tradeconsole", appauthor=False),
    )


def shipped(name: str) -> Path:
    """A file or folder that comes with the package: inside it when installed, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / name
    return installed if installed.exists() else package.parent / name


def _known_firms(layers: list[Layer], chosen: Overrides) -> Layer:
    """Profiles of firms that are known, as far as somebody names them: they need no settings of their own."""
    named: set[str] = {chosen.profile or ""}
    for layer in layers:
        profiles, profile = layer.tree.get("profiles"), layer.tree.get("profile")
        named |= set(profiles) if isinstance(profiles, dict) else set()
        named |= {profile} if isinstance(profile, str) else set()
    firms = [firm for name in sorted(named) if (firm := find_firm(name)) is not None]
    return Layer("known firms", {"profiles": {firm.key: {"firm": firm.name} for firm in firms}})


def _profile_name(wanted: str, plain: _File, folders: Folders) -> str:
    """The profile that a name means: one of the settings, or a firm by its key or its name.

    Raises:
        ConfigError: neither is known by that name.
    """
    if wanted in plain.profiles:
        return wanted
    firm = find_firm(wanted)
    if firm is None:
        known = ", ".join(plain.profiles)
        raise ConfigError(
            f"there is no profile '{wanted}': known are {known}, and the firms that 'tradeconsole brokers' lists; "
            f"add it to {folders.config_file}"
        )
    return firm.key


def _login(name: str, folders: Folders, environ: Mapping[str, str]) -> list[Layer]:
    """The user who logged in to a profile, for settings that name none."""
    credentials = Credentials(folders.config, environ)
    user = credentials.user(name)
    return [Layer(str(credentials.users_file), {"profiles": {name: {"user": user}}})] if user else []


def _command_line(chosen: Overrides, plain: _File) -> list[Layer]:
    """Options as a layer; `--url` makes a profile of its own, so that two gateways never share their records."""
    tree: Tree = {}
    name = chosen.profile or plain.profile
    fields: Tree = {"user": chosen.user} if chosen.user is not None else {}
    if chosen.url is not None:
        base = plain.profiles.get(chosen.profile or "")
        host = urlsplit(chosen.url).netloc or chosen.url
        name = f"{chosen.profile}@{host}" if chosen.profile else host
        inherited = (
            base.model_dump(exclude_none=True) if base is not None else {"calendar": _calendar_of(chosen.url)}
        )
        fields = {
            **inherited,
            "emulator": False,
            "firm": host,
            "api_url": chosen.url,
            "rtc_url": "",
            **fields,
        }
    if fields:
        tree["profiles"] = {name: fields}
    if name != plain.profile:
        tree["profile"] = name
    return [Layer("command line", tree)] if tree else []


def _calendar_of(url: str) -> str:
    """Gateways on this machine are emulators: of the demo market, or of a replay."""
    return "venue" if is_loopback(url) else "cme"


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
