"""Storms on the links: outages, silent and flapping hubs, tokens, sessions and clocks."""

import asyncio
from typing import Final

import msgspec

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.domain.commands import NudgeOrder, Reconcile
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.domain.orders import OrderStatus, OrderType
from tradeconsole.drills.desk import QUICK
from tradeconsole.drills.drill import Drill
from tradeconsole.drills.theatre import Staging, Theatre
from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.engine.risk import RiskLimits
from tradeconsole.errors import OrderInDoubt, RiskDenied, TradeConsoleError

_LONG_WAITS: Final = msgspec.structs.replace(QUICK, look=1.0, reconnect=(0.0, 0.1, 0.2, 0.5, 1.0, 30.0))
_KICKS_REMEMBERED: Final = msgspec.structs.replace(QUICK, stable=5.0)
_SILENCE_NOTICED: Final = msgspec.structs.replace(QUICK, server_ping=0.4, silence=2.0)


async def outage_10s(theatre: Theatre) -> None:
    """Trade, lose the gateway, let stop and resting order fill meanwhile."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest(20)
    theatre.order("outage", seconds=10.0)
    await theatre.until(lambda: not desk.engine.is_synced(desk.account_id), "the outage to be noticed")
    await _refuses_entries(theatre, "during the outage")
    await asyncio.sleep(2.0)
    theatre.move(-45)
    await asyncio.sleep(6.0)
    theatre.expect(
        "no guess during the outage",
        desk.order(resting.order_id).status is OrderStatus.WORKING and desk.size() == 2,
        "the desk shows what it last knew, as not reconciled",
    )
    await asyncio.sleep(1.8)


async def outage_5min(theatre: Theatre) -> None:
    """The same for five minutes, most of which are skipped."""
    desk = theatre.desk
    await desk.buy_protected()
    await desk.rest(20)
    theatre.order("outage", seconds=3.0)
    await theatre.until(lambda: not desk.engine.is_synced(desk.account_id), "the outage to be noticed")
    await _refuses_entries(theatre, "during the outage")
    theatre.move(-45)
    await asyncio.sleep(1.0)
    theatre.pass_time(297.0)
    await asyncio.sleep(2.0)


async def _refuses_entries(theatre: Theatre, when: str) -> None:
    outcome = await theatre.desk.attempt(theatre.desk.command())
    theatre.expect(
        f"no new risk {when}", isinstance(outcome, RiskDenied), f"an entry is answered: {_said(outcome)}"
    )


def _said(outcome: object) -> str:
    return str(outcome) if isinstance(outcome, TradeConsoleError) else "sent"


async def mute_market(theatre: Theatre) -> None:
    """Quotes stop without a word; entries must be refused, orders stay under control."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest()
    theatre.order("mute", hub="market", seconds=30.0)
    await theatre.until(lambda: desk.state(Channel.MARKET) is ChannelState.STALE, "the silence to be noticed")
    age = theatre.staging.limits.max_data_age
    await theatre.until(
        lambda: (desk.engine.market.age(desk.instrument_id) or 0) > age, "quotes to be too old"
    )
    await _refuses_entries(theatre, "on old prices")
    await desk.cancel(resting.order_id)
    await theatre.until(
        lambda: desk.order(resting.order_id).status is OrderStatus.CANCELLED,
        "an order to be cancelled meanwhile",
    )
    theatre.expect(
        "orders stay under control",
        desk.state(Channel.ACCOUNT) is ChannelState.UP,
        "a cancel takes effect, and the account stream stays up",
    )
    theatre.order("mute", hub="market", seconds=0.0)


async def mute_user(theatre: Theatre) -> None:
    """The account stream says nothing; a fill must be found in the records meanwhile."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest(4)
    theatre.order("mute", hub="user", seconds=30.0)
    theatre.move(-6)
    await theatre.until(
        lambda: desk.order(resting.order_id).status is OrderStatus.FILLED,
        "the fill to be found in the records",
    )
    theatre.expect("found while the hub is mute", desk.size() == 3, f"the desk holds {desk.size():+d}")
    theatre.order("mute", hub="user", seconds=0.0)


async def hub_flapping(theatre: Theatre) -> None:
    """Both hubs break eight times in two seconds, while a stop is moved and an order fills."""
    desk = theatre.desk
    await desk.buy_protected()
    stop = next(order for order in desk.orders(OrderStatus.WORKING) if order.stop_price is not None)
    await desk.rest(10)
    for turn in range(8):
        await asyncio.sleep(0.25)
        theatre.order("drop")
        if turn % 3 == 1:
            await desk.attempt(NudgeOrder(order_id=stop.order_id, ticks=2))
        if turn == 5:
            theatre.move(-12)


async def token_expiry(theatre: Theatre) -> None:
    """Every token becomes useless while an order is on its way, and once more with both hubs cut."""
    desk = theatre.desk
    theatre.order("fail", path="order/place", delay_ms=300, after=True, lose="cut")
    placing = asyncio.ensure_future(desk.buy_protected())
    await asyncio.sleep(0.15)
    theatre.order("expire-tokens")
    await placing
    theatre.expect(
        "the order in flight went through", desk.size() == 2, "sent again only after HTTP 401, filled once"
    )
    theatre.order("expire-tokens")
    theatre.order("drop")
    await theatre.until(lambda: not desk.is_ready(), "the cut to be noticed")
    await desk.ready()
    await desk.rest()


async def session_kick(theatre: Theatre) -> None:
    """Another session of the same user takes over, twice: then the desk stops fighting until the trader says so."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest()
    theatre.order("kick")
    await theatre.until(lambda: desk.state(Channel.ACCOUNT) is ChannelState.KICKED, "the kick to be noticed")
    theatre.expect("it is said plainly", desk.told("another session"), "the feed says: another session")
    await _refuses_entries(theatre, "while thrown out")
    await desk.cancel(resting.order_id)
    theatre.move(-45)
    await theatre.recovers()
    theatre.order("kick")
    await theatre.until(
        lambda: desk.state(Channel.ACCOUNT) is ChannelState.KICKED, "the second kick to be noticed"
    )
    await asyncio.sleep(1.0)
    still = desk.state(Channel.ACCOUNT) is ChannelState.KICKED
    theatre.expect("no fight over the session", still, "thrown out twice, the desk waits for the trader")
    await desk.handle(Reconcile())


async def clock_skew(theatre: Theatre) -> None:
    """The machine's clock is 3 s ahead, then 3 s behind; an answer and events are lost under both."""
    desk = theatre.desk
    await desk.buy_protected()
    await _lose_an_answer(theatre)
    theatre.note("this machine's clock is set from 3 s ahead to 3 s behind")
    theatre.clock.set_skew(-3.0)
    await _lose_an_answer(theatre)


async def _lose_an_answer(theatre: Theatre) -> None:
    theatre.order("events", kind="drop", batches=20)
    theatre.order("fail", path="order/place", after=True, lose="cut")
    limit = theatre.desk.price - 400 * theatre.desk.tick
    order = theatre.desk.command(type=OrderType.LIMIT, limit_price=limit)
    outcome = await theatre.desk.attempt(order)
    theatre.expect(
        "a lost answer is a doubt", isinstance(outcome, OrderInDoubt), f"the trader is told: {_said(outcome)}"
    )
    await theatre.recovers()


DRILLS: Final = (
    Drill(
        name="outage-10s",
        what="the gateway is away for 10 s, in which a stop and a resting order fill",
        bound=5.0,
        storm=outage_10s,
        staging=Staging(timings=Timings(), reconcile=15.0),
        how="a trader's own waits: reconnects after 0, 1, 2, 5, 10 s, or when the gateway answers again",
    ),
    Drill(
        name="outage-5min",
        what="the gateway is away for 5 min, in which a stop and a resting order fill",
        bound=5.0,
        storm=outage_5min,
        staging=Staging(timings=_LONG_WAITS),
        how="297 of the 300 s are skipped on both clocks; reconnects wait 30 s by then, or until the gateway answers again",
    ),
    Drill(
        name="mute-market",
        what="the market hub stays connected and says nothing",
        bound=3.0,
        storm=mute_market,
        staging=Staging(limits=RiskLimits(max_data_age=1.5)),
    ),
    Drill(
        name="mute-user",
        what="the user hub stays connected and says nothing while an order fills",
        bound=3.0,
        storm=mute_user,
        staging=Staging(timings=_SILENCE_NOTICED, reconcile=0.5, hubs=HubLimits(keep_alive=0.2)),
    ),
    Drill(
        name="hub-flapping", what="both hubs break eight times in two seconds", bound=4.0, storm=hub_flapping
    ),
    Drill(
        name="token-expiry",
        what="tokens expire while an order is on its way, then while both hubs break",
        bound=3.0,
        storm=token_expiry,
    ),
    Drill(
        name="session-kick",
        what="another session throws the desk out, twice, while a stop fills",
        bound=4.0,
        storm=session_kick,
        staging=Staging(timings=_KICKS_REMEMBERED),
    ),
    Drill(
        name="clock-skew",
        what="this machine's clock is 3 s ahead, then 3 s behind, and answers are lost",
        bound=4.0,
        storm=clock_skew,
        staging=Staging(skew=3.0),
    ),
)
