"""A gateway that takes the oldest contracts to be closed first, while the console reckons by average."""

from decimal import Decimal

import pytest
from trouble_desk import Desk, trading_desk, until

from tradeconsole.domain.commands import ClosePosition
from tradeconsole.domain.portfolio import Fill
from tradeconsole.engine.equity import equity_of


def fills(test: Desk) -> list[Fill]:
    return test.engine.book.fills_of(test.account_id, test.instrument_id)


@pytest.mark.parametrize("matching", ["average", "fifo"])
async def test_figures_agree_however_the_gateway_matches_lots(matching: str) -> None:
    async with trading_desk() as test:
        test.emulator.gateway.turn("lotMatching", matching)
        book = test.engine.book
        await test.buy(1)
        await until(lambda: test.size() == 1)
        test.emulator.order("move", contract="MNQ", ticks=40)
        await test.buy(1)
        await until(lambda: test.size() == 2)
        test.emulator.order("move", contract="MNQ", ticks=40)
        first, second = (fill.price for fill in fills(test))
        await test.engine.handle(ClosePosition(test.account_id, "MNQ", 1))
        await until(lambda: test.size() == 1 and len(fills(test)) == 3)
        closing = fills(test)[-1]
        cost = first if matching == "fifo" else (first + second) / 2
        assert closing.gross_pnl == (closing.price - cost) * 2
        exchange = test.emulator.gateway.exchange
        account = exchange.account(int(test.account_id))
        (position,) = exchange.positions(int(test.account_id))
        assert account is not None
        mark = Decimal(str(test.emulator.last("MNQ")))
        worth = account.balance + mark * 2 - position.cost
        await until(lambda: equity_of(book, test.account_id) == worth)
        await test.engine.handle(ClosePosition(test.account_id, "MNQ"))
        await until(lambda: test.size() == 0)
        await test.prove()
        (trip,) = book.round_trips.values()
        assert trip.gross_pnl == sum(fill.gross_pnl or 0 for fill in fills(test))
