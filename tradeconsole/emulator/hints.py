"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for an error message: the known word that is nearest, or all of them."""
    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"expected {', '.join(words)}" if words else "none is taken"
