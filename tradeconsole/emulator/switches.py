"""What nobody knows about the real gateway's surface, as switches; the defaults follow recorded payloads."""

from enum import StrEnum

import msgspec


class UserEnvelope(StrEnum):
    """How user-hub events carry their entity."""

    WRAPPED = "wrapped"  # {action, data}
    FLAT = "flat"
    WRAPPED_ARRAY = "wrappedArray"


class TokenTime(StrEnum):
    """Whose time tokens are issued and expire in."""

    AUTO = "auto"
    """The machine's, because clients compare `exp` with their own clock, also in a replay of another year. But where
    time stands still at a start of its own, it is the gateway's, and two runs are the same to the byte."""
    MACHINE = "machine"
    GATEWAY = "gateway"


class Switches(msgspec.Struct, kw_only=True):
    """How the surface behaves now; most members can be turned while the emulator runs.

    Attributes:
        user_envelope: how user events are wrapped.
        market_arrays: prints and depth rows come as an array, else one message each.
        sparse_quotes: after the first quote only changed fields are sent.
        null_payloads: failed calls show their payload as null, else not at all.
        retry_after: 429 says for how long.
        token_time: whose time tokens are issued and expire in; it is fixed.
        single_session: a user's newer hub connection logs the older one out.
        rest_commissions: `Trade/search` shows commissions.
        tick_bars: `retrieveBars` knows unit 7, bars of so many prints.
        depth_levels: levels of the book per side (rows of type 1 and 2); 0 is a user who may not see them; it is fixed.
        event_latency_ms: from an event at the gateway to its message on the user hub.
        drop_every: seconds between two cuts of all hub connections; 0 never.
        stall: hubs stay open and say nothing.
        empty_body_5xx_window: seconds from 17:00 in Chicago on in which calls fail.
    """

    user_envelope: UserEnvelope = UserEnvelope.WRAPPED
    market_arrays: bool = True
    sparse_quotes: bool = True
    null_payloads: bool = True
    retry_after: bool = False
    token_time: TokenTime = TokenTime.AUTO
    single_session: bool = True
    rest_commissions: bool = True
    tick_bars: bool = True
    depth_levels: int = 10
    event_latency_ms: float = 40.0
    drop_every: float = 0.0
    stall: bool = False
    empty_body_5xx_window: float = 0.0
