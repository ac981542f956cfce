"""A one-line choice among a few words, turned with the arrow keys."""

from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static


class Choice(Static, can_focus=True):
    """Shows one word; arrows, space and a click ask for the next or the one before. It never changes by itself."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; }
    Choice:focus { background: $primary 25%; text-style: bold; }
    """

    label: reactive[str] = reactive("")

    @dataclass
    class Turned(Message):
        """The user asked for the next (+1) or the previous (−1) choice."""

        field: str
        steps: int

    def __init__(self, field: str) -> None:
        super().__init__(id=field, markup=False)
        self.field = field

    def watch_label(self, label: str) -> None:
        self.update(f"◂ {label} ▸")

    def on_key(self, event: events.Key) -> None:
        steps = {"up": -1, "left": -1, "down": 1, "right": 1, "space": 1}.get(event.key)
        if steps is not None:
            event.stop()
            self.post_message(self.Turned(self.field, steps))

    def on_click(self) -> None:
        self.focus()
        self.post_message(self.Turned(self.field, 1))
