"""What a user has set up at the console beyond the settings, so that the next start begins with it."""

import msgspec


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """One broker's account last used, and how its watchlist differs from that of the settings.

    Symbols are products (`ES`), so that they mean the active contract of the day. What is not named is as it was
    before: a workspace that was changed before the earlier one could be read goes `over` that.
    """

    account_id: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    """Symbols that are as the settings have them, whatever an earlier workspace says of them."""

    @property
    def named(self) -> tuple[str, ...]:
        """Symbols of which it says how they are."""
        return self.added + self.removed + self.undone

    def over(self, earlier: "Workspace") -> "Workspace":
        """An earlier workspace with all that this one says of account and symbols."""
        return Workspace(
            account_id=self.account_id or earlier.account_id,
            added=_without(earlier.added, *self.named) + self.added,
            removed=_without(earlier.removed, *self.named) + self.removed,
            undone=_without(earlier.undone, *self.named) + self.undone,
        )

    def using(self, account_id: str) -> "Workspace":
        """With an account to begin with."""
        return msgspec.structs.replace(self, account_id=account_id)

    def watching(self, symbol: str, *, configured: bool) -> "Workspace":
        """With a symbol on the watchlist; `configured` says that the settings have it there anyway."""
        change = Workspace(undone=(symbol,)) if configured else Workspace(added=(symbol,))
        return change.over(self)

    def ignoring(self, symbol: str, *, configured: bool) -> "Workspace":
        """With a symbol off the watchlist."""
        change = Workspace(removed=(symbol,)) if configured else Workspace(undone=(symbol,))
        return change.over(self)


def _without(symbols: tuple[str, ...], *others: str) -> tuple[str, ...]:
    return tuple(symbol for symbol in symbols if symbol not in others)
