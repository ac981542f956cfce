"""The watchlist: what settings and workspace have on it, streamed; the user's changes last over restarts."""

from collections.abc import Callable, Iterable
from typing import Final

from tradeconsole.domain.instruments import Instrument
from tradeconsole.engine.connection import Connection
from tradeconsole.engine.workbench import Workbench

Want = Callable[[str, Iterable[str]], None]
"""Replaces what one owner wants streamed."""

_OWNER: Final = "watchlist"


class Watchlist:
    """Instrument ids in the order shown, `configured` ones first; `want` has them streamed."""

    def __init__(
        self, configured: tuple[str, ...], workbench: Workbench, connection: Connection, want: Want
    ) -> None:
        self.ids: list[str] = []
        self._configured = configured
        self._workbench = workbench
        self._connection = connection
        self._want = want

    async def load(self) -> None:
        """Show what is configured and was added, however long it takes to resolve it."""
        symbols = (*self._configured, *self._workbench.kept.added)
        await self._connection.resolve_all(symbols, self._show_unless_removed)

    def add(self, instrument: Instrument) -> None:
        """Show an instrument, at later starts too."""
        self._workbench.watch(instrument.symbol, configured=self._is_configured(instrument))
        self._show(instrument)

    def remove(self, instrument: Instrument) -> None:
        """Do not show an instrument any more, nor at later starts."""
        self._workbench.ignore(instrument.symbol, configured=self._is_configured(instrument))
        if instrument.instrument_id in self.ids:
            self.ids.remove(instrument.instrument_id)
        self._want(_OWNER, self.ids)

    def replace(self, old: Instrument, new: Instrument) -> bool:
        """Put the second instrument into the place of the first; whether the first was there."""
        if old.instrument_id not in self.ids:
            return False
        place = self.ids.index(old.instrument_id)
        if new.instrument_id in self.ids:
            del self.ids[place]
        else:
            self.ids[place] = new.instrument_id
        self._want(_OWNER, self.ids)
        return True

    def _is_configured(self, instrument: Instrument) -> bool:
        return not {instrument.symbol, instrument.name}.isdisjoint(map(str.upper, self._configured))

    def _show_unless_removed(self, instrument: Instrument) -> None:
        if instrument.symbol not in self._workbench.kept.removed:
            self._show(instrument)

    def _show(self, instrument: Instrument) -> None:
        if instrument.instrument_id not in self.ids:
            self.ids.append(instrument.instrument_id)
        self._want(_OWNER, self.ids)
