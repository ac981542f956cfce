"""Accounts that take no brackets: the engine keeps stop and target, whatever comes between."""

from trouble_desk import trading_desk, until
from tradeconsole.domain.orders import Bracket, OrderStatus

BRACKET = Bracket(stop_ticks=40, target_ticks=80)


async def test_x() -> None:
    async with trading_desk() as test:
        test.refuse_brackets()
        order_id = await test.buy(2, bracket=BRACKET)
        await until(lambda: test.size() == 2 and len(test.orders(OrderStatus.WORKING)) == 2)
        for n in test.engine.book.notifications:
            print(n.title, "|", n.detail)
        for o in test.orders():
            print(o)
        await test.prove()
        test.emulator.order("move", contract="MNQ", ticks=81)
        await until(lambda: test.size() == 0 and not test.engine.book.open_orders)
        await test.prove()
        for n in test.engine.book.notifications:
            print(n.title, "|", n.detail)
