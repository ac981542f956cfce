"""Who keeps the brackets of an account: the broker, until it refuses to; then the engine, as long as it runs."""

from collections.abc import Callable, Iterable

from tradeconsole.domain.events import Severity
from tradeconsole.engine.notices import Notices


class Keepers:
    """Remembers which accounts take no brackets. `may_keep`: whether this engine runs on and may act."""

    def __init__(self, *, broker_does: bool, may_keep: Callable[[], bool], notices: Notices) -> None:
        self._broker_does = broker_does
        self._may_keep = may_keep
        self._notices = notices
        self._refused: set[str] = set()

    def is_engine(self, account_id: str) -> bool:
        """Whether entries of an account go out without their bracket, which the engine then keeps."""
        return self._may_keep() and (not self._broker_does or account_id in self._refused)

    def take_over(self, account_id: str) -> bool:
        """The broker refused a bracket: let the engine keep them from now on. False if it cannot."""
        if not self._may_keep():
            return False
        if account_id not in self._refused:
            self._refused.add(account_id)
            self._notices.raise_(
                Severity.WARNING,
                "This account does not take brackets",
                "the engine guards stop and target itself while it runs: keep the console open while in a position",
                account_id=account_id,
            )
        return True

    def remember(self, account_ids: Iterable[str]) -> None:
        """Accounts whose brackets the engine kept when it last ran, and still has to."""
        self._refused.update(account_ids)
