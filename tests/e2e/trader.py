"""What a trader does at the console, by keys alone, and what he reads off the screen."""

import re
from collections.abc import Callable
from typing import Final

from terminal import Terminal

STARTED: Final = re.compile(r"(PRACTICE|EVALUATION) .*", re.DOTALL)
SYNCED: Final = "✓ synced"
PRICE: Final = r"[\d,]+\.\d+"


class Trader:
    """Drives one console in a terminal at least 120 columns wide."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    # -- reading

    def panel(self, title: str) -> list[str]:
        """The lines inside a framed panel, trimmed; empty if it is not on screen."""
        return panel(self.terminal.screen(), title)

    def wait_panel(self, title: str, holds: Callable[[list[str]], object], what: str) -> list[str]:
        """Wait until something holds of a panel's lines, and return them."""
        self.terminal.wait_until(lambda text: holds(panel(text, title)), f"{what} in {title}")
        return self.panel(title)

    def wait_row(self, title: str, pattern: str) -> re.Match[str]:
        """Wait until a row of a panel matches, and return the match."""
        found: list[re.Match[str]] = []

        def look(text: str) -> bool:
            found[:] = [match for line in panel(text, title) if (match := re.search(pattern, line))]
            return bool(found)

        self.terminal.wait_until(look, f"a row {pattern!r} in {title}")
        return found[0]

    # -- doing

    def wait_ready(self) -> None:
        """The console agrees with the broker and shows prices."""
        self.terminal.wait_for(SYNCED)
        self.terminal.wait_for(re.compile(rf"MNQ\w* .*{PRICE}"))

    def show_trade(self) -> None:
        self.terminal.press("2")
        self.terminal.wait_for("╭─ Orders")
        self.terminal.wait_for(re.compile(rf"bid {PRICE}"))

    def show_list(self, title: str) -> list[str]:
        """Turn the lists of the trade screen until one shows; its lines."""
        for _ in range(3):
            if self.panel(title):
                break
            shown = next(name for name in ("Orders", "Fills", "Round trips") if self.panel(name))
            self.terminal.press("v")
            self.terminal.wait_gone(re.compile(rf"╭─ {shown}"))
        return self.panel(title)

    def arm(self) -> None:
        self.terminal.press("a")
        self.terminal.wait_for("▲ Arm")
        self.terminal.answer("y")
        self.terminal.wait_for("■ ARMED")

    def disarm(self) -> None:
        self.terminal.press("a")
        self.terminal.wait_for("□ disarmed")

    def buy(self, size: int, *, stop: int | None = None, target: int | None = None) -> None:
        """Fill in the ticket for a market order, review it, and confirm with the second key."""
        self.fill_ticket(size, stop=stop, target=target)
        self.terminal.press("enter")
        self.terminal.wait_for("Send this order?")
        self.terminal.answer("y")
        self.terminal.wait_gone("Send this order?")

    def buy_refused(self, size: int) -> None:
        """Fill in the ticket while disarmed: it says why nothing can be sent, and Enter sends nothing."""
        self.fill_ticket(size)
        self.terminal.wait_for("not armed")
        self.terminal.press("enter")
        self.terminal.wait_for("Refused")
        self.leave_ticket()

    def leave_ticket(self) -> None:
        frame = r"╭─ Ticket"
        focused = self.terminal.look_of(frame)
        self.terminal.press("escape")
        self.terminal.wait_new_look(frame, focused)

    def select_order(self, role: str) -> None:
        """Move the cursor of the list of orders to the working order of a role."""
        wanted = re.compile(rf"▸.*working +{role}")
        for _ in range(10):
            if wanted.search(self.terminal.screen()):
                return
            before = self.panel("Orders")
            self.terminal.press("down")
            self.wait_panel("Orders", lambda now, old=before: now != old, "the cursor moved")
        raise AssertionError(f"no working {role} order to select\n{self.terminal.screen()}")

    def fill_ticket(self, size: int, *, stop: int | None = None, target: int | None = None) -> None:
        """Open the ticket and type size, stop and target, each when the cursor stands in its field."""
        self._enter("b", "Size", str(size))
        self._enter("tab", "Stop", "" if stop is None else str(stop))
        self._enter("tab", "Target", "" if target is None else str(target))
        self.terminal.wait_for(re.compile(rf"BUY {size} \w+ market"))

    def _enter(self, key: str, field: str, value: str) -> None:
        pattern = rf"{field} +\S.{{12}}"
        unfocused = self.terminal.look_of(pattern)
        self.terminal.press(key)
        self.terminal.wait_new_look(pattern, unfocused)
        if value:
            self.terminal.send(value)
            self.terminal.wait_for(re.compile(rf"{field} +{value}\b"))

    def flatten(self) -> None:
        self.terminal.press("f")
        self.terminal.wait_for(re.compile(r"Flatten \w+\?"))
        self.terminal.answer("y")
        self.terminal.wait_gone(re.compile(r"Flatten \w+\?"))

    def quit(self) -> int:
        """Leave as one should; the exit code."""
        self.terminal.press("q")
        self.terminal.wait_for("Leave the console?")
        self.terminal.answer("y")
        return self.terminal.wait_exit()


def panel(text: str, title: str) -> list[str]:
    """The lines inside a framed panel of a screen, trimmed; empty if it is not there."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        frame = re.search(rf"╭─ {re.escape(title)}[^╮]*╮", line)
        if frame is None:
            continue
        left, right = frame.start(), frame.end() - 1
        inside = []
        for below in lines[number + 1 :]:
            if below[left : left + 1] == "╰":
                break
            inside.append(below[left + 1 : right].strip())
        return [row for row in inside if row]
    return []
