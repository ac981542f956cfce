"""Ticket to bytes on the wire: how long an order takes through the engine, alone and beside a busy screen."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processes import Home, Terminal
from reporting import Figure, quantile, report

ORDERS = 1_000
SIZE = (160, 45)
HERE = Path(__file__).parent

METHOD = f"""
event: a bracketed limit order of the console, from `session.send`'s arrival on the engine's loop (risk gate, intent
written to the spool, book, real adapter, HTTP client) until the request's bytes were handed to the operating system.
The gateway emulator is another process on loopback; {ORDERS:,} orders, one after the other, {SIZE[0]}×{SIZE[1]} terminal.
"drawing": the console's own thread repaints the chart screen without a pause meanwhile
"""


@contextmanager
def gateway(home: Home) -> Iterator[dict[str, str]]:
    """A running emulator: where it answers, and as whom."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "gateway.py")], env=home.environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def measure(mode: str) -> dict[str, Any]:
    """Results of one console."""
    with Home() as home, gateway(home) as endpoint:
        results = home.folder / "results.json"
        script = [sys.executable, str(HERE / "order_console.py"), str(results), str(ORDERS), mode]
        environment = home.environment(TRADECONSOLE_API_KEY=endpoint["key"])
        with Terminal([*script, endpoint["url"], endpoint["user"]], size=SIZE, env=environment) as terminal:
            code = terminal.wait_exit(timeout=180)
            assert code == 0, terminal.screen()
        return dict(json.loads(results.read_text()))


def main() -> None:
    alone, drawing = measure("alone"), measure("drawing")
    figures = []
    for name, found in (("alone", alone), ("drawing", drawing)):
        taken = found["taken"]
        figures += [
            Figure(name=f"ticket to wire, {name}, median", value=quantile(taken, 0.5), unit="ms", budget=0.3),
            Figure(name=f"ticket to wire, {name}, p99", value=quantile(taken, 0.99), unit="ms", budget=2),
        ]
    figures.append(Figure(name="  charts drawn meanwhile", value=drawing["pictures"], unit="1/s"))
    report("Ticket to bytes on the wire", METHOD, figures)


if __name__ == "__main__":
    main()
