"""Identifiers that mean nothing to anybody: of connections and of traces."""

import base64
from random import Random, SystemRandom


class Marks:
    """Draws them; with a seed, the same ones each time. They open nothing: what does is the token.

    Args:
        seed: None draws what nobody can foresee.
    """

    def __init__(self, seed: int | None) -> None:
        self._random = SystemRandom() if seed is None else Random(f"{seed}/marks")  # noqa: S311 - they open nothing

    def connection(self) -> str:
        """22 characters, as SignalR names connections and their tokens."""
        return base64.urlsafe_b64encode(self._random.randbytes(16)).rstrip(b"=").decode()

    def token(self) -> str:
        """16 digits, which tell one token from another."""
        return self._random.randbytes(8).hex()

    def trace(self) -> str:
        """A W3C trace context, as ASP.NET names the request of a problem."""
        return f"00-{self._random.randbytes(16).hex()}-{self._random.randbytes(8).hex()}-00"
