"""Key bindings from the table of actions: one source for what a key does, how it is shown and how it is remapped."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from textual.binding import Binding
from textual.keys import format_key

from tradeconsole.actions import ACTIONS, BY_ID, Action, Danger, Where, offered_on
from tradeconsole.errors import ConfigError

PANIC: Final = "position.panic"

SCREENS: Final = (Where.DASHBOARD, Where.TRADE, Where.CHART)

_SYMBOLS: Final = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "end": "End",
    "home": "Home",
    "enter": "Enter",
    "escape": "Esc",
    "delete": "Del",
    "tab": "Tab",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
}

_MODIFIERS: Final = {"ctrl": "^", "shift": "⇧", "alt": "⌥"}

_DANGER_MARKS: Final = {Danger.NONE: "", Danger.ONE_KEY: "!", Danger.TWO_KEYS: "▲", Danger.TYPED: "■"}

DANGER_WORDS: Final = {
    Danger.NONE: "at once",
    Danger.ONE_KEY: "one key",
    Danger.TWO_KEYS: "asks for a second key",
    Danger.TYPED: "asks for a typed word",
}


def danger_mark(danger: Danger) -> str:
    """The symbol that goes with a danger level's colour; empty for harmless actions."""
    return _DANGER_MARKS[danger]


def show_key(key: str) -> str:
    """A Textual key name as a trader reads it: `ctrl+x` is `^x`, `shift+up` is `⇧↑`."""
    *modifiers, name = key.split("+")
    prefix = "".join(_MODIFIERS.get(modifier, f"{modifier}+") for modifier in modifiers)
    return prefix + (_SYMBOLS.get(name) or format_key(name))


def keys_of(action: Action, remap: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The keys of an action after the user's own choices."""
    return remap.get(action.id, action.keys)


def binding(action: Action) -> Binding:
    """The Textual binding of an action; panic alone outranks inputs and dialogs."""
    return Binding(
        ",".join(action.keys),
        f"app.perform('{action.id}')",
        action.label,
        show=False,
        priority=action.id == PANIC,
        id=action.id,
    )


def bindings_on(where: Where) -> list[Binding]:
    """Bindings of the actions that belong to one screen; `EVERYWHERE` gives those of the whole app."""
    return [binding(action) for action in ACTIONS if where in action.where]


def bindings_of(ids: Iterable[str]) -> list[Binding]:
    """Bindings of chosen actions, for dialogs that let some of them through."""
    return [binding(BY_ID[action_id]) for action_id in ids]


def key_map(remap: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The user's keys as a Textual keymap.

    Raises:
        ConfigError: an unknown action, an action left without a key that must have one, or a key that would
            do two things on one screen.
    """
    for action_id, keys in remap.items():
        if action_id not in BY_ID:
            near = get_close_matches(action_id, BY_ID, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ConfigError(f"interface.keys: there is no action '{action_id}'{hint}")
        if not keys:
            raise ConfigError(f"interface.keys.{action_id}: needs at least one key")
    for screen, key, first, second in clashes(remap):
        raise ConfigError(
            f"interface.keys: '{key}' is bound to both {first} and {second} on the {screen} screen"
        )
    return {action_id: ",".join(keys) for action_id, keys in remap.items()}


def clashes(remap: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[Where, str, str, str]]:
    """Every key that would do two things on one screen: screen, key and the two action ids."""
    for screen in SCREENS:
        owner: dict[str, str] = {}
        for action in offered_on(screen):
            for key in keys_of(action, remap):
                if owner.setdefault(key, action.id) != action.id:
                    yield screen, key, owner[key], action.id


def confirm_key(opened_by: Iterable[str]) -> str:
    """A key that confirms, different from every key that may have opened the question."""
    taken = set(opened_by)
    return next(key for key in ("y", "o", "c") if key not in taken)
