"""When a firm takes orders of accounts under a plan, product by product; pure."""

from datetime import datetime, timedelta
from typing import Final

from tradeconsole.exchange.account_rules import Boundary, is_window_closed, next_boundary
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.disturbances import Disturbances
from tradeconsole.exchange.records import VenueAccount
from tradeconsole.exchange.session_end import EndOf

_BEFORE_EARLY_CLOSE: Final = timedelta(minutes=2)
"""How long before the close of a product that closes before the firm's day its positions are closed (unverified)."""


class FirmHours:
    """The firm's day, shortened where a product or a holiday closes earlier, or by force."""

    def __init__(self, catalogue: Catalogue, disturbances: Disturbances, end_of: EndOf) -> None:
        self._catalogue = catalogue
        self._disturbances = disturbances
        self._end_of = end_of

    def are_over(self, account: VenueAccount, contract_id: str, now: datetime) -> bool:
        """Whether no order is taken: by force, or for accounts under a plan by the clock."""
        if self._disturbances.closed:
            return True
        if account.plan is None:
            return False
        early = self.early_close(contract_id, now)
        return is_window_closed(now) or (early is not None and now >= early)

    def early_close(self, contract_id: str, now: datetime) -> datetime | None:
        """When positions must be gone because their product's session ends before the firm's day; None: it does not."""
        end = self._end_of(self._catalogue.known(contract_id).product.group, now)
        moment, boundary = next_boundary(now)
        if end is None or boundary is not Boundary.FLATTEN or end > moment:
            return None
        return end - _BEFORE_EARLY_CLOSE
