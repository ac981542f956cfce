"""What the gateway's refusals mean, where its error codes do not tell; pure.

Most refusals of an order share one code (2), so the words decide (section 8.2 of the reference).
"""

from typing import Final

from tradeconsole.errors import BracketsUnavailable, BrokerRejected

_NO_BRACKETS: Final = ("brackets cannot be used", "position brackets")
"""In the refusal of an account that is set to Position Brackets; the exact words may vary (unverified)."""

_ORDER_REJECTED: Final = 2


def of_placement(error: BrokerRejected) -> BrokerRejected:
    """The same refusal of a placement as the class of error that it is."""
    words = str(error).casefold()
    if error.code == _ORDER_REJECTED and all(part in words for part in _NO_BRACKETS):
        return BracketsUnavailable(str(error), code=error.code, broker_order_id=error.broker_order_id)
    return error
