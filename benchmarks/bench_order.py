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

ORDERS = 500
RESTED_ORDERS = 200
SIZE = (160, 45)
HERE = Path(__file__).parent

METHOD = f"""
event: a bracketed limit order of the console, from `session.send`'s arrival on the engine's loop (risk gate, intent
written to the spool, book, real adapter, HTTP client) until the request's bytes are given to the socket. Six instruments
stream meanwhile, PostgreSQL drains the spool, the gateway emulator is another process on loopback; {ORDERS:,} orders, ten after one another, {SIZE[0]}×{SIZE[1]} terminal.
"rested": {RESTED_ORDERS} orders with 130 ms between them, so that each finds the processor asleep and its caches cold;
"drawing": the console's own thread repaints the chart screen without a pause
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
        script = [
            sys.executable,
            str(HERE / "order_console.py"),
            str(results),
            str(RESTED_ORDERS if mode == "rested" else ORDERS),
            mode,
        ]
        environment = home.environment(TRADECONSOLE_API_KEY=endpoint["key"])
        with Terminal([*script, endpoint["url"], endpoint["user"]], size=SIZE, env=environment) as terminal:
            code = terminal.wait_exit(timeout=180)
            assert code == 0, terminal.screen()
        found = dict(json.loads(results.read_text()))
        assert found, "no order was timed"
        return found


def main() -> None:
    figures = []
    for mode in ("alone", "rested", "drawing"):
        found = measure(mode)
        taken = found["taken"]
        figures += [
            Figure(name=f"ticket to wire, {mode}, median", value=quantile(taken, 0.5), unit="ms", budget=0.3),
            Figure(name=f"ticket to wire, {mode}, p99", value=quantile(taken, 0.99), unit="ms", budget=2),
        ]
        if "pictures" in found:
            figures.append(Figure(name="  charts drawn meanwhile", value=found["pictures"], unit="1/s"))
    report("Ticket to bytes on the wire", METHOD, figures)


if __name__ == "__main__":
    main()
