"""The adapter against the gateway emulator, when things go wrong there."""

import asyncio
import csv
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from emulator_fixture import RunningEmulator, running_emulator
from projectx_hub_peer import until

from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings
from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.events import (
    BrokerEvent,
    Channel,
    ChannelChanged,
    ChannelState,
    FillReported,
    OrderReported,
    PositionReported,
    QuoteReceived,
)
from tradeconsole.domain.market import Span, Timeframe
from tradeconsole.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from tradeconsole.errors import (
    AuthenticationFailed,
    BrokerRejected,
    BrokerUnavailable,
    OrderInDoubt,
    RateLimited,
)
from tradeconsole.ports import MarketSubscription

QUICK = Timings(
    reply=1.0,
    hold=0.2,
    handshake=0.5,
    queue=0.3,
    ping=0.2,
    server_ping=15.0,
    data_silence=0.8,
    reconnect=(0.0, 0.1, 0.2),
    kicked=(0.5,),
    stable=0.1,
)


class Desk:
    """A connected broker, what it told, and the clock that its stamps set."""

    def __init__(self, emulator: RunningEmulator, **changes: Any) -> None:
        self.emulator = emulator
        self.told: list[BrokerEvent] = []
        self.times: list[datetime] = []
        settings: dict[str, Any] = {
            "api_url": emulator.url,
            "rtc_url": emulator.url,
            "user": emulator.user,
            "key": lambda: emulator.key,
        }
        self.broker = ProjectXBroker(
            ProjectXConnection(**settings | changes),
            self.told.append,
            self,
            observe_time=self.times.append,
            timings=QUICK,
        )
        self.account_id = str(emulator.practice_id)
        self.instrument_id = emulator.contract("MNQ")

    def now(self) -> datetime:
        return self.times[-1] if self.times else datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def open(self) -> None:
        await self.broker.connect()
        await self.broker.stream([self.account_id])
        await self.broker.subscribe(frozenset({MarketSubscription(self.instrument_id)}))
        await until(lambda: self.state(Channel.ACCOUNT) is ChannelState.UP)
        await until(lambda: self.state(Channel.MARKET) is ChannelState.UP)

    def state(self, channel: Channel) -> ChannelState | None:
        return next(iter(reversed(self.states(channel))), None)

    def states(self, channel: Channel) -> list[ChannelState]:
        return [e.state for e in self.told if isinstance(e, ChannelChanged) and e.channel is channel]

    def reasons(self) -> str:
        return " ".join(e.reason for e in self.told if isinstance(e, ChannelChanged))

    def count(self, kind: type) -> int:
        return sum(isinstance(event, kind) for event in self.told)

    async def buy(self, **changes: Any) -> str:
        request: dict[str, Any] = {
            "account_id": self.account_id,
            "instrument_id": self.instrument_id,
            "side": Side.BUY,
            "type": OrderType.MARKET,
            "size": 1,
            "tag": f"t-{time.time_ns()}",
        }
        return await self.broker.place_order(OrderRequest(**request | changes))


@asynccontextmanager
async def desk(**options: Any) -> AsyncIterator[Desk]:
    async with running_emulator(login=False, **options) as emulator:
        test = Desk(emulator)
        try:
            yield test
        finally:
            await test.broker.close()


async def test_accounts_have_their_kinds() -> None:
    async with desk() as test:
        accounts = await test.broker.connect()
        assert [account.kind for account in accounts] == [AccountKind.PRACTICE, AccountKind.EVALUATION]


async def test_a_wrong_key_is_refused_in_words() -> None:
    async with running_emulator(login=False) as emulator:
        test = Desk(emulator, key=lambda: "wrong")
        with pytest.raises(AuthenticationFailed, match="API key is wrong"):
            await test.broker.connect()
        await test.broker.close()


async def test_an_expired_token_is_renewed_in_the_middle_of_an_order() -> None:
    async with desk() as test:
        await test.broker.connect()
        test.emulator.order("expire-tokens")
        assert await test.buy()


async def test_a_token_is_renewed_before_it_expires_and_everything_goes_on_with_the_new_one() -> None:
    async with desk() as test:
        await test.open()
        tokens = test.broker._rest.tokens
        old = await tokens.current()
        tokens._renew_at = 0.0  # 23 hours later
        assert await test.buy()
        renewed = await tokens.current()
        assert renewed != old
        assert {ChannelState.DOWN, ChannelState.KICKED}.isdisjoint(test.states(Channel.ACCOUNT))
        test.emulator.order("drop")
        await until(lambda: test.states(Channel.ACCOUNT)[-2:] == [ChannelState.DOWN, ChannelState.UP])
        assert await tokens.current() == renewed


async def test_a_hub_that_is_cut_while_tokens_expire_comes_back() -> None:
    async with desk() as test:
        await test.open()
        test.emulator.order("expire-tokens")
        test.emulator.order("drop")
        await until(lambda: test.states(Channel.ACCOUNT).count(ChannelState.UP) == 2)
        await until(lambda: test.states(Channel.MARKET).count(ChannelState.UP) == 2)


async def test_a_mute_market_is_stale_while_orders_and_account_stay_up() -> None:
    async with desk(activity=5.0) as test:
        await test.open()
        await until(lambda: test.count(QuoteReceived))
        test.emulator.order("mute", hub="market", seconds=1.5)
        await until(lambda: test.state(Channel.MARKET) is ChannelState.STALE)
        assert test.state(Channel.ACCOUNT) is ChannelState.UP
        assert await test.buy()
        assert test.state(Channel.ORDERS) is ChannelState.UP
        await until(lambda: test.state(Channel.MARKET) is ChannelState.UP, 10)
        assert "no market data" in test.reasons()


async def test_being_thrown_out_is_told_and_not_fought() -> None:
    async with desk() as test:
        await test.open()
        test.emulator.order("kick")
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.KICKED)
        await until(lambda: test.state(Channel.MARKET) is ChannelState.KICKED)
        assert "another session of this user" in test.reasons()
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.UP)


async def test_being_thrown_out_again_and_again_is_left_to_the_user() -> None:
    async with desk() as test:
        await test.open()
        for _ in range(2):
            await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.UP)
            test.emulator.order("kick")
            await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.KICKED)
        await until(lambda: "until you reconcile" in test.reasons())
        await asyncio.sleep(0.8)
        assert test.state(Channel.ACCOUNT) is ChannelState.KICKED
        assert await test.buy()
        test.broker.wake()
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.UP)


async def test_a_session_elsewhere_takes_the_streams_and_leaves_the_orders() -> None:
    async with desk() as test:
        await test.open()
        other = Desk(test.emulator)
        await other.open()
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.KICKED)
        await other.broker.close()
        assert await test.buy()
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.UP)


async def test_a_session_without_streams_throws_nobody_out() -> None:
    async with desk() as test:
        await test.open()
        other = Desk(test.emulator)
        await other.broker.connect()
        assert await other.broker.get_positions(test.account_id) == []
        await other.broker.close()
        assert ChannelState.KICKED not in test.states(Channel.ACCOUNT)


async def test_an_outage_is_survived_on_every_channel() -> None:
    async with desk() as test:
        await test.open()
        test.emulator.order("outage", seconds=0.6)
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.DOWN)
        with pytest.raises(BrokerUnavailable):
            await test.buy()
        assert test.state(Channel.ORDERS) is ChannelState.DOWN
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.UP)
        assert await test.buy()
        assert test.state(Channel.ORDERS) is ChannelState.UP


@pytest.mark.parametrize(
    ("fault", "expected", "exists"),
    [
        ({"after": True, "lose": "cut"}, OrderInDoubt, True),
        ({"after": True, "lose": "hang"}, OrderInDoubt, True),
        ({"after": True, "status": 502}, OrderInDoubt, True),
        ({"status": 503}, OrderInDoubt, False),
        ({"status": 429}, RateLimited, False),
        ({"status": 200, "body": ""}, OrderInDoubt, False),
        ({"code": 6}, OrderInDoubt, False),
        ({"code": 2, "message": "Brackets cannot be used with Position Brackets."}, BrokerRejected, False),
    ],
    ids=str,
)
async def test_every_failure_of_a_placement_has_its_name_and_it_is_sent_once(
    fault: dict[str, Any], expected: type[Exception], exists: bool
) -> None:
    async with desk() as test:
        await test.broker.connect()
        test.emulator.order("fail", path="order/place", **fault)
        with pytest.raises(expected):
            await test.buy(tag="only-once", type=OrderType.LIMIT, limit_price=Decimal(1000))
        span = Span(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1))
        tags = [report.tag for report in await test.broker.get_orders(test.account_id, span)]
        assert tags == (["only-once"] if exists else [])


async def test_a_429_storm_lets_a_cancel_try_and_ends() -> None:
    async with desk() as test:
        await test.broker.connect()
        placed = await test.buy(type=OrderType.LIMIT, limit_price=Decimal(1000))
        test.emulator.order("throttle", seconds=0.4)
        for _ in range(2):
            with pytest.raises(RateLimited):
                await test.broker.cancel_order(test.account_id, placed)
        await asyncio.sleep(0.5)
        await test.broker.cancel_order(test.account_id, placed)


@pytest.mark.parametrize("kind", ["duplicate", "reverse"])
async def test_disordered_events_are_all_told(kind: str) -> None:
    async with desk() as test:
        await test.open()
        test.emulator.order("events", kind=kind, batches=5)
        placed = await test.buy()

        def statuses() -> set[OrderStatus]:
            reports = [event.report for event in test.told if isinstance(event, OrderReported)]
            return {report.status for report in reports if report.broker_order_id == placed}

        await until(lambda: {OrderStatus.PENDING, OrderStatus.FILLED} <= statuses())
        await until(lambda: test.count(FillReported) and test.count(PositionReported))


async def test_lost_events_are_in_the_records() -> None:
    async with desk() as test:
        await test.open()
        test.emulator.order("events", kind="drop", batches=20)
        placed = await test.buy()
        span = Span(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1))
        async with asyncio.timeout(5):
            while not (fills := await test.broker.get_fills(test.account_id, span)):
                await asyncio.sleep(0.05)
        assert [fill.broker_order_id for fill in fills] == [placed]
        assert (await test.broker.get_positions(test.account_id))[0].size == 1


async def test_a_halted_market_refuses_in_the_gateways_words() -> None:
    async with desk() as test:
        await test.broker.connect()
        test.emulator.order("halt", contract="MNQ")
        with pytest.raises(BrokerRejected, match="not in an active trading status"):
            await test.buy()


async def test_many_bars_are_paged_and_hours_agree_with_minutes() -> None:
    async with desk() as test:
        await test.broker.connect()
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        span = Span(end - timedelta(days=20), end)
        minutes = await test.broker.get_historical_data(test.instrument_id, Timeframe.parse("1m"), span)
        hours = await test.broker.get_historical_data(test.instrument_id, Timeframe.parse("1h"), span)
        assert len(minutes) > 20_000
        assert list(minutes.time) == sorted(set(minutes.time))
        last = hours.bar(-1)
        within = minutes.between(Span(last.time, last.time + timedelta(hours=1)))
        assert (max(within.high), min(within.low), within.open[0], within.close[-1]) == (
            last.high,
            last.low,
            last.open,
            last.close,
        )


@pytest.mark.parametrize(
    ("text", "days", "least"),
    [
        ("1s", 0.02, 100),
        ("30s", 0.1, 100),
        ("5m", 20, 3_000),
        ("4h", 60, 200),
        ("1d", 200, 150),
        ("1w", 300, 35),
        ("1mo", 360, 8),
    ],
)
async def test_bars_of_every_unit_are_read(text: str, days: float, least: int) -> None:
    async with desk() as test:
        await test.broker.connect()
        timeframe, end = Timeframe.parse(text), datetime.now(UTC).replace(microsecond=0)
        span = Span(end - timedelta(days=days), end)
        bars = await test.broker.get_historical_data(test.instrument_id, timeframe, span)
        assert len(bars) >= least
        assert list(bars.time) == sorted(set(bars.time))
        assert all(
            low <= min(first, last) for low, first, last in zip(bars.low, bars.open, bars.close, strict=True)
        )


def write_bars(path: Path, start: datetime, count: int) -> list[tuple[str, ...]]:
    rows = []
    for number in range(count):
        open_ = Decimal("1690.00") + number % 9 * Decimal("0.25")
        rows.append(
            (
                (start + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                str(open_),
                str(open_ + Decimal("0.75")),
                str(open_ - Decimal("0.50")),
                str(open_ + Decimal("0.25")),
                str(100 + number),
            )
        )
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("ts_utc", "open", "high", "low", "close", "volume"))
        writer.writerows(rows)
    return rows


async def test_a_replayed_market_is_read_bar_by_bar_and_its_time_is_known(tmp_path: Path) -> None:
    start = datetime(2013, 10, 7, 14, 0, tzinfo=UTC)
    file = tmp_path / "ES_1m.csv"
    rows = write_bars(file, start, 300)
    at = start + timedelta(minutes=200)
    async with desk(replay=file, symbol="ES", start=at.isoformat(), speed=1.0) as test:
        await test.broker.connect()
        assert abs(test.times[-1] - at) < timedelta(seconds=30)
        instrument = await test.broker.resolve("ES")
        assert instrument.name == "ESZ3"
        bars = await test.broker.get_historical_data(
            instrument.instrument_id, Timeframe.parse("1m"), Span(start, at)
        )
        assert len(bars) == 200
        for bar, row in zip(bars, rows, strict=False):
            assert bar.time.strftime("%Y-%m-%dT%H:%M:%SZ") == row[0]
            assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == tuple(
                float(cell) for cell in row[1:]
            )
