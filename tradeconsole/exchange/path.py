"""From a bar to a path: quotes and prints inside a bar that reproduce its open, high, low, close and volume."""

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt
from random import Random

from tradeconsole.exchange.candle import Candle

Step = tuple[int, int, int, int, int, int, int, int]
"""time (µs), bid, ask, bid size, ask size, last price, print size, aggressor (+1 buy, −1 sell, 0: no print).

Prices are in ticks. A print never moves the quote: the step before it has put bid or ask where it trades.
"""

_MILLISECOND = 1000
_WIDE = 0.04  # share of quotes that are two ticks wide
_IDLE_QUOTE = 0.55  # chance of a quote between two prints


def closing_side(seed: int, start: int) -> int:
    """Aggressor of the last print of the bar that starts then; tells the quote that the bar leaves behind."""
    return 1 if ((start // 1_000_000) * 2_654_435_761 + seed) >> 7 & 1 else -1


def closing_quote(seed: int, start: int, close: int) -> tuple[int, int]:
    """Bid and ask after the bar that starts then, one tick apart."""
    return (close - 1, close) if closing_side(seed, start) > 0 else (close, close + 1)


def walk(candle: Candle, seed: int, prints: int, display: int, last: int) -> Iterator[Step]:
    """The steps of a bar, lazily and in order of time; the same for the same arguments.

    The first print is at the open, the last at the close, the highest and lowest at high and low, and their sizes
    add up to the volume. Between them the price is a random bridge. Every ask is at or above the low and every
    bid at or below the high. The bar leaves `closing_quote` behind, with `display` on both sides.

    Args:
        seed: of the contract.
        prints: how many prints to aim at; there are never more than contracts traded.
        display: typical size shown at the best price.
        last: the last price before the bar.
    """
    rng = Random(seed ^ candle.start)  # noqa: S311 - a market, not a secret
    random = rng.random
    prices = _prices(candle, prints, rng)
    count = len(prices)
    left, previous = candle.volume, last
    bid, ask = candle.low - 2, candle.high + 2
    time = _next_time(candle.start, candle.end, count, random())
    for index, price in enumerate(prices):
        waiting = count - index
        if waiting == 1:
            side = closing_side(seed, candle.start)
            size = left
        else:
            side = _side(price, previous, bid, ask, random())
            size = _share(left, waiting, random())
        if (bid if side < 0 else ask) != price or (waiting == 1 and ask - bid != 1):
            spread = 2 if waiting > 1 and random() < _WIDE else 1
            bid, ask = (price - spread, price) if side > 0 else (price, price + spread)
        if waiting > 1:
            bid_size, ask_size = _shown(display, random()), _shown(display, random())
        else:
            bid_size = ask_size = display
        yield time, bid, ask, bid_size, ask_size, previous, 0, 0
        yield time, bid, ask, bid_size, ask_size, price, size, side
        left -= size
        previous = price
        if waiting > 1:
            after = _next_time(time, candle.end, waiting - 1, random())
            if random() < _IDLE_QUOTE:
                between = time + int((after - time) * random())
                bid_size, ask_size = _shown(display, random()), _shown(display, random())
                yield between - between % _MILLISECOND, bid, ask, bid_size, ask_size, price, 0, 0
            time = after


def _prices(candle: Candle, prints: int, rng: Random) -> list[int]:
    """The price of every print: open, both extremes and close in their places, a noisy bridge between them."""
    low, high, close = candle.low, candle.high, candle.close
    falls_first = rng.random() < (0.7 if close >= candle.open else 0.3)
    turns = [candle.open, low, high, close] if falls_first else [candle.open, high, low, close]
    corners = [turns[0], *(price for before, price in pairwise(turns) if price != before)]
    count = max(len(corners), min(prints, candle.volume))
    if len(corners) == 1:
        return corners * count
    inner = sorted(rng.sample(range(1, count - 1), len(corners) - 2))
    noise = max(0.3, (high - low) / (1.6 * sqrt(count)))
    random = rng.random
    prices = [candle.open]
    for (left, price), (right, target) in pairwise(zip([0, *inner, count - 1], corners, strict=True)):
        level = float(price)
        for steps_left in range(right - left, 1, -1):
            level += (target - level) / steps_left + noise * 2 * (random() + random() + random() - 1.5)
            prices.append(min(high, max(low, round(level + random() - 0.5))))
        prices.append(target)
    return prices


def _side(price: int, previous: int, bid: int, ask: int, chance: float) -> int:
    """Who was the aggressor of a print: where the quote stands says it, else the direction of the price."""
    if price == ask:
        return 1
    if price == bid:
        return -1
    if price != previous:
        return 1 if price > previous else -1
    return 1 if chance < 0.5 else -1


def _next_time(time: int, end: int, waiting: int, chance: float) -> int:
    """When the first of `waiting` prints comes that are spread evenly at random over [time, end)."""
    after = time + int((end - time) * (1.0 - chance ** (1.0 / waiting)))
    return after - after % _MILLISECOND


def _share(volume: int, waiting: int, chance: float) -> int:
    """Size of a print: random around an even share of what is left, at least one lot for each print to come."""
    if volume <= waiting:
        return 1 if volume > 0 else 0
    wanted = int(volume / waiting * 2.0 * chance) or 1
    return min(wanted, volume - waiting + 1)


def _shown(display: int, chance: float) -> int:
    """A displayed size around the typical one."""
    return 1 + int(display * 2.0 * chance * chance)
