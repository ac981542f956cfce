"""Arithmetic of spans of time. Pure."""

from collections.abc import Iterable
from datetime import datetime

from tradeconsole.domain.market import Span


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans with touching and overlapping ones joined."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        elif span.start < span.end:
            joined.append(span)
    return joined


def missing(wanted: Span, covered: Iterable[Span]) -> list[Span]:
    """The parts of `wanted` that no covered span holds, oldest first."""
    gaps: list[Span] = []
    cursor: datetime = wanted.start
    for span in merged(covered):
        if span.end <= cursor:
            continue
        if span.start >= wanted.end:
            break
        if span.start > cursor:
            gaps.append(Span(cursor, span.start))
        cursor = max(cursor, span.end)
    if cursor < wanted.end:
        gaps.append(Span(cursor, wanted.end))
    return gaps
