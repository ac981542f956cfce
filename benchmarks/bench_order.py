"""Ticket to bytes on the wire: how long an order takes through the engine, alone and beside a busy screen."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from order_stages import STAGES
from processes import Home, Sink
from reporting import Figure, quantile, report

ORDERS = 500
RESTED_ORDERS = 200
SIZE = (160, 45)
MODES = ("alone", "rested", "drawing")
HERE = Path(__file__).parent

METHOD = f"""
event: a bracketed limit order, sent by the front end's thread through the real engine and adapter. "Engine side", which is
what the budget is about: from the moment the engine's loop takes the command up (risk gate, intent written to the spool,
book, adapter, HTTP client) until the request's bytes are given to the socket. "From the front end": from the call of
`session.send` in its thread until the loop takes it up. "Processor": for how long of the engine side its thread had a
processor; the rest it waited for one, or for the interpreter. Six instruments stream meanwhile, PostgreSQL drains the
spool, the gateway emulator is another process on loopback; {ORDERS:,} orders, ten after one another.
"rested": {RESTED_ORDERS} orders with 130 ms between them, so that each finds the processor asleep and its caches cold;
"drawing": the console's own thread repaints the chart screen without a pause, {SIZE[0]}×{SIZE[1]}, into a terminal that throws it away
"""


@contextmanager
def gateway(home: Home, *arguments: str) -> Iterator[dict[str, str]]:
    """A running emulator: where it answers, and as whom."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "gateway.py"), *arguments],
        env=home.environment(),
        stdout=subprocess.PIPE,
        text=True,
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
        with Sink([*script, endpoint["url"], endpoint["user"]], size=SIZE, env=environment) as terminal:
            code = terminal.wait_exit(timeout=180)
            assert code == 0, terminal.screen()
        found = dict(json.loads(results.read_text()))
        assert found, "no order was timed"
        return found


def figures_of(mode: str, found: dict[str, Any]) -> list[Figure]:
    """The figures of one console."""
    names = list(STAGES)
    arrived, wire = names.index("arrived"), names.index("wire")
    engine = [order[wire] - order[arrived] for order in found["taken"]]
    hop = [order[arrived] for order in found["taken"]]
    figures = [
        Figure(name=f"{mode}: engine side, median", value=quantile(engine, 0.5), unit="ms", budget=0.3),
        Figure(name=f"{mode}: engine side, p99", value=quantile(engine, 0.99), unit="ms", budget=2),
        Figure(name="  processor, median", value=quantile(found["processor"], 0.5), unit="ms"),
        Figure(name="  processor, p99", value=quantile(found["processor"], 0.99), unit="ms"),
        Figure(name="  from the front end, median", value=quantile(hop, 0.5), unit="ms"),
        Figure(name="  from the front end, p99", value=quantile(hop, 0.99), unit="ms"),
    ]
    if "pictures" in found:
        figures.append(Figure(name="  charts drawn meanwhile", value=found["pictures"], unit="1/s"))
    return figures


def print_stages(mode: str, taken: list[list[float]]) -> None:
    """Median time of each stage, which begins where the one before ends."""
    print(f"\n   stages, {mode} (median / p90):")
    for number, (stage, words) in enumerate(STAGES.items()):
        if number:
            spent = [1000 * (order[number] - order[number - 1]) for order in taken]
            print(f"   {quantile(spent, 0.5):6.0f} /{quantile(spent, 0.9):6.0f} µs until {stage}: {words}")


def main(modes: list[str]) -> None:
    results = {mode: measure(mode) for mode in modes or MODES}
    figures = [figure for mode, found in results.items() for figure in figures_of(mode, found)]
    report("Ticket to bytes on the wire", METHOD, figures)
    for mode, found in results.items():
        print_stages(mode, found["taken"])


if __name__ == "__main__":
    main(sys.argv[1:])
