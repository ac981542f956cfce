"""Every switch of the emulator in one table: names, values, defaults, and what each turns."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tradeconsole.emulator.hints import nearest
from tradeconsole.emulator.switches import Switches, TokenTime, UserEnvelope
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.records import BracketMode, ExchangeOptions, LotMatching, PlaceCode, SessionEnd

Value = str | bool | int | float
"""A value as it is written: a word, on or off, or a number."""

_ON_OFF: Final = {"on": True, "off": False}


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """One switch: it sets a field of `Switches` (the surface), or of `ExchangeOptions` where `venue` is true.

    `words` maps what is written to what the field takes; without them it is a number from `least` to `most`.
    """

    name: str
    field: str
    help: str
    venue: bool = False
    words: dict[str, Any] | None = None
    least: float = 0
    most: float = float("inf")
    whole: bool = False
    fixed: bool = False
    """Whether it holds from the start on and cannot be turned while the emulator runs."""

    @property
    def values(self) -> str:
        """What can be written."""
        if self.words is not None:
            return " | ".join(self.words)
        return f"{self.least:g} … {self.most:g}" if self.most < float("inf") else f"{self.least:g} …"

    @property
    def default(self) -> str:
        """What it is if nobody turns it, as it is written."""
        return self.written(_get(ExchangeOptions() if self.venue else Switches(), self.field))

    def written(self, value: object) -> str:
        """The field's value as it is written."""
        if self.words is None:
            return f"{value:g}"
        return next(word for word, meaning in self.words.items() if meaning == value)

    def read(self, value: object) -> Any:
        """The field's value from what was written.

        Raises:
            ConfigError: it is none of the switch's values.
        """
        if self.words is not None:
            word = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
            if word in self.words:
                return self.words[word]
        elif (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and self.least <= value <= self.most
            and (not self.whole or value == int(value))
        ):
            return int(value) if self.whole else float(value)
        raise ConfigError(
            f"{self.name} cannot be {msgspec.json.encode(value).decode()}: expected {self.values}"
        )


def _surface(name: str, field: str, help_: str, words: dict[str, Any] | None = None, **more: Any) -> Switch:
    return Switch(name=name, field=field, help=help_, words=words, **more)


def _venue(name: str, field: str, help_: str, words: dict[str, Any] | None = None, **more: Any) -> Switch:
    return Switch(name=name, field=field, help=help_, words=words, venue=True, **more)


SWITCHES: Final = (
    _surface(
        "userEventEnvelope",
        "user_envelope",
        "how user events carry their entity",
        {envelope.value: envelope for envelope in UserEnvelope},
    ),
    _surface(
        "marketPayload",
        "market_arrays",
        "how prints and depth rows come",
        {"array": True, "object": False},
    ),
    _surface(
        "quoteMode",
        "sparse_quotes",
        "what quotes after the first one carry",
        {"sparse": True, "full": False},
    ),
    _venue(
        "bracketSign",
        "strict_bracket_signs",
        "whether bracket ticks need the sign of their direction",
        {"strict": True, "lenient": False},
    ),
    _venue(
        "bracketMode",
        "bracket_mode",
        "which brackets accounts take that say nothing themselves",
        {"AutoOCO": BracketMode.AUTO_OCO, "PositionBrackets": BracketMode.POSITION},
    ),
    _venue(
        "closeContractCancelsBrackets",
        "close_cancels_brackets",
        "whether closing a contract cancels what is left of brackets",
        _ON_OFF,
    ),
    _venue(
        "limitFill",
        "fill_on_touch",
        "when resting limits fill",
        {"through": False, "touch": True},
    ),
    _venue("slippageTicks", "slippage_ticks", "by how much market orders fill worse", whole=True, most=1000),
    _venue("stopSlippageTicks", "stop_slippage_ticks", "by how much stops fill worse", whole=True, most=1000),
    _venue("partialFills", "partial_fills", "whether only the displayed size fills at a price", _ON_OFF),
    _venue("stopLimitOrders", "stop_limit_orders", "whether stop-limit orders can be placed", _ON_OFF),
    _venue(
        "modifySuspended",
        "modify_suspended",
        "whether bracket legs can be given prices before their entry fills",
        _ON_OFF,
    ),
    _venue(
        "lockedAccountCode",
        "locked_code",
        "how orders of a locked account are refused",
        {"AccountViolation": PlaceCode.ACCOUNT_VIOLATION, "AccountRejected": PlaceCode.ACCOUNT_REJECTED},
    ),
    _venue(
        "closedWindowCode",
        "window_code",
        "how orders outside the firm's hours are refused",
        {
            "OutsideTradingHours": PlaceCode.OUTSIDE_TRADING_HOURS,
            "OrderRejected": PlaceCode.ORDER_REJECTED,
        },
    ),
    _venue(
        "maxPositionCode",
        "limit_code",
        "how orders beyond the position limit are refused",
        {"OrderRejected": PlaceCode.ORDER_REJECTED, "AccountViolation": PlaceCode.ACCOUNT_VIOLATION},
    ),
    _venue(
        "lotMatching",
        "lot_matching",
        "by which of a position's contracts the P&L of a partial close is worked out",
        {matching.value: matching for matching in LotMatching},
    ),
    _venue(
        "sessionEnd",
        "session_end",
        "what becomes of resting orders when their product's session ends",
        {end.value: end for end in SessionEnd},
    ),
    _surface(
        "retryAfterHeader",
        "retry_after",
        "whether 429 says for how long",
        {"absent": False, "seconds": True},
    ),
    _surface(
        "failurePayload",
        "null_payloads",
        "how a failed call shows the payload that it does not have",
        {"null": True, "absent": False},
    ),
    _surface(
        "tokenTime",
        "token_time",
        "whose time tokens live in; auto: the machine's, but the gateway's where it stands at a start of its own",
        {time.value: time for time in TokenTime},
        fixed=True,
    ),
    _surface("singleSession", "single_session", "whether a newer hub connection ends the older one", _ON_OFF),
    _surface(
        "dropEvery", "drop_every", "cut all hub connections every so many seconds; 0 never", most=86_400
    ),
    _surface("stall", "stall", "hubs stay open and say nothing", _ON_OFF),
    _venue("duplicateAccountEvent", "repeat_account_events", "account events of fills come twice", _ON_OFF),
    _venue(
        "reEmitEntryTrade", "repeat_entry_trades", "entry trades come again when a position closes", _ON_OFF
    ),
    _surface(
        "emptyBody5xxWindow",
        "empty_body_5xx_window",
        "for how many seconds after 17:00 CT calls fail with 5xx or come back empty",
        most=86_400,
    ),
    _surface(
        "depthLevels",
        "depth_levels",
        "how many levels of the book are shown; 0 is a user without Level 2",
        whole=True,
        most=10,
        fixed=True,
    ),
    _surface("restCommissions", "rest_commissions", "whether Trade/search shows commissions", _ON_OFF),
    _surface(
        "tickBars",
        "tick_bars",
        "whether bars of so many prints (unit 7) can be retrieved",
        {"served": True, "refused": False},
    ),
    _venue("orderLatencyMs", "latencies.fill", "from an order to its fill, in milliseconds", most=600_000),
    _surface(
        "eventLatencyMs", "event_latency_ms", "from an event to its message on the user hub", most=600_000
    ),
)
"""Names, values and defaults as the gateway's reference has them, and those that it leaves open besides."""

_BY_NAME: Final = {switch.name.casefold(): switch for switch in SWITCHES}


def find_switch(name: str) -> Switch:
    """A switch by its name, in any case.

    Raises:
        ConfigError: there is none.
    """
    switch = _BY_NAME.get(name.casefold())
    if switch is None:
        raise ConfigError(f"there is no switch '{name}': {nearest(name, (known.name for known in SWITCHES))}")
    return switch


def turn(switch: Switch, value: object, surface: Switches, venue: ExchangeOptions) -> None:
    """Set a switch.

    Raises:
        ConfigError: the value is none of its values.
    """
    _set(venue if switch.venue else surface, switch.field, switch.read(value))


def turn_all(values: Mapping[str, object], surface: Switches, venue: ExchangeOptions) -> None:
    """Set switches by name. Raises as `find_switch` and `turn`."""
    for name, value in values.items():
        turn(find_switch(name), value, surface, venue)


def read_switches(words: list[str]) -> dict[str, Value]:
    """Switches from words such as `limitFill=touch`.

    Raises:
        ConfigError: a word is no `name=value`, a name or value is not one of the table's.
    """
    values: dict[str, Value] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"'{word}' sets no switch: expected name=value, such as limitFill=touch")
        switch = find_switch(name)
        values[switch.name] = _number(text) if switch.words is None else text
        switch.read(values[switch.name])
    return values


def positions(surface: Switches, venue: ExchangeOptions) -> dict[str, str]:
    """How every switch stands, as it is written."""
    return {
        switch.name: switch.written(_get(venue if switch.venue else surface, switch.field))
        for switch in SWITCHES
    }


def turned(stand: Mapping[str, str]) -> dict[str, str]:
    """Of how all switches stand, those that are not at their default."""
    defaults = {switch.name: switch.default for switch in SWITCHES}
    return {name: value for name, value in stand.items() if value != defaults.get(name)}


def _number(text: str) -> Value:
    try:
        return float(text)
    except ValueError:
        return text


def _get(options: msgspec.Struct, field: str) -> object:
    name, _, part = field.partition(".")
    value = getattr(options, name)
    return getattr(value, part) if part else value


def _set(options: msgspec.Struct, field: str, value: object) -> None:
    name, _, part = field.partition(".")
    if part:
        value = msgspec.structs.replace(getattr(options, name), **{part: value})
    setattr(options, name, value)
