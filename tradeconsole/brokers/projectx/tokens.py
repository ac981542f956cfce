"""The session token: one login for everybody who asks at once, renewed before it expires.

A token lives 24 hours. Its `exp` and `iat` claims are read for how long that is, never for when: the gateway's clock
may differ from ours, and a replayed market lives in another year.
"""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from tradeconsole.errors import AuthenticationFailed, BrokerError

_LIFETIME: Final = 86_400.0
_RENEW_AT: Final = 23 / 24
"""Share of a token's life after which it is renewed."""

_RETRY_AFTER: Final = 60.0

_REFUSED_FOR: Final = 30.0
"""Seconds for which refused credentials are not tried again: everybody asks, and lock-outs are real."""


class _Claims(msgspec.Struct):
    exp: float | None = None
    iat: float | None = None


def lifetime(token: str) -> float:
    """Seconds for which a fresh token is good; 24 hours if it does not say, which is what the gateway documents."""
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (IndexError, ValueError, msgspec.DecodeError):
        return _LIFETIME
    if claims.exp is None or claims.iat is None or claims.exp <= claims.iat:
        return _LIFETIME
    return claims.exp - claims.iat


class Tokens:
    """Holds the token. `login` and `renew` ask the gateway for one; `renew` gets the old one and may return None."""

    def __init__(
        self,
        login: Callable[[], Awaitable[str]],
        renew: Callable[[str], Awaitable[str | None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._login = login
        self._renew = renew
        self._monotonic = monotonic
        self._token: str | None = None
        self._renew_at = 0.0
        self._lock = asyncio.Lock()
        self._refused: tuple[float, str] | None = None

    async def current(self) -> str:
        """A token that is good for a while.

        Raises:
            AuthenticationFailed: the gateway refuses the credentials.
            BrokerUnavailable: it cannot be asked.
        """
        if self._token is not None and self._monotonic() < self._renew_at:
            return self._token
        async with self._lock:
            token = self._token
            if token is None:
                token = await self._fresh()
            elif self._monotonic() >= self._renew_at:
                token = await self._renewed(token)
            return token

    async def _fresh(self) -> str:
        if self._refused is not None and self._monotonic() < self._refused[0]:
            raise AuthenticationFailed(self._refused[1])
        try:
            return self._keep(await self._login())
        except AuthenticationFailed as error:
            self._refused = (self._monotonic() + _REFUSED_FOR, str(error))
            raise

    async def _renewed(self, token: str) -> str:
        try:
            return self._keep(await self._renew(token) or await self._login())
        except BrokerError:
            # the old one is good for another hour, and its refusal would bring a login
            self._renew_at = self._monotonic() + _RETRY_AFTER
            return token

    def refuse(self, token: str) -> None:
        """The gateway does not accept this token any more; the next one needs a login."""
        if token == self._token:
            self._token = None

    def _keep(self, token: str) -> str:
        self._token = token
        self._renew_at = self._monotonic() + lifetime(token) * _RENEW_AT
        return token
