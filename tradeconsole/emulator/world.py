"""The market an emulator shows and the time it lives in, as its options ask for."""

import gzip
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.emulator.clock import GatewayClock
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.errors import ConfigError, DataFileError
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.feed import PathMarket
from tradeconsole.exchange.ladder import LEVELS
from tradeconsole.exchange.records import ExchangeOptions
from tradeconsole.exchange.replay import LULL, ReplaySource, read_bars
from tradeconsole.exchange.session_end import EndOf
from tradeconsole.exchange.synthetic import SyntheticSource
from tradeconsole.exchange.venue import Exchange

_BEFORE_SESSION: Final = timedelta(seconds=5)
"""Skipping a gap lands a little before the first bar, so that clients see the market open."""


class World(msgspec.Struct, frozen=True):
    """An exchange with its market and time.

    `description` names the options that shape the market: state is only valid for the same ones. `skip` says
    where a clock may jump to when nothing happens for long.
    """

    exchange: Exchange
    catalogue: Catalogue
    serves: Callable[[str], bool]
    description: str
    start_clock: Callable[[datetime | None], GatewayClock]
    skip: Callable[[datetime], datetime | None]


def build_world(
    options: EmulatorOptions, seed: int, rules: ExchangeOptions, *, levels: int = LEVELS
) -> World:
    """The synthetic market, or the replay of a file.

    Raises:
        DataFileError: the replay file cannot be used; the message names file, row and reason.
        InvalidRequest: the replay's symbol is unknown.
        ConfigError: options that do not fit together.
    """
    if options.speed <= 0:
        raise ConfigError(f"speed {options.speed} is not possible: it must be above 0")
    build = _synthetic if options.replay is None else _replay
    world = build(options, seed, rules, levels)
    if options.scenario is None:
        return world
    return msgspec.structs.replace(
        world, description=f"{world.description} scenario {options.scenario.fingerprint}"
    )


def _synthetic(options: EmulatorOptions, seed: int, rules: ExchangeOptions, levels: int) -> World:
    if options.symbol is not None:
        raise ConfigError("--symbol belongs to a replay: add --replay FILE")
    catalogue = Catalogue.load()
    if options.products is not None:
        catalogue = catalogue.listing_only(options.products)
    calendar = load_calendar(options.calendar)
    source = SyntheticSource(
        catalogue,
        seed,
        is_open=None if options.calendar == "continuous" else calendar.is_open,
        volatility=options.volatility,
        activity=options.activity,
    )
    # a market that begins at a time of its own does not follow the machine's clock
    own = None if options.start is None else _time(options.start)
    now = own or datetime.now(UTC)
    market = PathMarket(catalogue, source, now, seed, levels=levels)

    def start_clock(reached: datetime | None) -> GatewayClock:
        # a market that was stepped ahead, or whose machine was set back, does not run backwards
        return GatewayClock(
            max(reached or now, now),
            speed=options.speed,
            frozen=options.frozen,
            source=time.time if own is None else time.monotonic,
        )

    def end_of(group: ProductGroup, now: datetime) -> datetime | None:
        session = calendar.session_at(group, now)
        return None if session is None else session.close

    ends: EndOf = _never if options.calendar == "continuous" else end_of
    return World(
        exchange=Exchange(catalogue, market, rules, end_of=ends),
        catalogue=catalogue,
        serves=market.serves,
        description=f"synthetic seed {seed} {options.calendar} activity {options.activity} "
        f"volatility {options.volatility}"
        + ("" if options.products is None else f" products {' '.join(sorted(options.products))}"),
        start_clock=start_clock,
        skip=lambda _now: None,
    )


def _never(_group: ProductGroup, _now: datetime) -> None:
    """Where the market never closes, no order ends by itself."""


def _replay(options: EmulatorOptions, seed: int, rules: ExchangeOptions, levels: int) -> World:
    if options.replay is None or options.symbol is None:
        raise ConfigError("a replay needs the product of its file: add --symbol, such as --symbol ES")
    products = Catalogue.load()
    source = _read(options.replay, products, options.symbol, options.activity)
    catalogue = products.pinned_to(source.contract)
    start = _start(source, options.start)
    market = PathMarket(catalogue, source, start, seed, levels=levels)

    def start_clock(reached: datetime | None) -> GatewayClock:
        return GatewayClock(
            reached or start, speed=options.speed, frozen=options.frozen, source=time.monotonic
        )

    def skip(now: datetime) -> datetime | None:
        opening = source.next_bar_after(now)
        if (
            opening is None
            or opening - now <= timedelta(seconds=LULL)
            or market.is_open(source.contract.id, now)
        ):
            return None
        return opening - _BEFORE_SESSION

    return World(
        exchange=Exchange(catalogue, market, rules),
        catalogue=catalogue,
        serves=market.serves,
        description=f"replay of {options.replay.name} {source.contract.name} seed {seed} "
        f"activity {options.activity} from {source.first:%Y-%m-%d}",
        start_clock=start_clock,
        skip=(lambda _now: None) if options.keep_gaps else skip,
    )


def _read(path: Path, catalogue: Catalogue, symbol: str, activity: float) -> ReplaySource:
    try:
        return read_bars(_lines(path), catalogue, symbol, path.name, activity=activity)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataFileError(f"cannot read {path}: {reason}") from error
    except UnicodeDecodeError as error:
        raise DataFileError(f"cannot read {path}: it is not text ({error.reason})") from error


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rt", newline="") if packed else path.open(newline="") as file:
        yield from file


def _start(source: ReplaySource, wanted: str | None) -> datetime:
    """Where a replay begins; by default at the second session day, so that a chart has history."""
    if wanted == "first":
        return source.first
    if wanted is None:
        calendar = load_calendar("continuous")
        first_day = calendar.day_start(ProductGroup.EQUITY_INDEX, source.first)
        following = calendar.day_start(ProductGroup.EQUITY_INDEX, first_day + timedelta(hours=36))
        return source.next_bar_after(following) or source.first
    start = _time(wanted)
    if not source.first <= start < source.end:
        raise ConfigError(
            f"the replay has no bars at {wanted}: it goes from {source.first:%Y-%m-%dT%H:%M:%SZ} "
            f"to {source.end:%Y-%m-%dT%H:%M:%SZ}"
        )
    return start


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"'{text}' is not a start: expected `first` or a time such as 2013-10-07T13:30:00Z"
        ) from None
    if not 2000 < time.year < 2099:
        # contracts have two digits for the year
        raise ConfigError(f"a start in the year {time.year} is not possible: expected 2001 to 2098")
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
