"""A contract that rolls at the gateway while the console watches, trades and holds it."""

import pytest
from trouble_desk import trading_desk, until

from tradeconsole.domain.commands import Flatten
from tradeconsole.domain.events import QuoteReceived
from tradeconsole.errors import TradeConsoleError


async def test_a_roll_under_the_console_moves_the_watchlist_and_leaves_a_way_out() -> None:
    async with trading_desk() as test:
        await test.buy_protected()
        old = test.instrument_id
        test.emulator.order("roll", product="MNQ")
        new = test.instrument_id
        assert new != old
        with pytest.raises(TradeConsoleError, match="not the active contract any more; the active one is"):
            await test.buy()
        assert new in test.engine.watchlist
        assert old not in test.engine.watchlist
        await until(lambda: test.told("MNQ has rolled from"))
        await until(lambda: test.told("is not the active contract any more, and you hold"))
        quoted: set[str] = set()
        test.engine.bus.subscribe(lambda event: quoted.add(event.quote.instrument_id), QuoteReceived)
        await until(lambda: new in quoted)
        assert (await test.engine.connection.resolve("MNQ")).instrument_id == new
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        assert test.engine.book.position(test.account_id, old) is None
