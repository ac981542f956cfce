"""HTTP as the gateway speaks it: envelopes, problem details, bearer tokens, budgets and ordered faults."""

import asyncio
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradeconsole.emulator.bodies import BadBody, read_body
from tradeconsole.emulator.faults import LostReply, RestFault
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.limits import Budget
from tradeconsole.emulator.tokens import Claims, TokenError
from tradeconsole.exchange.records import Outcome

MAX_BODY_BYTES: Final = 1_000_000
"""Longest body that is read. Kestrel's default is 30,000,000 (unverified for the real gateway), far beyond any request
of this API; less keeps a flood of them from filling the memory."""

_JSON: Final = "application/json; charset=utf-8"

Payload = dict[str, object]
RequestT = TypeVar("RequestT", bound=msgspec.Struct)


class Caller(msgspec.Struct, frozen=True):
    """Who calls: the login name, and the claims of the token unless the endpoint needs none."""

    user: str
    claims: Claims | None = None


class NoBody(msgspec.Struct):
    """The shape of requests that carry nothing; whatever is sent is ignored."""


class BadRequest(Exception):
    """The values do not make a valid request; the message is the `detail` of the problem."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: how it is reached, and the pure function that answers it."""

    path: str
    operation: str
    """Its name in the gateway's own description of itself."""
    shape: type[msgspec.Struct]
    handle: Callable[[Gateway, Caller, Any], Payload | msgspec.Raw | str]
    budget: Budget | None = Budget.OTHER
    anonymous: bool = False
    """Whether it is open to callers without a token."""
    payload: Mapping[str, Any] | None = {}
    """What its envelope carries besides, each null in a failure; None where it answers a bare string."""
    declares_problems: bool = False
    method: str = "POST"


def success(**payload: object) -> Payload:
    """The envelope of a call that did what was asked, payload first."""
    return {**payload, "success": True, "errorCode": 0, "errorMessage": None}


def failure(code: int, message: str | None = None, **payload: object) -> Payload:
    """The envelope of a business failure."""
    return {**payload, "success": False, "errorCode": code, "errorMessage": message}


def envelope(outcome: Outcome) -> Payload:
    """The envelope of a command's outcome."""
    return success() if outcome.success else failure(outcome.code, outcome.message)


def json_response(content: object, status: int = 200) -> Response:
    """Anything that msgspec encodes, or JSON that is ready."""
    return Response(msgspec.json.encode(content), status, media_type=_JSON)


class NoReply(Response):
    """Answers nothing: cuts the connection, or leaves the client waiting until it gives up."""

    def __init__(self, gateway: Gateway, how: LostReply) -> None:
        super().__init__()
        self._gateway = gateway
        self._how = how

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Never send; return when the client has gone."""
        if self._how is LostReply.CUT:
            self._gateway.cut(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            continue


async def answer(gateway: Gateway, endpoint: Endpoint, request: Request) -> Response:
    """Serve one call: token, budget, faults, body, operation."""
    fault = gateway.next_fault(request.url.path.lower())
    if fault is not None and fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    try:
        claims = None if endpoint.anonymous else gateway.tokens.check(bearer(request))
    except TokenError as error:
        return unauthorized(str(error))
    if claims is not None and (refusal := _throttled(gateway, claims.sub, endpoint.budget)):
        return refusal
    if fault is not None and not fault.after:
        return _faulty(gateway, fault)
    bound = await _bind(gateway, endpoint, request)
    if isinstance(bound, Response):
        return bound
    caller = Caller(claims.sub, claims) if claims else Caller(str(getattr(bound, "user_name", "")).lower())
    if claims is None and (refusal := _throttled(gateway, caller.user, endpoint.budget)):
        return refusal
    gateway.settle()
    try:
        content = endpoint.handle(gateway, caller, bound)
    except BadRequest as error:
        return problem(gateway, 400, "Bad Request", "15.5.1", detail=str(error), instance=endpoint.path)
    if not gateway.switches.null_payloads and isinstance(content, dict) and not content["success"]:
        content = {key: value for key, value in content.items() if value is not None or key == "errorMessage"}
    return json_response(content) if fault is None else _faulty(gateway, fault)


async def _bind(gateway: Gateway, endpoint: Endpoint, request: Request) -> msgspec.Struct | Response:
    body = await request.body()
    if endpoint.shape is NoBody:
        return NoBody()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        return problem(gateway, 415, "Unsupported Media Type", "15.5.16")
    try:
        return read_body(endpoint.shape, body)
    except BadBody as error:
        return problem(gateway, 400, "One or more validation errors occurred.", "15.5.1", errors=error.errors)


def _faulty(gateway: Gateway, fault: RestFault) -> Response:
    if fault.lose is not None:
        return NoReply(gateway, fault.lose)
    if fault.code is not None:
        return json_response(failure(fault.code, fault.message), fault.status or 200)
    return Response(fault.body, fault.status or 500, media_type="text/html" if fault.body else None)


def _throttled(gateway: Gateway, user: str, budget: Budget | None) -> Response | None:
    """The refusal of a call that is over budget. Names that do not exist share one budget."""
    if budget is None:
        return None
    known = user if user in gateway.users else ""
    wait = gateway.faults.throttled_for or gateway.budgets.admit(known, budget)
    if wait is None:
        return None
    # whether the real gateway says how long to wait is unknown
    headers = {"Retry-After": str(max(1, round(wait)))} if gateway.switches.retry_after else None
    return Response(status_code=429, headers=headers)


def problem(gateway: Gateway, status: int, title: str, section: str, **members: object) -> Response:
    """ASP.NET problem details; `section` is that of RFC 9110."""
    content = {
        "type": f"https://tools.ietf.org/html/rfc9110#section-{section}",
        "title": title,
        "status": status,
        **members,
        "traceId": gateway.marks.trace(),
    }
    response = json_response(content, status)
    response.headers["content-type"] = "application/problem+json; charset=utf-8"
    return response


def unauthorized(description: str) -> Response:
    """The answer to a missing or useless token."""
    challenge = (
        f'Bearer error="invalid_token", error_description="{description}"' if description else "Bearer"
    )
    return Response(status_code=401, headers={"WWW-Authenticate": challenge})


def bearer(connection: HTTPConnection) -> str:
    """The token of a call, from the header or the query.

    Raises:
        TokenError: there is none.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    if query := connection.query_params.get("access_token"):
        return query
    raise TokenError("")


class _BodyTooLong(Exception):
    """The body is, or says that it will be, longer than what is read."""


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """What a request receives, up to the longest body; one that is announced to be longer is not waited for."""
    announced = max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)
    received = 0

    async def bounded() -> Message:
        nonlocal received
        if announced > MAX_BODY_BYTES:
            raise _BodyTooLong
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise _BodyTooLong
        return message

    return bounded


class GatewayConventions:
    """ASGI middleware of every route: paths in any case, with or without a last slash, bodies that are not too long, and
    the emulated time in the `Date` header."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on with its path as routes have it; a client that leaves in the middle is no error."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return

        async def dated(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                stamp = format_datetime(self._gateway.clock.now(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", stamp)]
            await send(message)

        path = scope["path"].lower().rstrip("/")
        if scope["type"] == "http":
            receive = _bounded(scope, receive)
        try:
            await self._app({**scope, "path": path or "/"}, receive, dated)
        except _BodyTooLong:
            await Response(status_code=413, headers={"Connection": "close"})(scope, receive, dated)
        except ClientDisconnect:
            return
