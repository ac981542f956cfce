"""Lines for the user that go away by themselves: few at a time, so that they never pile up over what is traded."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from textual.app import App

from tradeconsole.tui.desk import Tone

SECONDS: Final = 4.0
"""How long a toast stays."""

MOST: Final = 3
"""Toasts on screen at a time."""


class Toast(msgspec.Struct, frozen=True, gc=False):
    """One line, and the monotonic time at which it goes."""

    text: str
    tone: Tone
    until: float


class Toasts:
    """Says things once: a refusal that is still shown is not said again, and old news makes way for new.

    Args:
        app: where they appear.
        clock: monotonic seconds.
    """

    def __init__(self, app: App[Any], clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock
        self._shown: list[Toast] = []

    def say(self, text: str, tone: Tone) -> None:
        now = self._clock()
        self._shown = [toast for toast in self._shown if toast.until > now]
        last = self._shown[-1] if self._shown else None
        if tone != "information" and last is not None and (last.text, last.tone) == (text, tone):
            return
        self._shown.append(Toast(text, tone, now + SECONDS))
        if len(self._shown) > MOST:
            self._make_way(now)
        else:
            self._app.notify(text, severity=tone, timeout=SECONDS, markup=False)

    def _make_way(self, now: float) -> None:
        """Drop the oldest news, or the oldest warning if all are warnings, and show the rest again."""
        old = self._shown[:-1]
        self._shown.remove(next((toast for toast in old if toast.tone == "information"), old[0]))
        self._app.call_later(self._app.clear_notifications)  # behind the toasts that are still on their way
        for toast in self._shown:
            self._app.notify(toast.text, severity=toast.tone, timeout=toast.until - now, markup=False)
