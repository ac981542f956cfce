"""The ProjectX gateway behind the `Broker` port: TopstepX and the other firms that use it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tradeconsole.brokers.projectx import market, translate, user, wire
from tradeconsole.brokers.projectx.accounts import Accounts
from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings
from tradeconsole.brokers.projectx.contracts import Contracts
from tradeconsole.brokers.projectx.endpoints import NO_SUCH_ACCOUNT, POSITIONS
from tradeconsole.brokers.projectx.history import PAGE, BarReader
from tradeconsole.brokers.projectx.hub import Hub
from tradeconsole.brokers.projectx.hub_connection import Handler
from tradeconsole.brokers.projectx.lookout import Lookout
from tradeconsole.brokers.projectx.market import MarketStream
from tradeconsole.brokers.projectx.order_desk import OrderDesk
from tradeconsole.brokers.projectx.products import Commissions, load_products
from tradeconsole.brokers.projectx.records import Records
from tradeconsole.brokers.projectx.rest import RestClient
from tradeconsole.brokers.projectx.stamps import VenueStamps
from tradeconsole.brokers.projectx.user import UserStream
from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import (
    BrokerEvent,
    BrokerPosition,
    Channel,
    ChannelChanged,
    ChannelState,
    OrderReported,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import BarSeries, Quote, Span, Timeframe
from tradeconsole.domain.orders import OrderReport, OrderRequest, OrderType
from tradeconsole.domain.portfolio import Fill
from tradeconsole.errors import BrokerError, BrokerRejected, BrokerUnavailable, InvalidRequest
from tradeconsole.ports import Broker, Budget, Capabilities, Clock, MarketSubscription, Publish

log = logging.getLogger(__name__)

CAPABILITIES: Final = Capabilities(
    order_types=frozenset(OrderType) - {OrderType.STOP_LIMIT},
    brackets=True,
    depth=True,
    modify=True,
    partial_close=True,
    max_bars_per_request=PAGE,
    timeframes=("1s", "5s", "15s", "30s", "1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1mo"),
)

_LOST: Final = {ChannelState.DOWN, ChannelState.STALE}

_QUOTE_LOOKBACK: Final = timedelta(days=4)
"""Far enough for the last close before a long weekend."""


class ProjectXBroker(Broker):
    """One user at one firm's gateway.

    Args:
        connection: where and who.
        publish: told of everything that happens, on the loop that runs this.
        clock: the venue's time.
        observe_time: told what the venue's own stamps say the time is.
        observe: told how many seconds a stage took, such as `rest.place_order`.
        expects_data: whether a subscribed market should be moving now; a mute stream is then stale.
        timings: patience.
    """

    def __init__(
        self,
        connection: ProjectXConnection,
        publish: Publish,
        clock: Clock,
        *,
        observe_time: Callable[[datetime], None] = lambda _: None,
        observe: Callable[[str, float], None] = lambda _stage, _seconds: None,
        expects_data: Callable[[], bool] = lambda: True,
        timings: Timings | None = None,
    ) -> None:
        self._connection = connection
        self._timings = timings or Timings()
        self._publish = publish
        self._states: dict[Channel, tuple[ChannelState, str]] = {}
        self._streaming = False
        self._lookups: dict[str, asyncio.Task[None]] = {}
        self._clock = clock
        stamps = VenueStamps(observe_time)
        self._rest = RestClient(
            connection,
            timings=self._timings,
            report=self._reporter(Channel.ORDERS),
            observe=observe,
            observe_time=stamps.answered,
        )
        products = load_products()
        self._commissions = Commissions(products)
        self._contracts = Contracts(self._rest, products, publish, clock, live=connection.live)
        self._bars = BarReader(self._rest, live=connection.live)
        self._records = Records(self._rest)
        self._accounts = Accounts(self._rest, publish, self._stream_accounts)
        self._desk = OrderDesk(
            self._rest, self._contracts, self._records, self.get_market_quote, self._report_order
        )
        self._market = MarketStream(publish, self._contracts.known, clock, stamps)
        events = UserStream(self._tell, self._meet, self._commissions)
        self._user_hub = self._hub("user", Channel.ACCOUNT, events.handlers)
        self._market_hub = self._hub(
            "market",
            Channel.MARKET,
            self._market.handlers,
            data_expected=expects_data,
            on_open=self._market.reset,
        )
        self._lookout = Lookout(self.get_accounts, self._rest.unasked_for, self._timings.look)

    def _hub(
        self,
        name: str,
        channel: Channel,
        handlers: dict[str, Handler],
        *,
        data_expected: Callable[[], bool] | None = None,
        on_open: Callable[[], None] | None = None,
    ) -> Hub:
        return Hub(
            f"{self._connection.rtc_url.rstrip('/')}/hubs/{name}",
            handlers=handlers,
            token=self._rest.tokens.current,
            refuse=self._rest.tokens.refuse,
            report=self._reporter(channel),
            timings=self._timings,
            monotonic=self._clock.monotonic,
            data_expected=data_expected,
            all_or_nothing=channel is Channel.ACCOUNT,
            on_open=on_open,
        )

    @property
    def name(self) -> str:
        return self._connection.firm

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def budgets(self) -> Sequence[Budget]:
        return self._rest.budgets()

    # -- life ----------------------------------------------------------------------------------------------------

    async def connect(self) -> Sequence[Account]:
        self._report(Channel.ORDERS, ChannelState.CONNECTING, "")
        return await self.get_accounts()

    async def stream(self, account_ids: Iterable[str]) -> None:
        self._streaming = True
        await self._subscribe_accounts(account_ids)
        self._user_hub.start()
        self._market_hub.start()
        self._accounts.look_for_locked()

    def wake(self) -> None:
        self._user_hub.wake()
        self._market_hub.wake()

    async def close(self) -> None:
        for task in self._lookups.values():
            task.cancel()
        endings = (*self._lookups.values(), self._user_hub.close(), self._market_hub.close())
        await asyncio.gather(*endings, return_exceptions=True)
        await asyncio.gather(self._lookout.close(), self._accounts.close())
        await self._rest.close()

    # -- orders --------------------------------------------------------------------------------------------------

    async def place_order(self, request: OrderRequest) -> str:
        return await self._desk.place(request)

    async def modify_order(
        self,
        account_id: str,
        broker_order_id: str,
        *,
        size: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> None:
        await self._desk.modify(
            account_id, broker_order_id, size=size, limit_price=limit_price, stop_price=stop_price
        )

    async def cancel_order(self, account_id: str, broker_order_id: str) -> None:
        await self._desk.cancel(account_id, broker_order_id)

    async def resolve(self, symbol: str) -> Instrument:
        return await self._contracts.resolve(symbol)

    async def get_open_orders(self, account_id: str, *, urgent: bool = False) -> Sequence[OrderReport]:
        account = translate.wire_id(account_id, "an account")
        return await self._reports(await self._records.open_orders(account, urgent=urgent))

    async def get_orders(self, account_id: str, span: Span) -> Sequence[OrderReport]:
        account = translate.wire_id(account_id, "an account")
        return await self._reports(await self._records.orders(account, span))

    async def get_fills(self, account_id: str, span: Span) -> Sequence[Fill]:
        rows = await self._records.trades(translate.wire_id(account_id, "an account"), span)
        fills = translate.fills(rows, self._commissions)
        await self._introduce(fill.instrument_id for fill in fills)
        return fills

    # -- accounts and positions ----------------------------------------------------------------------------------

    async def get_accounts(self) -> Sequence[Account]:
        return await self._accounts.active()

    async def _stream_accounts(self, accounts: Sequence[Account]) -> None:
        if self._streaming:
            await self._subscribe_accounts(each.account_id for each in accounts)

    async def _subscribe_accounts(self, account_ids: Iterable[str]) -> None:
        accounts = [translate.wire_id(each, "an account") for each in account_ids]
        await self._user_hub.want(user.subscriptions(accounts))

    async def get_positions(self, account_id: str, *, urgent: bool = False) -> Sequence[BrokerPosition]:
        body = wire.AccountBody(account_id=translate.wire_id(account_id, "an account"))
        try:
            rows = (await self._rest.call(POSITIONS.when(urgent), body)).positions
        except BrokerRejected as error:
            if error.code == NO_SUCH_ACCOUNT:
                await self._accounts.forget(account_id)  # so that nobody asks for it again
            raise
        positions = [translate.position(row) for row in rows or ()]
        await self._introduce(position.instrument_id for position in positions)
        return positions

    async def close_position(self, account_id: str, instrument_id: str, quantity: int | None = None) -> None:
        await self._desk.close(account_id, instrument_id, quantity)

    # -- market data ---------------------------------------------------------------------------------------------

    async def search_instruments(self, text: str) -> Sequence[Instrument]:
        return await self._contracts.search(text)

    async def get_historical_data(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries:
        return await self._bars.closed_bars(await self._contracts.get(instrument_id), timeframe, span)

    async def get_market_quote(self, instrument_id: str) -> Quote:
        streamed = self._market.quote(instrument_id)
        if streamed is not None and self._states[Channel.MARKET][0] is ChannelState.UP:
            return streamed
        instrument = await self._contracts.get(instrument_id)
        now = self._clock.now()
        bar = await self._bars.newest_bar(instrument, Span(now - _QUOTE_LOOKBACK, now + timedelta(minutes=1)))
        if bar is None:
            raise BrokerUnavailable(f"the gateway has no recent price of {instrument.name}")
        return Quote(instrument_id, bar.t, last=instrument.snap(bar.c))

    async def subscribe(self, wanted: frozenset[MarketSubscription]) -> None:
        trouble: BrokerError | InvalidRequest | None = None
        for each in sorted(wanted):
            try:
                await self._contracts.get(each.instrument_id)
            except InvalidRequest as error:
                trouble, wanted = error, wanted - {each}
            except BrokerError as error:
                trouble = error  # the wish stands: the contract may be known by the time its stream comes
                break
        await self._market_hub.want(market.subscriptions(wanted))
        if trouble is not None:
            raise trouble

    # -- inside --------------------------------------------------------------------------------------------------

    async def _reports(self, rows: Iterable[wire.OrderRow]) -> list[OrderReport]:
        reports = [translate.order_report(row) for row in rows]
        for report in reports:
            self._desk.remember(report)
        await self._introduce(report.instrument_id for report in reports)
        return reports

    async def _introduce(self, instrument_ids: Iterable[str]) -> None:
        """Publish the instruments before anything that names them; the records count even if that fails."""
        try:
            await self._contracts.refresh()
            for instrument_id in dict.fromkeys(instrument_ids):
                with contextlib.suppress(InvalidRequest):  # the contracts have told it
                    await self._contracts.get(instrument_id)
        except BrokerError as error:
            log.warning("instruments are not known: %s", error)

    def _tell(self, event: BrokerEvent) -> None:
        if isinstance(event, OrderReported):
            self._desk.remember(event.report)
        self._publish(event)

    def _report_order(self, report: OrderReport) -> None:
        self._meet(report.instrument_id)
        self._tell(OrderReported(report))

    def _meet(self, instrument_id: str) -> None:
        known = self._contracts.known(instrument_id)
        if known is not None:
            self._contracts.tell(known)
        elif instrument_id not in self._lookups:
            task = asyncio.get_running_loop().create_task(self._introduce((instrument_id,)))
            self._lookups[instrument_id] = task
            task.add_done_callback(lambda _: self._lookups.pop(instrument_id, None))

    def _reporter(self, channel: Channel) -> Callable[[ChannelState, str], None]:
        return lambda state, reason: self._report(channel, state, reason)

    def _report(self, channel: Channel, state: ChannelState, reason: str) -> None:
        if channel is not Channel.ORDERS and state in _LOST:
            self._lookout.begin()
        if self._states.get(channel) == (state, reason):
            return
        self._states[channel] = (state, reason)
        self._publish(ChannelChanged(channel, state, reason))
        if state is ChannelState.UP:
            # where one part of the gateway has come back, the others are not far
            self._user_hub.cut_short()
            self._market_hub.cut_short()
