"""The ASGI application: REST routes, both hubs with their negotiation, and the control plane."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tradeconsole.emulator import swagger
from tradeconsole.emulator.faults import Hub
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import (
    Endpoint,
    GatewayConventions,
    answer,
    bearer,
    json_response,
    unauthorized,
)
from tradeconsole.emulator.hubs import Hubs
from tradeconsole.emulator.rest import accounts, auth, contracts, history, orders, positions, status, trades
from tradeconsole.emulator.tokens import TokenError

ENDPOINTS: tuple[Endpoint, ...] = (
    *auth.ENDPOINTS,
    *accounts.ENDPOINTS,
    *contracts.ENDPOINTS,
    *history.ENDPOINTS,
    *orders.ENDPOINTS,
    *positions.ENDPOINTS,
    *trades.ENDPOINTS,
    *status.ENDPOINTS,
)
"""The gateway's 21 operations."""

_TRANSPORTS = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]


def build_app(gateway: Gateway, hubs: Hubs, control: Sequence[BaseRoute]) -> Starlette:
    """The application that serves a gateway."""
    routes: list[BaseRoute] = [
        Route(endpoint.path.lower(), _operation(gateway, endpoint), methods=[endpoint.method])
        for endpoint in ENDPOINTS
    ]
    routes.append(Route(swagger.PATH, _description, methods=["GET"]))
    for hub in Hub:
        routes.append(Route(f"/hubs/{hub}/negotiate", _negotiation(gateway), methods=["POST"]))
        routes.append(WebSocketRoute(f"/hubs/{hub}", _hub(gateway, hubs, hub)))
    return Starlette(
        routes=[*routes, *control, WebSocketRoute("/{path:path}", _nowhere)],
        middleware=[Middleware(GatewayConventions, gateway=gateway)],
        exception_handlers={HTTPException: _bare_error},
    )


def _operation(gateway: Gateway, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def operation(request: Request) -> Response:
        return await answer(gateway, endpoint, request)

    return operation


async def _description(_request: Request) -> Response:
    """Open to everybody, and on nobody's budget."""
    return json_response(swagger.Description(ENDPOINTS).document)


async def _bare_error(_request: Request, error: Exception) -> Response:
    """Unknown routes and methods: a status and nothing else."""
    status_code, headers = (
        (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    )
    return Response(status_code=status_code, headers=headers)


async def _nowhere(websocket: WebSocket) -> None:
    """No hub answers here."""
    await websocket.send_denial_response(Response(status_code=404))


def _negotiation(gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def negotiate(request: Request) -> Response:
        try:
            gateway.tokens.check(bearer(request))
        except TokenError as error:
            return unauthorized(str(error))
        connection_id = gateway.marks.connection()
        if request.query_params.get("negotiateVersion", "0") == "0":
            return json_response(
                {"negotiateVersion": 0, "connectionId": connection_id, "availableTransports": _TRANSPORTS}
            )
        return json_response(
            {
                "negotiateVersion": 1,
                "connectionId": connection_id,
                "connectionToken": gateway.marks.connection(),
                "availableTransports": _TRANSPORTS,
            }
        )

    return negotiate


def _hub(gateway: Gateway, hubs: Hubs, hub: Hub) -> Callable[[WebSocket], Awaitable[None]]:
    async def serve(websocket: WebSocket) -> None:
        try:
            claims = gateway.tokens.check(bearer(websocket))
        except TokenError as error:
            await websocket.send_denial_response(unauthorized(str(error)))
            return
        await websocket.accept()
        # the `id` of the query may be missing, the connection's id or its token
        await hubs.serve(hub, claims.sub, _HubSocket(websocket, gateway), gateway.limits)

    return serve


class _HubSocket:
    """A starlette WebSocket as the hubs see it; after the peer has gone, sending does nothing."""

    def __init__(self, websocket: WebSocket, gateway: Gateway) -> None:
        self._websocket = websocket
        self._gateway = gateway
        self._gone = False

    async def send_text(self, data: str) -> None:
        if self._gone:
            return
        try:
            await self._websocket.send_text(data)
        except (WebSocketDisconnect, RuntimeError):
            self._gone = True

    async def close(self, code: int = 1000) -> None:
        if self._gone:
            return
        self._gone = True
        try:
            await self._websocket.close(code)
        except (WebSocketDisconnect, RuntimeError):
            return

    async def receive(self) -> bytes | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            self._gone = True
            return None
        text: str | None = message.get("text")
        data: bytes = message["bytes"] if text is None else text.encode()
        return data

    def abort(self) -> None:
        client = self._websocket.client
        if client is not None:
            self._gateway.cut(client)
