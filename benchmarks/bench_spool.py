"""What it costs an order that its intent is written down first: one record appended to the spool."""

import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from reporting import Figure, quantile, report

from tradeconsole.domain.orders import Order, OrderStatus, OrderType, Side
from tradeconsole.storage.spool import Spool

ROUNDS = 20_000

METHOD = f"""
event: one order record encoded, framed and written to the file; then a kill of the process cannot lose it
{ROUNDS} records, one after the other, each timed by itself; no flush to the disk in between, as in the engine
"""


def main() -> None:
    order = Order(
        order_id="tc-hand-1",
        account_id="26282486",
        instrument_id="CON.F.US.MNQ.Z26",
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=2,
        limit_price=Decimal("20123.25"),
        status=OrderStatus.INTENDED,
        created_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
    )
    orders = [msgspec.structs.replace(order, order_id=f"tc-hand-{number}") for number in range(ROUNDS)]
    taken = []
    with tempfile.TemporaryDirectory(prefix="tradeconsole-bench-") as folder:
        spool = Spool(Path(folder), on_damage=print)
        spool.open()
        for each in orders:
            started = time.perf_counter()
            spool.append(each)
            taken.append((time.perf_counter() - started) * 1e6)
        spool.close()
    report(
        "Spool: append of one record",
        METHOD,
        [
            Figure(name="spool append, median", value=quantile(taken, 0.5), unit="µs"),
            Figure(name="spool append, p99", value=quantile(taken, 0.99), unit="µs"),
        ],
    )


if __name__ == "__main__":
    main()
