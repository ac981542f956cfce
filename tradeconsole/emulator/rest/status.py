"""Endpoint `Status/ping`."""

from typing import Final

from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, NoBody


def ping(_gateway: Gateway, _caller: Caller, _request: NoBody) -> str:
    """A JSON string; free of token and budget (unverified for the real gateway)."""
    return "pong"


ENDPOINTS: Final = (
    Endpoint(
        path="/api/Status/ping",
        operation="Status_Ping",
        shape=NoBody,
        handle=ping,
        method="GET",
        budget=None,
        anonymous=True,
        payload=None,
    ),
)
