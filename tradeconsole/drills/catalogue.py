"""Every drill, by theme, in the order in which they are played."""

from difflib import get_close_matches
from typing import Final

from tradeconsole.drills.drill import Drill
from tradeconsole.drills.storms import answers, disorder, kills, links, mixture, venue
from tradeconsole.errors import ConfigError

ALL: Final = "all"

THEMES: Final[dict[str, tuple[Drill, ...]]] = {
    "links": links.DRILLS,
    "answers": answers.DRILLS,
    "disorder": disorder.DRILLS,
    "venue": venue.DRILLS,
    "machine": kills.DRILLS,
    "by lot": mixture.DRILLS,
}


def drills_named(name: str) -> tuple[Drill, ...]:
    """The drill of that name, or all of them.

    Raises:
        ConfigError: there is none; the message names the nearest.
    """
    known = {drill.name: drill for drills in THEMES.values() for drill in drills}
    if name == ALL:
        return tuple(known.values())
    if name in known:
        return (known[name],)
    near = get_close_matches(name, [*known, ALL], n=1, cutoff=0.3)
    meant = f"did you mean {near[0]}?" if near else "`tradeconsole drill list` names them"
    raise ConfigError(f"there is no drill '{name}': {meant}")
