"""What nobody knows about the real gateway's surface, as switches; the defaults follow recorded payloads."""

from enum import StrEnum

import msgspec


class UserEnvelope(StrEnum):
    """How user-hub events carry their entity."""

    WRAPPED = "wrapped"  # {action, data}
    FLAT = "flat"
    WRAPPED_ARRAY = "wrappedArray"


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes:
    user_envelope: how user events are wrapped.
    market_arrays: prints and depth rows come as an array, else one message each.
    sparse_quotes: after the first quote only changed fields are sent.
    retry_after: 429 says for how long.
    single_session: a user's newer hub connection logs the older one out.
    rest_commissions: `Trade/search` shows commissions.
    market_depth: the user is entitled to book levels (rows of type 1 and 2).
    """

    user_envelope: UserEnvelope = UserEnvelope.WRAPPED
    market_arrays: bool = True
    sparse_quotes: bool = True
    retry_after: bool = False
    single_session: bool = True
    rest_commissions: bool = True
    market_depth: bool = True
