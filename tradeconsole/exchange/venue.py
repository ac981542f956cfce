"""The exchange: accounts, orders and positions over one market; pure, every command says when it happens."""

from datetime import datetime
from decimal import Decimal

from tradeconsole.domain.market import BarSeries, Depth, Quote, Timeframe
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.market import Market
from tradeconsole.exchange.records import (
    ExchangeEvent,
    ExchangeOptions,
    ModifyRequest,
    Outcome,
    PlaceRequest,
    VenueAccount,
    VenueOrder,
    VenuePosition,
    VenueTrade,
)


class Exchange:
    """One matching core for paper, backtest and emulator; the gateway's rules, codes and sequences.

    Time only goes forward: a `now` earlier than what was already reached counts as what was reached. Commands
    first advance to `now`, so that a caller may place without advancing; every event, those of commands
    included, comes out of the next `advance`. Whether a contract is followed, and in which steps time
    advances, never changes what fills.
    """

    def __init__(
        self, catalogue: Catalogue, market: Market, options: ExchangeOptions | None = None
    ) -> None: ...

    # -- time ---------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """How far the exchange has gone."""
        raise NotImplementedError

    def advance(self, to: datetime) -> list[ExchangeEvent]:
        """Go forward; every event since the last call, in order.

        Steps longer than two minutes pass quietly: orders fill at their exact prices and times, but the quotes,
        prints and depth of followed contracts are only told for the last minute.
        """
        raise NotImplementedError

    def next_due(self) -> datetime | None:
        """When the exchange next has to act by itself (a fill, an activation); None: nothing waits."""
        raise NotImplementedError

    def next_market_event(self) -> datetime | None:
        """When the market next reports something of interest."""
        raise NotImplementedError

    # -- commands -----------------------------------------------------------------------------------------

    def place(self, account_id: int, request: PlaceRequest, now: datetime) -> Outcome:
        """Take or refuse an order; `code` is a `PlaceCode`. A refused order is stored as rejected and has an id."""
        raise NotImplementedError

    def modify(self, account_id: int, request: ModifyRequest, now: datetime) -> Outcome:
        """Change a working order; `code` is a `ModifyCode`."""
        raise NotImplementedError

    def cancel(self, account_id: int, order_id: int, now: datetime) -> Outcome:
        """Cancel an order and its suspended legs; `code` is a `CancelCode`, 5 for finished orders."""
        raise NotImplementedError

    def close_contract(self, account_id: int, contract_id: str, now: datetime) -> Outcome:
        """Close the whole position with a market order; `code` is a `CloseCode`."""
        raise NotImplementedError

    def partial_close(self, account_id: int, contract_id: str, size: int, now: datetime) -> Outcome:
        """Reduce the position with a market order; `code` is a `PartialCloseCode`."""
        raise NotImplementedError

    # -- set-up and control -------------------------------------------------------------------------------

    def open_account(self, account: VenueAccount) -> None:
        """Add an account; ids are unique."""
        raise NotImplementedError

    def set_can_trade(self, account_id: int, can_trade: bool, now: datetime) -> None:
        """Lock or unlock an account; account event."""
        raise NotImplementedError

    def follow(self, contract_id: str, *, depth: bool = False) -> None:
        """Report quotes and prints, and depth if wanted, of a contract; replaces what was asked before."""
        raise NotImplementedError

    def unfollow(self, contract_id: str) -> None:
        """Stop reporting a contract."""
        raise NotImplementedError

    def set_halted(self, contract_id: str, halted: bool, now: datetime) -> None:
        """Halt or resume trading in a contract: no matching, no market events, orders refused."""
        raise NotImplementedError

    def move_price(self, contract_id: str, ticks: int, now: datetime) -> None:
        """Shift a contract's price by ticks; quote and print follow at once."""
        raise NotImplementedError

    def set_price(self, contract_id: str, price: Decimal, now: datetime) -> None:
        """Shift a contract's price so that it trades at `price` now."""
        raise NotImplementedError

    # -- queries (of what has been reached; they do not advance) ------------------------------------------

    def accounts(self, user: str) -> list[VenueAccount]: ...
    def account(self, account_id: int) -> VenueAccount | None: ...
    def order(self, account_id: int, order_id: int) -> VenueOrder | None: ...
    def orders(
        self, account_id: int, start: datetime | None = None, end: datetime | None = None
    ) -> list[VenueOrder]:
        """Orders created within [start, end], oldest first."""
        raise NotImplementedError

    def orders_in(self, account_id: int, statuses: frozenset[OrderStatus]) -> list[VenueOrder]:
        """Orders with one of these statuses, oldest first."""
        raise NotImplementedError

    def trades(
        self, account_id: int, start: datetime | None = None, end: datetime | None = None
    ) -> list[VenueTrade]:
        """Trades within [start, end], newest first."""
        raise NotImplementedError

    def positions(self, account_id: int) -> list[VenuePosition]:
        """Open positions, oldest first."""
        raise NotImplementedError

    def quote(self, contract_id: str) -> Quote | None: ...
    def depth(self, contract_id: str) -> Depth: ...
    def profile(self, contract_id: str) -> list[tuple[float, int]]: ...
    def bars(
        self,
        contract_id: str,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        limit: int,
        *,
        include_partial: bool = False,
    ) -> BarSeries:
        """See `Market.bars`: oldest first."""
        raise NotImplementedError

    # -- durability ---------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable; a log of the commands since, with their times, replays to the same state."""
        raise NotImplementedError

    def restore(self, state: bytes) -> None:
        """Take up a snapshot made with the same catalogue, market options and exchange options.

        `advance` to the present then lets the market go on: what would have filled meanwhile has filled.
        """
        raise NotImplementedError
