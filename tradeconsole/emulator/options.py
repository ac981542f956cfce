"""What can be chosen about an emulator, as one frozen value; importing it loads no server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from tradeconsole.emulator.scenario import Scenario

DEFAULT_USER = "demo"


class EmulatorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to run an emulator. The defaults give a demo market that forgets everything at the end."""

    port: int = 0
    """TCP port on 127.0.0.1; 0 takes a free one."""

    user: str = DEFAULT_USER
    key: str | None = None
    """API key of the user; None makes a random one, kept with the state."""

    state_dir: Path | None = None
    """Folder that keeps accounts, orders, fills and the market over restarts; None keeps nothing."""

    seed: int | None = None
    """Fixes the market and every id; None draws one per state folder."""

    calendar: Literal["continuous", "cme"] = "continuous"
    """When the synthetic market is open."""

    activity: float = 1.0
    """Factor on the market's message rates."""

    volatility: float = 1.0
    """Factor on the synthetic market's moves; 0 is a market that stands still."""

    products: tuple[str, ...] | None = None
    """Roots of the products that are listed; None lists all 51."""

    scenario: Scenario | None = None
    """Users, accounts and switches; None is the demo user, with everything at its default."""

    switches: dict[str, Any] = {}
    """Switches by name, over those of the scenario."""

    replay: Path | None = None
    """CSV of bars (`ts_utc,open,high,low,close,volume`, gzip or plain) that is the market instead."""

    symbol: str | None = None
    """Product of the replay file, such as ES."""

    start: str | None = None
    """Where time begins: an ISO time, or `first` for a replay; None is now, or a replay's second session day."""

    speed: float = 1.0
    """Emulated seconds per second."""

    keep_gaps: bool = False
    """Live through a replay's nights and weekends instead of skipping them."""

    frozen: bool = False
    """Start with a stopped clock, to be stepped through the control plane."""

    event_latency_ms: float | None = None
    """From an event at the gateway to its message on the user hub; None leaves it to the switches."""

    rate_limits: bool = True
    """Enforce the gateway's request budgets."""

    json: bool = False
    """Print the ready line as JSON."""

    shared: bool = False
    """End a few seconds after the last process that claimed the state folder's emulator is gone."""


def in_scenario(scenario: Scenario, given: Mapping[str, Any]) -> EmulatorOptions:
    """The options of a scenario, with those that were given besides in their place."""
    return EmulatorOptions(
        **{**msgspec.structs.asdict(scenario.market), "seed": scenario.seed, "scenario": scenario, **given}
    )
