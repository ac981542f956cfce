"""How to reach one gateway, and how patient to be with it."""

from collections.abc import Callable

import msgspec


class ProjectXConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One user at one firm's gateway.

    `key` is asked for the API key whenever a login needs it, so that the secret lies in no settings object and
    no repr. `live` selects the market data entitlement: anything but a brokerage account must leave it False,
    because the gateway answers True with empty lists.
    """

    api_url: str
    rtc_url: str
    user: str
    key: Callable[[], str]
    firm: str = "TopstepX"
    live: bool = False


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Patience, in seconds.

    `server_ping` is how often a healthy hub is heard from at least (the framework's default, unverified); `silence` many of these without a byte mean
    that the connection is dead. `data_silence` is for a market hub that pings but brings no data. `look` is the pause
    between questions whether a gateway that is away answers again, which cuts `reconnect` short. `hold` is the pause
    after the gateway said that its request limit is reached. `kicked` are the pauses after each takeover by another
    session; one more takeover than there are pauses, and the hub stays away until the user asks.
    """

    connect: float = 5.0
    reply: float = 10.0
    queue: float = 5.0
    read_queue: float = 60.0
    hold: float = 5.0
    handshake: float = 5.0
    invocation: float = 10.0
    ping: float = 10.0
    server_ping: float = 15.0
    silence: float = 2.5
    data_silence: float = 30.0
    look: float = 1.0
    reconnect: tuple[float, ...] = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
    kicked: tuple[float, ...] = (60.0, 120.0, 300.0, 900.0)
    stable: float = 10.0
