"""One contract's path as time goes along it: what happens next, told as quotes, prints and depth."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from tradeconsole.domain.market import Aggressor, Depth, DepthLevel, Quote, Tick
from tradeconsole.domain.orders import Side
from tradeconsole.exchange.candle import Candle
from tradeconsole.exchange.contract_path import ContractPath
from tradeconsole.exchange.days import from_us
from tradeconsole.exchange.figures import SessionFigures
from tradeconsole.exchange.ladder import Level, ladder
from tradeconsole.exchange.market import NO_INTEREST, Interest
from tradeconsole.exchange.path import Step
from tradeconsole.exchange.records import DepthChanged, DepthRow, MarketEvent

NEVER: Final = 1 << 62


class Stream:
    """A place on a path. Bars in which nothing of interest happens are passed over as a whole.

    `wake` is when there is next something to do (µs): a step to tell, or the end of a bar passed over.
    `serial` grows whenever `wake` changed behind the back of whoever queued it.
    """

    __slots__ = (
        "_book",
        "_candle",
        "_figures",
        "_fine",
        "_id",
        "_last",
        "_next",
        "_prices",
        "_steps",
        "_taken",
        "interest",
        "path",
        "serial",
        "wake",
    )

    def __init__(self, path: ContractPath) -> None:
        self.path = path
        self.interest = NO_INTEREST
        self.serial = 0
        self.wake = NEVER
        self._id = path.contract.id
        self._candle: Candle | None = None
        self._steps: Iterator[Step] = iter(())
        self._next: Step | None = None
        self._last: Step | None = None
        self._taken = 0
        self._fine = False
        self._figures = SessionFigures(0, None)
        self._prices: dict[int, float] = {}
        self._book: dict[tuple[Side, int], int] = {}

    def stand_at(self, now: int, quiet_until: int, *, closely: bool = False) -> None:
        """Take up the path at a moment; what is at or before it counts as told."""
        self.serial += 1
        self._fine = False
        self._last = None
        self._enter(now, quiet_until, closely=closely)
        while self._next is not None and self._next[0] <= now:
            self._count(self._next)
            self._pull()

    def take_interest(self, interest: Interest, now: int, quiet_until: int) -> bool:
        """Replace what is of interest; a bar that was being passed over is taken up in its middle if need be.

        Returns:
            Whether `wake` changed.
        """
        if interest.depth and not self.interest.depth:
            # whoever begins to listen is shown `depth_at` this moment: what comes next is told against that
            state = self._state(now)
            self._book = {} if state is None else self._levels((now, *state[1:]))
        self.interest = interest
        if self._candle is None or (not self._fine and self._wants(self._candle, quiet_until)):
            self.stand_at(now, quiet_until)
            return True
        return False

    def take_up(self, now: int) -> None:
        """Follow the bar of the moment step by step if anything in it could be of interest."""
        if not self._fine and self.interest != NO_INTEREST:
            self.stand_at(now, 0, closely=True)

    def move(self) -> bool:
        """Take notice of a move that the path has just got, at a moment up to which everything was told.

        Returns:
            Whether `wake` changed.
        """
        if not self._fine or self._candle is None:
            return False
        self.serial += 1
        told = self._taken - (self._next is not None)
        self._steps = islice(self.path.steps(self._candle), told, None)
        self._taken = told
        self._pull()
        return True

    def proceed(self, quiet_until: int) -> list[MarketEvent]:
        """Do what is due at `wake` and find out what comes next."""
        step = self._next
        if step is None:
            self._enter(self.wake, quiet_until)
            return []
        self._pull()
        return self._tell(step)

    def quote_at(self, now: int) -> Quote | None:
        """The full quote at a moment up to which everything was told; None before the first price."""
        state = self._state(now)
        if state is None:
            return None
        figures = self._figures if self._fine else self.path.figures(now)
        return self._quote((now, *state[1:]), figures)

    def depth_at(self, now: int) -> Depth:
        """The book at a moment; empty before the first price."""
        step = self._state(now)
        if step is None:
            return Depth(self._id, from_us(now))
        bids, asks = self._ladder((now, *step[1:]))
        return Depth(
            self._id,
            from_us(now),
            tuple(DepthLevel(self._price(price), size) for price, size in bids),
            tuple(DepthLevel(self._price(price), size) for price, size in asks),
        )

    def _state(self, now: int) -> Step | None:
        return self._last if self._last is not None else self.path.state(now)

    def _quote(self, step: Step, figures: SessionFigures) -> Quote:
        price = self._price
        change = percent = opening = high = low = None
        if figures.previous_close:
            change = price(step[5] - figures.previous_close)
            percent = round(100 * (step[5] - figures.previous_close) / abs(figures.previous_close), 4)
        if figures.open is not None:
            opening, high, low = price(figures.open), price(figures.high), price(figures.low)
        return Quote(
            self._id,
            from_us(step[0]),
            price(step[1]),
            price(step[2]),
            price(step[5]),
            step[3],
            step[4],
            opening,
            high,
            low,
            change,
            percent,
            figures.volume,
        )

    def _wants(self, candle: Candle, quiet_until: int) -> bool:
        if self.interest.everything and candle.end > quiet_until:
            return True
        low, high = self.path.extremes(candle)
        return self._price(low) <= self.interest.low or self._price(high) >= self.interest.high

    def _enter(self, time: int, quiet_until: int, *, closely: bool = False) -> None:
        """Open the bar that contains a moment, or the next."""
        candle = self._candle = self.path.candle(time)
        self._next = None
        self._taken = 0
        if candle is None:
            self._fine, self.wake, self._last = False, NEVER, None
            return
        was_fine, self._fine = self._fine, closely or self._wants(candle, quiet_until)
        if self._fine:
            if not was_fine or candle.start >= self._figures.end * 1_000_000:
                self._figures = self.path.figures_before(candle.start)
            self._steps = self.path.steps(candle)
            self._pull()
        else:
            self.wake = candle.end
            self._last = None

    def _pull(self) -> None:
        self._next = step = next(self._steps, None)
        if step is not None:
            self._taken += 1
            self.wake = step[0]
        elif self._candle is not None:
            self.wake = self._candle.end

    def _count(self, step: Step) -> None:
        self._last = step
        if step[7]:
            self._figures.add_print(step[5], step[6])

    def _tell(self, step: Step) -> list[MarketEvent]:
        self._count(step)
        if step[7]:
            aggressor = Aggressor.BUY if step[7] > 0 else Aggressor.SELL
            return [Tick(self._id, from_us(step[0]), self._price(step[5]), step[6], aggressor)]
        quote = self._quote(step, self._figures)
        if not self.interest.depth:
            return [quote]
        rows = self._changed_rows(step)
        return [quote, DepthChanged(self._id, quote.time, rows)] if rows else [quote]

    def _changed_rows(self, step: Step) -> tuple[DepthRow, ...]:
        book = self._levels(step)
        before, self._book = self._book, book
        gone = [DepthRow(side, self._price(price), 0) for side, price in before if (side, price) not in book]
        new = [
            DepthRow(side, self._price(price), size)
            for (side, price), size in book.items()
            if before.get((side, price)) != size
        ]
        return (*gone, *new)

    def _levels(self, step: Step) -> dict[tuple[Side, int], int]:
        bids, asks = self._ladder(step)
        return {**_keyed(Side.BUY, bids), **_keyed(Side.SELL, asks)}

    def _ladder(self, step: Step) -> tuple[list[Level], list[Level]]:
        bids, asks = ladder(self.path.seed, step, self.path.display)
        return bids[: self.path.levels], asks[: self.path.levels]

    def _price(self, ticks: int) -> float:
        price = self._prices.get(ticks)
        if price is None:
            price = self._prices[ticks] = self.path.contract.product.price_of(ticks)
        return price


def _keyed(side: Side, levels: list[Level]) -> dict[tuple[Side, int], int]:
    return {(side, price): size for price, size in levels}
