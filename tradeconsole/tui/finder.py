"""The command palette: every action of the current screen by name."""

from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tradeconsole.actions import Action, offered_on
from tradeconsole.tui.keys import danger_mark, show_key
from tradeconsole.tui.screens.console import ConsoleScreen


class Performer(Protocol):
    """An app that carries out actions by id."""

    def action_perform(self, action_id: str) -> None: ...


class ActionFinder(Provider):
    """Offers the actions of the screen that the palette was opened on."""

    async def discover(self) -> Hits:
        for action in self._offered():
            yield DiscoveryHit(_name(action), self._run(action), help=action.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._offered():
            name = _name(action)
            score = matcher.match(f"{name} {action.help}")
            if score > 0:
                yield Hit(score, matcher.highlight(name), self._run(action), help=action.help)

    def _offered(self) -> tuple[Action, ...]:
        screen = self.screen
        if not isinstance(screen, ConsoleScreen):
            return ()
        return tuple(action for action in offered_on(screen.WHERE) if action.id != "app.palette")

    def _run(self, action: Action) -> partial[None]:
        return partial(cast(Performer, self.app).action_perform, action.id)


def _name(action: Action) -> str:
    return f"{danger_mark(action.danger)}{action.label}  [{show_key(action.keys[0])}]"
