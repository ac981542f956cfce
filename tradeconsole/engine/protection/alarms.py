"""Tells the user of positions without the stop that they were promised, and does what the policy says about them."""

from collections.abc import Callable

from tradeconsole.domain.events import Severity
from tradeconsole.domain.notation import count
from tradeconsole.domain.orders import CancelBy, Order, OrderRole
from tradeconsole.engine.book import Book, Key
from tradeconsole.engine.flatten import Flattener
from tradeconsole.engine.notices import Notices
from tradeconsole.engine.protection.coverage import coverage
from tradeconsole.engine.protection.plan import Decisions, is_released, is_unexplained, lost
from tradeconsole.engine.protection.slices import Families, Slice, is_overtaken, turned
from tradeconsole.engine.protection.watch import Call, Exposure, Policy, ProtectionOptions, Watch, look

_NEXT = {
    Policy.ALERT: "place a stop, or get flat (f)",
    Policy.REPLACE: "the engine places another stop in {} s",
    Policy.FLATTEN: "the engine flattens in {} s",
}


class Alarms:
    """One watch per position. `may_act`: whether this console may change anything at the broker."""

    def __init__(
        self,
        *,
        book: Book,
        notices: Notices,
        flattener: Flattener,
        monotonic: Callable[[], float],
        options: ProtectionOptions,
        may_act: bool,
    ) -> None:
        self._book = book
        self._notices = notices
        self._flattener = flattener
        self._monotonic = monotonic
        self._options = options
        self._may_act = may_act
        self._watches: dict[Key, Watch] = {}
        self._replacing: set[Key] = set()
        self._turned: set[Key] = set()

    def replaces(self, key: Key) -> bool:
        """Whether the policy has come to placing lost stops of a position again."""
        return key in self._replacing

    def look(self, key: Key, families: Families, found: list[Slice], decisions: Decisions) -> None:
        """See how a position stands, and say or do what is due."""
        self._check_turned(key, families)
        kept = [each for each in found if each.wants_stop and not is_released(each)]
        missing = [order for each in kept if (order := lost(each, decisions)) is not None]
        position = self._book.position(*key)
        exposure = Exposure()
        if position is not None:
            stopped = coverage(self._book, position).stopped
            exposure = Exposure(
                size=position.size,
                promised=sum(each.high for each in kept),
                unexplained=sum(each.high for each in kept if is_unexplained(each)),
                stopped=stopped,
                lost=bool(missing),
            )
        watch, calls = look(self._watches.get(key, Watch()), exposure, self._monotonic(), self._options)
        self._watches[key] = watch
        if watch.unproven_since is None:
            self._replacing.discard(key)
        kept_here = all(each.by_engine for each in found if each.wants_stop)
        for call in calls:
            self._answer(call, key, exposure, missing, kept_here=kept_here)

    def gave_up(self, entry: Order, role: OrderRole) -> None:
        """No more legs of a kind are placed for an entry."""
        self._notices.raise_(
            Severity.ERROR,
            f"Gave up placing the {role} of {self._name(entry.instrument_id)}",
            "too many were refused within a minute; mend the cause, then reconcile (R) to try again",
            account_id=entry.account_id,
        )

    def cancel_lost(self, order: Order) -> None:
        """A cancel that was asked for has not reached the broker: the user believes the order gone."""
        if order.cancel_by is not CancelBy.HAND:
            return
        self._notices.raise_(
            Severity.WARNING,
            f"Not cancelled: {order.role} of {self._name(order.instrument_id)}",
            "the broker's records still show it: cancel it again if it should go",
            account_id=order.account_id,
        )

    def _answer(
        self, call: Call, key: Key, exposure: Exposure, missing: list[Order], *, kept_here: bool
    ) -> None:
        words = f"{'LONG' if exposure.size > 0 else 'SHORT'} {abs(exposure.size)} {self._name(key[1])}"
        match call:
            case Call.ALARM:
                detail = f"{_cause(exposure, missing)}; {self._following(exposure, kept_here=kept_here)}"
                self._tell(key, Severity.ERROR, f"UNPROTECTED: {words}", detail)
            case Call.RELIEVED:
                self._tell(key, Severity.SUCCESS, f"Protected again: {words}", "")
            case Call.MENTION:
                self._tell(
                    key, Severity.WARNING, f"No stop: {words}", "nothing limits the loss of this position"
                )
            case Call.WARN:
                detail = (
                    f"stops work for {exposure.stopped}: when one fills, the others would open a position"
                )
                self._tell(key, Severity.WARNING, f"More stops than contracts: {words}", detail)
            case Call.ACT if not self._may_act:
                self._tell(key, Severity.ERROR, f"Not mended: {words}", "this profile is read-only")
            case Call.ACT if self._options.policy is Policy.FLATTEN:
                self._tell(key, Severity.ERROR, f"Flattening {words}", "its stop could not be confirmed")
                self._flattener.start(*key)
            case Call.ACT if not kept_here:
                self._tell(
                    key,
                    Severity.ERROR,
                    f"Not mended: {words}",
                    "the engine replaces only stops that it keeps",
                )
            case Call.ACT:
                self._replacing.add(key)

    def _following(self, exposure: Exposure, *, kept_here: bool) -> str:
        """What happens next if nobody does anything."""
        policy = self._options.policy
        acts = self._may_act and exposure.is_owed and (policy is Policy.FLATTEN or kept_here)
        return _NEXT[policy if acts else Policy.ALERT].format(f"{self._options.act_after:.0f}")

    def _check_turned(self, key: Key, families: Families) -> None:
        contracts = turned(self._book, families, key)
        if not contracts:
            if self._book.position(*key) is None:
                self._turned.discard(key)
        elif key not in self._turned:
            self._turned.add(key)
            name, held = self._name(key[1]), f"{count(contracts, 'contract')} held the other way round"
            if self._may_act and is_overtaken(self._book, families, key):
                # such as a stop that the platform keeps itself: nobody has asked for what is held now
                self._tell(
                    key, Severity.ERROR, f"Closed twice: {name}", f"{held}: the engine flattens the position"
                )
            else:
                self._tell(
                    key,
                    Severity.ERROR,
                    f"Stop and target both filled: {name}",
                    f"{held}, without protection: close the position (f)",
                )

    def _tell(self, key: Key, severity: Severity, title: str, detail: str) -> None:
        self._notices.raise_(severity, title, detail, account_id=key[0])

    def _name(self, instrument_id: str) -> str:
        instrument = self._book.instruments.get(instrument_id)
        return instrument.name if instrument else instrument_id


def _cause(exposure: Exposure, missing: list[Order]) -> str:
    bare = exposure.promised - exposure.covered
    if exposure.unexplained:
        return f"the stop of {bare} of them was cancelled, by whom is not on record"
    if not missing:
        return f"{bare} of them have no confirmed stop"
    reason = f" ({missing[0].reason})" if missing[0].reason else ""
    return f"the stop of {bare} of them was {missing[0].status}{reason}"
