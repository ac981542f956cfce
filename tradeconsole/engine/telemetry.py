"""Latency per stage, cache hits and loop lag, kept cheaply enough to be always on."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

_PER_DECADE: Final = 20
_LOWEST: Final = 1e-6
_BUCKETS: Final = 7 * _PER_DECADE


class StageStats(msgspec.Struct, frozen=True):
    """Seconds; quantiles are exact to the bucket width of 12 %."""

    stage: str
    count: int
    p50: float
    p99: float
    max: float


class Histogram:
    """Counts durations from 1 µs to 10 s in logarithmic buckets."""

    __slots__ = ("_bounds", "_counts", "count", "max")

    def __init__(self) -> None:
        self._counts = [0] * (_BUCKETS + 1)
        self._bounds = [_LOWEST * 10 ** (i / _PER_DECADE) for i in range(_BUCKETS + 1)]
        self.count = 0
        self.max = 0.0

    def record(self, seconds: float) -> None:
        self._counts[bisect_left(self._bounds, seconds, 0, _BUCKETS)] += 1
        self.count += 1
        self.max = max(self.max, seconds)

    def quantile(self, share: float) -> float:
        """Upper bound of the bucket below which `share` of the durations lie; 0 when there are none."""
        wanted, seen = share * self.count, 0
        for bound, count in zip(self._bounds, self._counts, strict=True):
            seen += count
            if count and seen >= wanted:
                return min(bound, self.max)
        return 0.0


class Telemetry:
    """Named histograms and counters."""

    def __init__(self) -> None:
        self._stages: dict[str, Histogram] = {}
        self.counters: dict[str, int] = {}
        self.loop_lag = 0.0

    def observe(self, stage: str, seconds: float) -> None:
        histogram = self._stages.get(stage)
        if histogram is None:
            histogram = self._stages[stage] = Histogram()
        histogram.record(seconds)

    def count(self, name: str, by: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + by

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Record how long the block took, whether it succeeded or not."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.observe(stage, time.perf_counter() - start)

    def stages(self) -> tuple[StageStats, ...]:
        return tuple(
            StageStats(name, h.count, h.quantile(0.5), h.quantile(0.99), h.max)
            for name, h in self._stages.items()
        )
