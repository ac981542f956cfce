"""How long a screen takes to appear: from its key to its last paint, at the first visit and later."""

import asyncio
import gc
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from reporting import Figure, quantile, report
from textual import events

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from factories import make_frame
from fakes import ScriptedSession

from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.appearance import Appearance

SIZE = (120, 40)
ROUNDS = 7
REST = 8.0
"""Seconds between the first picture and the first key: nobody is quicker at reading it."""
QUIET = 250.0
"""Milliseconds without a paint after which a screen is taken to be complete."""
BUDGET = 100.0

TOUR = (
    ("2", "trade"), ("3", "chart"), ("1", "dashboard"), ("3", "chart"), ("2", "trade"),
    ("question_mark", "help"), ("escape", ""), ("question_mark", "help"), ("escape", ""),
    ("colon", "palette"), ("escape", ""), ("colon", "palette"), ("escape", ""),
    ("1", ""), ("b", "ticket"), ("escape", ""), ("b", "ticket"), ("escape", ""),
    ("i", "symbol"), ("escape", ""), ("i", "symbol"), ("escape", ""),
    ("q", "question"), ("n", ""), ("q", "question"), ("n", ""),
)  # fmt: skip
"""Keys in the order pressed, and what is measured of them."""

METHOD = f"""
event: a key until the last paint that follows, {REST:g} s after the first picture, at {SIZE[0]}×{SIZE[1]} in a headless terminal (which is
sent nothing); a full picture of an account, nothing moves meanwhile. CPU milliseconds of the process, because paints
are paced by the clock; median of {ROUNDS} processes
"""


class Visit(msgspec.Struct):
    """One key and what it cost, in milliseconds of CPU and of the clock."""

    name: str
    cpu: float
    clock: float


class Visitor:
    """Presses keys and notes when the console painted last: milliseconds of CPU and of the clock."""

    def __init__(self, app: TradeConsole) -> None:
        self._app = app
        self._painted = _now()
        app.post_display_hook = self._note  # type: ignore[method-assign]

    def _note(self) -> None:
        self._painted = _now()

    async def visit(self, key: str, name: str) -> Visit:
        """Press a key and wait until nothing is painted any more."""
        cpu, clock = _now()
        self._app.post_message(events.Key(key, key if len(key) == 1 else None))
        while self._painted[1] < clock or _now()[1] - self._painted[1] < QUIET:
            await asyncio.sleep(QUIET / 5000)
        return Visit(name, self._painted[0] - cpu, self._painted[1] - clock)


def _now() -> tuple[float, float]:
    return time.process_time() * 1000, time.perf_counter() * 1000


async def _tour() -> list[Visit]:
    app = TradeConsole(ScriptedSession([make_frame()]).opener(), Appearance(reduced_motion=True))
    async with app.run_test(size=SIZE) as pilot:
        while app.picture.header is None:
            await pilot.pause()
        gc.collect()
        gc.freeze()  # as the engine does after the start
        await asyncio.sleep(REST)
        visitor = Visitor(app)
        return [await visitor.visit(key, name) for key, name in TOUR]


def _round() -> list[Visit]:
    """The tour in a process of its own: what a screen costs first is cached in the process."""
    done = subprocess.run([sys.executable, __file__, "tour"], stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=list[Visit])


def main() -> None:
    if sys.argv[1:] == ["tour"]:
        sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_tour())))
        return
    rounds = [_round() for _ in range(ROUNDS)]
    figures: list[Figure] = []
    seen: set[str] = set()
    for number, (_, name) in enumerate(TOUR):
        if not name:
            continue
        visit = "again" if name in seen else "first visit"
        seen.add(name)
        costs = [each[number].cpu for each in rounds]
        figures.append(Figure(name=f"{name}, {visit}", value=quantile(costs, 0.5), unit="ms", budget=BUDGET))
    report("Screens", METHOD, figures)


if __name__ == "__main__":
    main()
