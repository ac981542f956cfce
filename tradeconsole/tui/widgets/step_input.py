"""A one-line input for a number that arrows step and that lets foreign keys pass."""

import re
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.widgets import Input

_COARSE = 10
_LONGEST = 16


class StepInput(Input):
    """Digits are typed; up and down step, with shift by ten; any other printable key goes on to the screen.

    Args:
        field: name of the field, repeated in its messages.
        characters: what may be typed or pasted.
        value: what it holds when it first gets the focus, and the first digit typed replaces.
    """

    DEFAULT_CSS = """
    StepInput { height: 1; border: none; padding: 0; background: transparent; width: 1fr; }
    StepInput:focus { background: $primary 25%; border: none; }
    """

    @dataclass
    class Stepped(Message):
        """The user asked for a field to move by some steps."""

        field: str
        steps: int

    def __init__(
        self, field: str, *, characters: str = "0123456789", placeholder: str = "", value: str = ""
    ) -> None:
        super().__init__(
            value,
            id=field,
            placeholder=placeholder,
            restrict=f"[{re.escape(characters)}]*",
            max_length=_LONGEST,
            compact=True,
        )
        self.field = field
        self._characters = characters
        self.cursor_blink = False

    def on_key(self, event: events.Key) -> None:
        steps = {"up": 1, "down": -1, "shift+up": _COARSE, "shift+down": -_COARSE}.get(event.key)
        if steps is not None:
            event.stop()
            event.prevent_default()
            self.post_message(self.Stepped(self.field, steps))
        elif event.is_printable and (event.character or "") not in self._characters:
            event.prevent_default()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Only what may be typed is kept from the bindings of screen and app."""
        return character is not None and character in self._characters
