"""What the console costs while quotes stream in: share of a core at 1,000 and 5,000 quotes a second."""

import sys
import time
from pathlib import Path

from processes import Home, Terminal, share_of_core
from reporting import Figure, report

RATES = (1_000, 5_000)
SIZES = ((120, 40), (160, 45))
SECONDS = 8.0
WARM_UP = 2.0
BUDGETS = {5_000: 35.0}

METHOD = f"""
event: one sparse quote of one of six watched instruments, as hub bytes, read by the adapter's hub code in the engine's
thread; the real console draws the trade screen (chart, positions, orders, ticket, feed) in a real pseudo-terminal at
10 frames/s. CPU time of the whole process (engine, sockets' code, screen) over {SECONDS:.0f} s, as a share of one core;
the screen's own thread is told apart
"""


def measure(rate: int, size: tuple[int, int]) -> tuple[float, float]:
    """Percent of a core: the process, and the thread that draws."""
    script = Path(__file__).with_name("feed_console.py")
    command = [sys.executable, str(script), str(rate)]
    with Home() as home, Terminal(command, size=size, env=home.environment()) as terminal:
        terminal.wait_for("PRAC-V2-1")
        terminal.press("2")
        terminal.wait_for("Ticket")
        time.sleep(WARM_UP)
        return share_of_core(terminal.pid, SECONDS)


def main() -> None:
    if not Path("/proc/self/task").exists():
        print("bench_tui reads CPU times from /proc, which this system does not have: skipped")
        return
    figures = []
    for rate in RATES:
        for columns, rows in SIZES:
            process, thread = measure(rate, (columns, rows))
            at = f"{rate:,} quotes/s, {columns}×{rows}"
            figures.append(
                Figure(name=f"console at {at}", value=process, unit="% of core", budget=BUDGETS.get(rate))
            )
            figures.append(
                Figure(name=f"  of which the screen's thread, {at}", value=thread, unit="% of core")
            )
    report("Console under streaming quotes", METHOD, figures)


if __name__ == "__main__":
    main()
