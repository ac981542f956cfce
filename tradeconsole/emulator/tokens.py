"""Bearer tokens: JSON Web Tokens signed with HS256, as the gateway's clients expect to decode them."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable

import msgspec

LIFETIME_SECONDS = 86_400
"""Gateway tokens live 24 hours from issue."""

_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says; clients may rely on `exp` alone. Times are seconds since the epoch."""

    sub: str
    name: str
    iat: int
    exp: int
    iss: str = "ProjectX"
    aud: str = "ProjectX"
    jti: str
    epoch: int = 0


class TokenError(Exception):
    """The token does not open anything; the message is an OAuth `error_description`."""


class TokenIssuer:
    """Issues and checks tokens.

    Args:
        secret: key of the signature.
        seconds: the clock that tokens live by.
        draw_id: makes up what tells two tokens of the same second apart.
    """

    def __init__(self, secret: bytes, *, seconds: Callable[[], float], draw_id: Callable[[], str]) -> None:
        self._secret = secret
        self._seconds = seconds
        self._draw_id = draw_id
        self._revoked: dict[str, int] = {}
        self._epoch = 0

    def issue(self, user: str) -> str:
        """A fresh token for a user."""
        issued = int(self._seconds())
        claims = Claims(
            sub=user,
            name=user,
            iat=issued,
            exp=issued + LIFETIME_SECONDS,
            jti=self._draw_id(),
            epoch=self._epoch,
        )
        payload = base64.urlsafe_b64encode(msgspec.json.encode(claims)).rstrip(b"=")
        unsigned = _HEADER + b"." + payload
        return (unsigned + b"." + self._signature(unsigned)).decode()

    def check(self, token: str) -> Claims:
        """The claims of a valid token.

        Raises:
            TokenError: malformed, signed by another key, expired or revoked.
        """
        unsigned, _, signature = token.encode("utf-8", "replace").rpartition(b".")
        if unsigned.count(b".") != 1:
            raise TokenError("The token is malformed")
        if not hmac.compare_digest(signature, self._signature(unsigned)):
            raise TokenError("The signature key was not found")
        payload = unsigned.partition(b".")[2]
        claims = msgspec.json.decode(
            base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)), type=Claims
        )
        if claims.exp <= self._seconds() or claims.epoch < self._epoch:
            raise TokenError("The token is expired")
        if claims.jti in self._revoked:
            raise TokenError("The token is revoked")
        return claims

    def revoke(self, claims: Claims) -> None:
        """Make one token useless."""
        now = self._seconds()
        self._revoked = {jti: exp for jti, exp in self._revoked.items() if exp > now}
        self._revoked[claims.jti] = claims.exp

    def expire_all(self) -> None:
        """Treat every token issued so far as expired."""
        self._epoch += 1

    def _signature(self, unsigned: bytes) -> bytes:
        digest = hmac.new(self._secret, unsigned, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=")


def secret_of(seed: int, keys: Iterable[str]) -> bytes:
    """The same key of the signature in every run; only who knows the key of every user can work it out."""
    return hashlib.sha256("\0".join([str(seed), *keys]).encode()).digest()
