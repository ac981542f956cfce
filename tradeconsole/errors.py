"""Everything that can go wrong, as one tree; front ends render by class and never show a traceback.

TradeConsoleError
├── ConfigError             a setting or profile is wrong (what, where, how to mend)
├── DataFileError           a file the user named cannot be used
├── StorageError            PostgreSQL or the spool failed
├── RequestRefused          we declined before anything left the machine
│   ├── InvalidRequest      malformed: unknown symbol, off the tick grid, size 0
│   └── RiskDenied          a named rule says no
└── BrokerError
    ├── BrokerUnavailable   the request certainly did not reach the broker, or was only a read
    ├── AuthenticationFailed
    ├── RateLimited         the broker's budget is spent
    ├── BrokerRejected      the broker answered no
    │   └── BracketsUnavailable  the account takes no orders with stop and target attached
    ├── OrderInDoubt        the request may have reached the broker; never send it again
    └── ProtocolError       the broker sent what its contract does not allow
"""

from typing import ClassVar, Final

EXIT_INTERRUPTED: Final = 130
"""Exit code after Ctrl+C, as shells have it."""


class TradeConsoleError(Exception):
    """Root of our errors; the message is one line for a person."""

    exit_code: ClassVar[int] = 1


class ConfigError(TradeConsoleError):
    """A setting, profile or command-line value is wrong."""

    exit_code = 2


class DataFileError(TradeConsoleError):
    """A data file cannot be read; the message names file and row."""

    exit_code = 2


class StorageError(TradeConsoleError):
    """PostgreSQL, its embedded server or the spool failed."""

    exit_code = 6


class RequestRefused(TradeConsoleError):
    """We declined a command before anything left this machine."""

    exit_code = 3


class InvalidRequest(RequestRefused):
    """The command is malformed; nothing was sent."""


class RiskDenied(RequestRefused):
    """A risk rule refused the order; nothing was sent.

    Args:
        rule: the rule's stable name, such as `max_order_size`.
        message: the rule's sentence, with the numbers it compared.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class BrokerError(TradeConsoleError):
    """The broker, or the way to it, failed."""

    exit_code = 4


class BrokerUnavailable(BrokerError):
    """No answer, and certainly no effect at the broker."""


class AuthenticationFailed(BrokerError):
    """The broker does not accept the credentials or the token."""

    exit_code = 5


class RateLimited(BrokerError):
    """The broker refused because its request budget is spent."""


class BrokerRejected(BrokerError):
    """The broker answered no.

    Args:
        message: the broker's words, or ours where it gave none.
        code: the broker's error code.
        broker_order_id: id under which the broker stored the rejected order, where it did.
    """

    exit_code = 3
    order_id: str | None = None
    """Our id of the order that was not placed; None if it was another request that was rejected."""

    def __init__(self, message: str, *, code: int | None = None, broker_order_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.broker_order_id = broker_order_id


class BracketsUnavailable(BrokerRejected):
    """The account takes no orders with stop and target attached; the same order without them may pass."""


class OrderInDoubt(BrokerError):
    """The request may or may not have taken effect; only the broker's records can tell."""

    exit_code = 7


class ProtocolError(BrokerError):
    """The broker sent something outside its contract."""
