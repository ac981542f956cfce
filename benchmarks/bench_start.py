"""How long a trader waits: from the command to the first live picture in the terminal."""

import os
import re
import time

from processes import Home
from reporting import Figure, quantile, report

SIZE = (120, 40)
ROUNDS = 5
COLD_ROUNDS = 2

_PRICE = re.compile(r"MNQ\w+ +[\d,]+\.\d\d .*\d\.\ds")
"""A row of the watchlist with a last price and its age."""

METHOD = f"""
event: start of the process `tradeconsole run` (emulator profile, terminal of {SIZE[0]}×{SIZE[1]}) until its first paint is on the
terminal's screen, and until the first live one: account, prices that stream, "synced" with the broker's records.
cold: nothing exists yet (the database is initialised, the emulator invents its market); warm: all of it exists,
but neither PostgreSQL nor the emulator runs; median of {ROUNDS}, cold: the better of {COLD_ROUNDS}. The test's terminal emulator
is paid for, too. As root PostgreSQL runs as another user, which costs some more at a cold start
"""


def _start(home: Home) -> tuple[float, float]:
    """Seconds to the first paint, and to the first live picture."""
    with home.console(size=SIZE) as terminal:
        terminal.wait_for("TRADECONSOLE")
        painted = time.monotonic() - terminal.started
        terminal.wait_for(_PRICE)
        terminal.wait_for("✓ synced")
        live = time.monotonic() - terminal.started
        terminal.press("q")
        terminal.wait_for("Leave the console?")
        terminal.answer("y")
        terminal.wait_exit()
    home.stop_emulator()
    home.stop_postgres()
    return painted, live


def main() -> None:
    cold, warm = [], []
    for _ in range(COLD_ROUNDS):
        with Home() as home:
            cold.append(_start(home)[1])
    with Home() as home:
        _start(home)
        warm = [_start(home) for _ in range(ROUNDS)]
    user = "root" if os.geteuid() == 0 else "ordinary user"
    report(
        "Start to first live frame",
        METHOD + f"run as {user}",
        [
            Figure(name="start to first paint, warm", value=quantile([w[0] for w in warm], 0.5), unit="s"),
            Figure(
                name="start to first live frame, warm",
                value=quantile([w[1] for w in warm], 0.5),
                unit="s",
                budget=2.5,
            ),
            Figure(name="start to first live frame, cold", value=min(cold), unit="s"),
        ],
    )


if __name__ == "__main__":
    main()
