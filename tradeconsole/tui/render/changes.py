"""Which lines of a picture have to be painted again."""

from collections.abc import Iterable, Mapping

from textual.strip import Strip


def changed_spans(before: Mapping[int, Strip], after: Mapping[int, Strip]) -> list[tuple[int, int]]:
    """Stretches of lines in `after` that differ from `before`: first line and number of lines."""
    return _spans(line for line, strip in after.items() if before.get(line) != strip)


def _spans(lines: Iterable[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for line in sorted(lines):
        if spans and sum(spans[-1]) == line:
            spans[-1] = spans[-1][0], spans[-1][1] + 1
        else:
            spans.append((line, 1))
    return spans
