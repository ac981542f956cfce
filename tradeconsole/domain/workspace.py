"""What a user has set up at the console beyond the settings, so that the next start begins with it."""

import msgspec


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """One broker's account last used, and how its watchlist differs from that of the settings.

    Symbols are products (`ES`), so that they mean the active contract of the day.
    """

    account_id: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def using(self, account_id: str) -> "Workspace":
        """With an account to begin with."""
        return msgspec.structs.replace(self, account_id=account_id)

    def watching(self, symbol: str, *, configured: bool) -> "Workspace":
        """With a symbol on the watchlist; `configured` says that the settings have it there anyway."""
        added = () if configured else (symbol,)
        return msgspec.structs.replace(
            self, added=_without(self.added, symbol) + added, removed=_without(self.removed, symbol)
        )

    def ignoring(self, symbol: str, *, configured: bool) -> "Workspace":
        """With a symbol off the watchlist."""
        removed = (symbol,) if configured else ()
        return msgspec.structs.replace(
            self, added=_without(self.added, symbol), removed=_without(self.removed, symbol) + removed
        )


def _without(symbols: tuple[str, ...], symbol: str) -> tuple[str, ...]:
    return tuple(each for each in symbols if each != symbol)
