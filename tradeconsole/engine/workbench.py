"""The user's set-up over restarts: the account last used, and what was put on the watchlist or taken off it."""

from tradeconsole.domain.events import WorkspaceChanged
from tradeconsole.domain.workspace import Workspace
from tradeconsole.engine.bus import Bus


class Workbench:
    """Keeps the workspace; every change is told, and written down by the recorder."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.kept = Workspace()
        self.is_known = False
        """Whether it was remembered yet, so that the account to begin with is decided."""
        self.account_id: str | None = None
        """The account to begin with. Memory that comes late does not change it under the user's hands."""

        self.in_view: str | None = None
        """The account that the user has chosen in this session."""

    def remember(self, kept: Workspace) -> None:
        """Take up the workspace as it was left, under all that was changed since."""
        if not self.is_known:
            self.account_id = kept.account_id
        self.is_known = True
        self.kept = self.kept.over(kept)

    def use_account(self, account_id: str) -> None:
        """This account is in view now; the next time it is begun with."""
        self.in_view = account_id
        self._change(self.kept.using(account_id))

    def watch(self, symbol: str, *, configured: bool) -> None:
        """Show a symbol from now on; `configured` says that the settings show it anyway."""
        self._change(self.kept.watching(symbol, configured=configured))

    def ignore(self, symbol: str, *, configured: bool) -> None:
        """Do not show a symbol any more."""
        self._change(self.kept.ignoring(symbol, configured=configured))

    def _change(self, workspace: Workspace) -> None:
        if workspace != self.kept:
            self.kept = workspace
            self._bus.publish(WorkspaceChanged(workspace))
