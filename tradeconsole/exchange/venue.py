"""The exchange: accounts, orders and positions over one market; pure, every command says when it happens."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from tradeconsole.domain.market import Quote, Tick
from tradeconsole.domain.orders import Side
from tradeconsole.errors import InvalidRequest
from tradeconsole.exchange.agenda import Agenda, Due
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.desk import OrderDesk
from tradeconsole.exchange.disturbances import Disturbances
from tradeconsole.exchange.firm_hours import FirmHours
from tradeconsole.exchange.intervention import Intervention
from tradeconsole.exchange.listing import Listing
from tradeconsole.exchange.market import Interest, Market
from tradeconsole.exchange.matching import Matcher
from tradeconsole.exchange.records import (
    DepthChanged,
    DepthRow,
    ExchangeEvent,
    ExchangeOptions,
    MarketEvent,
    ModifyRequest,
    Outcome,
    PlaceRequest,
    VenueAccount,
)
from tradeconsole.exchange.session_end import EndOf, SessionEnds
from tradeconsole.exchange.store import Records, Store
from tradeconsole.exchange.supervision import Supervisor

_LONG_STEP: Final = timedelta(minutes=2)
_TOLD_OF_LONG_STEP: Final = timedelta(minutes=1)


class _State(msgspec.Struct, frozen=True):
    now: datetime
    records: Records
    agenda: list[tuple[Due, str]]
    halted: list[str]
    market: bytes
    disturbances: Disturbances = msgspec.field(default_factory=Disturbances)
    rolled: dict[str, str] = {}


class Exchange(Intervention):
    """One matching core for paper, backtest and emulator; the gateway's rules, codes and sequences.

    Time only goes forward: a `now` earlier than what was already reached counts as what was reached. Commands
    first advance to `now`, so that a caller may place without advancing; every event, those of commands
    included, comes out of the next `advance`. Whether a contract is followed, and in which steps time
    advances, never changes what fills.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        market: Market,
        options: ExchangeOptions | None = None,
        *,
        end_of: EndOf = lambda _group, _now: None,
    ) -> None:
        self.catalogue = catalogue
        self.listing = Listing(catalogue)
        self.disturbances = Disturbances()
        self._market = market
        self._now = market.now
        self._store = Store()
        self._agenda = Agenda()
        self._told: list[ExchangeEvent] = []
        self._followed: dict[str, bool] = {}
        self._withheld: dict[str, dict[tuple[Side, float], DepthRow]] = {}
        options = self.options = options or ExchangeOptions()
        self._matcher = Matcher(
            catalogue, self._store, self._agenda, self.disturbances, options, self._told.append
        )
        hours = FirmHours(catalogue, self.disturbances, end_of)
        self._desk = OrderDesk(
            self.listing,
            market,
            self._store,
            self._agenda,
            self._matcher,
            self.disturbances,
            hours,
            options,
            self._told.append,
        )
        self._sessions = SessionEnds(catalogue, self._store, self._matcher, options, end_of)
        self._supervisor = Supervisor(catalogue, self._store, market, self._desk, hours, self._told.append)

    # -- time ---------------------------------------------------------------------------------------------

    def advance(self, to: datetime) -> list[ExchangeEvent]:
        """Go forward; every event since the last call, in order.

        Steps longer than two minutes pass quietly: orders fill at their exact prices and times, but the quotes,
        prints and depth of followed contracts are only told for the last minute.
        """
        self._run_to(to)
        told = self._told.copy()
        self._told.clear()
        return told

    def next_due(self) -> datetime | None:
        """When the exchange next has to act by itself (a fill, an activation); None: nothing waits."""
        moments = [self._agenda.next_time, self._next_by_clock()]
        return min((moment for moment in moments if moment is not None), default=None)

    def next_market_event(self) -> datetime | None:
        """When the market next has something to report; at times it then turns out to be nothing."""
        return self._market.next_event()

    # -- commands -----------------------------------------------------------------------------------------

    def place(self, account_id: int, request: PlaceRequest, now: datetime) -> Outcome:
        """Take or refuse an order; `code` is a `PlaceCode`. A refused order is stored as rejected and has an id.

        Only one that names no known account, contract, type or side cannot be stored and has none.
        """
        self._run_to(now)
        return self._done(self._desk.place(account_id, request, self._now))

    def modify(self, account_id: int, request: ModifyRequest, now: datetime) -> Outcome:
        """Change a working order; `code` is a `ModifyCode`."""
        self._run_to(now)
        return self._done(self._desk.modify(account_id, request, self._now))

    def cancel(self, account_id: int, order_id: int, now: datetime) -> Outcome:
        """Cancel an order and its suspended legs; `code` is a `CancelCode`, 5 for finished orders."""
        self._run_to(now)
        return self._done(self._desk.cancel(account_id, order_id, self._now))

    def close_contract(self, account_id: int, contract_id: str, now: datetime) -> Outcome:
        """Close the whole position with a market order; `code` is a `CloseCode`."""
        self._run_to(now)
        return self._done(self._desk.close(account_id, contract_id, self._now))

    def partial_close(self, account_id: int, contract_id: str, size: int, now: datetime) -> Outcome:
        """Reduce the position with a market order; `code` is a `PartialCloseCode`."""
        self._run_to(now)
        return self._done(self._desk.close_part(account_id, contract_id, size, self._now))

    # -- set-up and control -------------------------------------------------------------------------------

    def open_account(self, account: VenueAccount) -> None:
        """Add an account.

        Raises:
            InvalidRequest: there is one with this id.
        """
        if account.id in self._store.accounts:
            raise InvalidRequest(f"account {account.id} exists already")
        self._store.accounts[account.id] = self._supervisor.enrol(account)

    def follow(self, contract_id: str, *, depth: bool = False) -> None:
        """Report quotes and prints, and depth if wanted, of a contract; replaces what was asked before.

        Raises:
            InvalidRequest: the market has no such contract.
        """
        if not self._market.serves(contract_id):
            raise InvalidRequest(f"this market has no prices for '{contract_id}'")
        self._followed[contract_id] = depth
        self._watch(contract_id)

    def unfollow(self, contract_id: str) -> None:
        """Stop reporting a contract."""
        if self._followed.pop(contract_id, None) is not None:
            self._watch(contract_id)

    # -- durability ---------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable, events not yet told excepted; a log of later commands replays to the same state."""
        return msgspec.msgpack.encode(
            _State(
                self._now,
                self._store.records(),
                self._agenda.entries(),
                sorted(self._matcher.halted),
                self._market.snapshot(),
                self.disturbances,
                self.listing.rolled(),
            )
        )

    def restore(self, state: bytes) -> None:
        """Take up a snapshot in a new exchange with the same catalogue, market options and exchange options.

        `advance` to the present then lets the market go on: what would have filled meanwhile has filled.
        """
        saved = msgspec.msgpack.decode(state, type=_State)
        self._market.restore(saved.market)
        self._now = saved.now
        self._store.load(saved.records)
        self._agenda.load(saved.agenda)
        self._matcher.halted.update(saved.halted)
        self.disturbances.load(saved.disturbances)
        self.listing.load(saved.rolled)
        self._matcher.resume()
        self._supervisor.resume(self._now)
        for contract_id in self._matcher.touched:
            quote = self._market.quote(contract_id) if self._market.serves(contract_id) else None
            if quote is not None:
                self._matcher.quotes[contract_id] = quote
        self._rewatch()

    # -- inside -------------------------------------------------------------------------------------------

    def _run_to(self, to: datetime) -> None:
        # also where time stands: what is due at this very moment would else be due for ever
        to = max(to, self._now)
        self._pump(to, to - _TOLD_OF_LONG_STEP if to - self._now > _LONG_STEP else None)

    def _pump(self, to: datetime, quiet_until: datetime | None) -> None:
        while (moment := self._next_by_clock()) is not None and moment <= to:
            self._flow(max(moment, self._now), quiet_until)
            self._supervisor.attend(self._now)
            self._sessions.attend(self._now)
            self._trade_script()
            self._rewatch()
        self._flow(to, quiet_until)

    def _next_by_clock(self) -> datetime | None:
        """When something comes by the clock: a scripted price, what a firm does, the end of a session."""
        scripted = self.disturbances.next_price
        moments = (
            None if scripted is None else scripted.time,
            self._supervisor.next_time(self._now),
            self._sessions.next_time(self._now),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def _flow(self, to: datetime, quiet_until: datetime | None) -> None:
        """Let the market go forward, and what is due with it."""
        for event in self._market.advance(to, quiet_until):
            self._attend(event.time)
            self._take(event, quiet_until)
        self._attend(to)
        self._now = to

    def _attend(self, until: datetime) -> None:
        """Do what is due up to a moment."""
        while (time := self._agenda.next_time) is not None and time <= until:
            self._now = max(self._now, time)
            self._matcher.attend(self._agenda.take())
            self._rewatch()
        self._now = max(self._now, until)

    def _take(self, event: MarketEvent, quiet_until: datetime | None) -> None:
        if event.instrument_id in self._matcher.halted:
            if isinstance(event, DepthChanged):
                rows = self._withheld.setdefault(event.instrument_id, {})
                rows.update(((row.side, row.price), row) for row in event.rows)
            return
        if event.instrument_id in self._followed and (quiet_until is None or event.time >= quiet_until):
            self._told.append(event)
        if isinstance(event, Quote):
            self._matcher.take_quote(event)
        elif isinstance(event, Tick):
            self._matcher.take_print(event)
        if isinstance(event, Quote | Tick):
            self._supervisor.take_price(event)
        if self._matcher.touched or self._supervisor.stale:
            self._rewatch()

    def _catch_up(self, contract_id: str) -> None:
        """Tell and match what a halt has held back."""
        quote = self._market.quote(contract_id) if self._market.serves(contract_id) else None
        rows = self._withheld.pop(contract_id, {})
        if contract_id in self._followed:
            if quote is not None:
                self._told.append(quote)
            if rows:
                self._told.append(DepthChanged(contract_id, self._now, tuple(rows.values())))
        if quote is not None:
            self._matcher.take_quote(quote)
            self._rewatch()

    def _done(self, outcome: Outcome) -> Outcome:
        self._rewatch()
        return outcome

    def _rewatch(self) -> None:
        """Look at those who had fills, and tell the market which prices matter where orders changed."""
        if self._matcher.settled:
            settled = self._matcher.settled.copy()
            self._matcher.settled.clear()
            self._supervisor.review(settled, self._now)
        touched = self._matcher.touched
        touched |= self._supervisor.stale
        self._supervisor.stale.clear()
        while touched:
            contract_id = touched.pop()
            if self._market.serves(contract_id):
                self._watch(contract_id)

    def _watch(self, contract_id: str) -> None:
        low, high = self._matcher.band(contract_id)
        below, above = self._supervisor.band(contract_id)
        followed = contract_id in self._followed
        self._market.watch(
            contract_id,
            Interest(
                everything=followed or self._agenda.waits_for(contract_id),
                depth=self._followed.get(contract_id, False),
                low=max(low, below),
                high=min(high, above),
            ),
        )
