"""Depth around a quote: sizes shown at ten levels per side, as a pure function of seed, price and time."""

from typing import Final

from tradeconsole.exchange.path import Step

LEVELS: Final = 10
_REFRESH: Final = 3  # seconds that a level keeps its size

Level = tuple[int, int]
"""price in ticks, displayed size"""


def ladder(seed: int, step: Step, display: int) -> tuple[list[Level], list[Level]]:
    """Bids and asks, best first. The best level shows what the quote shows; deeper ones hold more."""
    time, bid, ask, bid_size, ask_size = step[:5]
    second = time // 1_000_000
    bids = [(bid, bid_size)]
    asks = [(ask, ask_size)]
    for depth in range(1, LEVELS):
        scale = display * (2 + min(depth, 4))
        bids.append((bid - depth, _size(seed, bid - depth, second, scale)))
        asks.append((ask + depth, _size(seed, ask + depth, second, scale)))
    return bids, asks


def _size(seed: int, price: int, second: int, scale: int) -> int:
    epoch = (second + price * 7) // _REFRESH
    mixed = (seed ^ price * 0x9E3779B1 ^ epoch * 0x85EBCA6B) & 0xFFFFFFFF
    mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
    return 1 + (scale * (128 + (mixed >> 16 & 0xFF)) >> 9)
