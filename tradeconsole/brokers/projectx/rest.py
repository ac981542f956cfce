"""Calls of the gateway: budget, token, one attempt where it matters, and every failure given its right name.

What a failure means decides what the engine does with an order, so the map is written down once:

* nothing left this machine → `BrokerUnavailable`;
* HTTP 401 → the gateway looked at nothing but the token: log in again, once, and repeat;
* HTTP 429 → `RateLimited`, other 4xx → `BrokerRejected`: looked at and refused;
* an answer that says no → `BrokerRejected` with its code, or `OrderInDoubt` if the code says "not decided yet";
* everything else (no answer, 5xx, redirect, empty or unreadable answer) → `OrderInDoubt` for calls that change
  something, `BrokerUnavailable` for reads.

Only reads are ever repeated, once, when the connection failed.
"""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from tradeconsole.brokers.projectx import wire
from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings
from tradeconsole.brokers.projectx.endpoints import LOGIN_KEY, VALIDATE, Endpoint
from tradeconsole.brokers.projectx.http_connection import NoAnswer, NotSent
from tradeconsole.brokers.projectx.limits import RateLimiter, Urgency
from tradeconsole.brokers.projectx.tokens import Tokens
from tradeconsole.brokers.projectx.transport import Answer, JsonTransport
from tradeconsole.domain.events import ChannelState
from tradeconsole.errors import (
    AuthenticationFailed,
    BrokerError,
    BrokerRejected,
    BrokerUnavailable,
    OrderInDoubt,
    RateLimited,
)
from tradeconsole.ports import Budget

GENERAL_LIMIT: Final = (200, 60.0)
"""Requests per seconds, as the gateway counts; `limits.SHARE` says how near to it who may come."""
HISTORY_LIMIT: Final = (45, 30.0)
"""Of bars; the gateway's 50 per 30 s, with a margin for other programs of the same user."""

_DOWNLOADS: Final = 4
"""Bars requests under way at once: more would not be quicker, and their replies would stand in an order's way."""

_LARGE: Final = 64 * 1024
"""Bytes of a body that is decoded in a thread, so that the loop does not wait for it."""

R = TypeVar("R", bound=wire.Reply)

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class EndpointMissing(BrokerUnavailable):
    """This gateway does not have the operation (HTTP 404)."""


class RestClient:
    """The request-and-reply half of one user's session.

    `report` hears how the channel fares, `observe` how long calls took, `observe_time` what the gateway's clock
    says.
    """

    def __init__(
        self,
        connection: ProjectXConnection,
        *,
        timings: Timings,
        report: Callable[[ChannelState, str], None],
        observe: Callable[[str, float], None],
        observe_time: Callable[[datetime], None],
    ) -> None:
        self._connection = connection
        self._timings = timings
        self._report = report
        self._observe = observe
        self._observe_time = observe_time
        self._transport = JsonTransport(connection.api_url, timings)
        self._general = RateLimiter("general", *GENERAL_LIMIT, time.monotonic)
        everything = dict.fromkeys(Urgency, 1.0)
        self._history = RateLimiter("history", *HISTORY_LIMIT, time.monotonic, everything)
        self._downloads = asyncio.Semaphore(_DOWNLOADS)
        self._asked_at = -math.inf
        self.tokens = Tokens(self._login, self._renew, time.monotonic)

    def budgets(self) -> tuple[Budget, ...]:
        """What is used of the gateway's request limits."""
        return self._general.budget, self._history.budget

    def unasked_for(self) -> float:
        """Seconds since the gateway was last asked anything that tells whether it is well."""
        return time.perf_counter() - self._asked_at

    async def close(self) -> None:
        await self._transport.close()

    async def call(self, endpoint: Endpoint[R], body: wire.Body) -> R:
        """Call an operation and return its successful reply; raises as the module says."""
        data = _encode(body)
        for _ in range(2):
            token = await self.tokens.current()
            answer = await self._exchange(endpoint, data, token)
            if answer.status != 401:
                return await self._judge(endpoint, answer)
            self.tokens.refuse(token)
        raise AuthenticationFailed("the gateway refuses the token it just issued")

    async def _login(self) -> str:
        body = wire.LoginBody(user_name=self._connection.user, api_key=self._connection.key())
        try:
            answer = await self._exchange(LOGIN_KEY, _encode(body), None)
            token = (await self._judge(LOGIN_KEY, answer)).token
        except BrokerRejected as error:
            raise AuthenticationFailed(f"{self._connection.firm}: {error}") from None
        if not token:
            raise AuthenticationFailed(
                f"{self._connection.firm}: the gateway accepted the login without a token"
            )
        return token

    async def _renew(self, token: str) -> str | None:
        answer = await self._exchange(VALIDATE, _encode(wire.EmptyBody()), token)
        if answer.status == 401:
            return None
        try:
            return (await self._judge(VALIDATE, answer)).new_token
        except BrokerRejected:
            return None

    async def _exchange(self, endpoint: Endpoint[R], data: bytes, token: str | None) -> Answer:
        try:
            return await self._attempt(endpoint, data, token)
        except (NotSent, NoAnswer) as error:
            if endpoint.changes:
                raise self._failure(endpoint, error) from None
        try:
            return await self._attempt(endpoint, data, token)
        except (NotSent, NoAnswer) as error:
            raise self._failure(endpoint, error) from None

    def _failure(self, endpoint: Endpoint[R], error: NotSent | NoAnswer) -> BrokerError:
        self._fares(endpoint, ChannelState.DOWN, str(error))
        if endpoint.changes and isinstance(error, NoAnswer):
            return OrderInDoubt(str(error))
        return BrokerUnavailable(str(error))

    async def _attempt(self, endpoint: Endpoint[R], data: bytes, token: str | None) -> Answer:
        if endpoint.is_history:
            async with self._downloads:
                return await self._post(endpoint, data, token)
        return await self._post(endpoint, data, token)

    async def _post(self, endpoint: Endpoint[R], data: bytes, token: str | None) -> Answer:
        limiter = self._history if endpoint.is_history else self._general
        slot = limiter.take(endpoint.urgency)
        if slot is None:
            slot = await self._wait_for_budget(limiter, endpoint)
        start = time.perf_counter()
        if not endpoint.is_history:
            self._asked_at = start
        try:
            answer = await self._transport.post(
                endpoint.path, data, token, urgent=endpoint.urgency <= Urgency.ORDER
            )
        except NotSent:
            limiter.give_back(slot)  # what a gateway that is away was not asked must be left when it is back
            raise
        self._observe(f"rest.{endpoint.name}", time.perf_counter() - start)
        if answer.date is not None:
            self._observe_time(answer.date)
        return answer

    async def _wait_for_budget(self, limiter: RateLimiter, endpoint: Endpoint[R]) -> float:
        patience = self._timings.queue if endpoint.changes else self._timings.read_queue
        try:
            async with asyncio.timeout(patience):
                return await limiter.acquire(endpoint.urgency)
        except TimeoutError:
            used = limiter.budget
            raise BrokerUnavailable(
                f"not sent: {used.used} of {used.limit} requests in {used.window:.0f} s are spent; try again soon"
            ) from None

    async def _judge(self, endpoint: Endpoint[R], answer: Answer) -> R:
        if answer.status == 200:
            return self._verdict(endpoint, await self._decoded(endpoint, answer))
        if answer.status == 429:
            limiter = self._history if endpoint.is_history else self._general
            limiter.hold(min(answer.retry_after or self._timings.hold, limiter.budget.window))
            self._fares(endpoint, ChannelState.UP)
            raise RateLimited("the gateway's request limit is reached; another program may be using it too")
        if 400 <= answer.status < 500:
            self._fares(endpoint, ChannelState.UP)
            if answer.status == 404:
                raise EndpointMissing(f"this gateway has no {endpoint.path}")
            raise BrokerRejected(_problem(answer), code=answer.status)
        raise self._unclear(endpoint, f"the gateway answered with HTTP {answer.status}")

    async def _decoded(self, endpoint: Endpoint[R], answer: Answer) -> R:
        try:
            if len(answer.body) > _LARGE:
                return await asyncio.to_thread(endpoint.decode, answer.body)
            return endpoint.decode(answer.body)
        except msgspec.DecodeError as error:
            what = f"an answer that cannot be read ({error})" if answer.body else "an empty answer"
            raise self._unclear(endpoint, f"the gateway gave {what} to {endpoint.name}") from None

    def _unclear(self, endpoint: Endpoint[R], reason: str) -> BrokerError:
        self._fares(endpoint, ChannelState.DOWN, reason)
        return OrderInDoubt(reason) if endpoint.changes else BrokerUnavailable(reason)

    def _fares(self, endpoint: Endpoint[R], state: ChannelState, reason: str = "") -> None:
        if not endpoint.is_history:  # bars come from elsewhere: their failure says nothing about orders
            self._report(state, reason)

    def _verdict(self, endpoint: Endpoint[R], reply: R) -> R:
        self._fares(endpoint, ChannelState.UP)
        if reply.success:
            return reply
        sentence = endpoint.sentence(reply)
        if reply.error_code in endpoint.pending:
            raise OrderInDoubt(sentence)
        order_id = getattr(reply, "order_id", None)
        raise BrokerRejected(
            sentence,
            code=reply.error_code,
            broker_order_id=str(order_id) if order_id is not None else None,
        )


def _problem(answer: Answer) -> str:
    """The one line of an HTTP error that helps: what the gateway says about which field."""
    try:
        problem = msgspec.json.decode(answer.body, type=wire.Problem)
    except msgspec.DecodeError:
        return f"the gateway refused the request with HTTP {answer.status}"
    # "request" is the controller's own parameter: its line only says that another one is wrong
    lines = [text for field, texts in problem.errors.items() if field != "request" for text in texts]
    detail = "; ".join(lines) or problem.detail or problem.title
    return f"the gateway refused the request: {wire.words(detail) or f'HTTP {answer.status}'}"
