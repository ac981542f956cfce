"""Faults that can be ordered through the control plane, and whom they hit next."""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import msgspec

HttpStatus = Annotated[int, msgspec.Meta(ge=200, le=599)]


class Hub(StrEnum):
    """The two real-time hubs."""

    USER = "user"
    MARKET = "market"


class LostReply(StrEnum):
    """What the client of a lost response sees."""

    CUT = "cut"  # the connection is reset
    HANG = "hang"  # nothing, until it gives up


class RestFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to calls of an endpoint instead of, or after, their normal course.

    `path` is a part of the path in any case (empty: every call). `status` answers with that HTTP status, `code`
    with an envelope of that error code. With `after` the call takes effect first. `lose` gives no answer at all.
    """

    path: str = ""
    calls: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    status: HttpStatus | None = None
    code: int | None = None
    message: str | None = None
    body: str = ""
    after: bool = False
    lose: LostReply | None = None
    delay_ms: Annotated[float, msgspec.Meta(ge=0, le=86_400_000)] = 0.0


class ServerErrors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds in which every call fails with an HTTP status and a body (200 without one: an empty answer).

    With `after` calls take effect all the same.
    """

    seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)]
    status: HttpStatus = 503
    body: str = ""
    after: bool = False


class EventFault(StrEnum):
    """Disorder among the messages of the user hub."""

    DUPLICATE = "duplicate"
    REVERSE = "reverse"
    DROP = "drop"


class Faults:
    """Faults that are in force. Durations are in the machine's time."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._rest: list[tuple[RestFault, int]] = []
        self._muted: dict[Hub, float] = {}
        self._events: list[tuple[EventFault, int]] = []
        self._throttled_until = float("-inf")
        self._failing: tuple[float, RestFault] = (float("-inf"), RestFault())
        self.stalled = False
        """Whether both hubs stay open and silent for as long as it takes."""
        self.lag_ms = 0.0
        """By how much user events are late, on top of the gateway's own delay."""

    def clear(self) -> None:
        """Call every fault off."""
        self._rest.clear()
        self._muted.clear()
        self._events.clear()
        self._throttled_until = float("-inf")
        self._failing = (float("-inf"), RestFault())
        self.lag_ms = 0.0

    def add_rest(self, fault: RestFault) -> None:
        """Hit the next calls that match."""
        self._rest.append((fault, fault.calls))

    def next_rest(self, path: str) -> RestFault | None:
        """The fault that hits a call to a path (lower case); it is used up by this."""
        for index, (fault, calls) in enumerate(self._rest):
            if fault.path.lower() in path:
                self._rest[index : index + 1] = [(fault, calls - 1)] if calls > 1 else []
                return fault
        until, failing = self._failing
        return failing if until > self._seconds() else None

    def fail_all(self, order: ServerErrors) -> None:
        """Let every call fail for a while; 0 seconds end it."""
        fault = RestFault(status=order.status, body=order.body, after=order.after)
        self._failing = (self._seconds() + order.seconds, fault)

    def throttle(self, seconds: float) -> None:
        """Answer 429 to everything for a while."""
        self._throttled_until = self._seconds() + seconds

    @property
    def throttled_for(self) -> float:
        """Seconds for which 429 is still the answer; 0 when it is not."""
        return max(0.0, self._throttled_until - self._seconds())

    def mute(self, hub: Hub, seconds: float) -> None:
        """Leave a hub's sockets open and silent for a while; 0 ends it."""
        self._muted[hub] = self._seconds() + seconds

    def is_mute(self, hub: Hub) -> bool:
        return self.stalled or self._muted.get(hub, float("-inf")) > self._seconds()

    def add_events(self, fault: EventFault, batches: int) -> None:
        """Disturb the next batches of user events."""
        self._events.append((fault, batches))

    def next_events(self) -> EventFault | None:
        """The disorder of the batch at hand; it is used up by this."""
        if not self._events:
            return None
        fault, batches = self._events[0]
        self._events[:1] = [(fault, batches - 1)] if batches > 1 else []
        return fault

    def pending(self) -> list[str]:
        """What is in force, in words."""
        now = self._seconds()
        words = [f"rest {fault.path or '*'} ×{calls}" for fault, calls in self._rest]
        words += [f"events {fault} ×{batches}" for fault, batches in self._events]
        words += [f"mute {hub} {until - now:.1f}s" for hub, until in self._muted.items() if until > now]
        until, failing = self._failing
        if until > now:
            words.append(f"status {failing.status} for {until - now:.1f}s")
        if self.lag_ms:
            words.append(f"user events {self.lag_ms:g} ms late")
        if self.throttled_for:
            words.append(f"429 for {self.throttled_for:.1f}s")
        return words
