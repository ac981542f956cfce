"""Arming, switching accounts, comparing with the broker."""

from collections.abc import Iterable

import msgspec

from tradeconsole.actions import Danger
from tradeconsole.domain.commands import Arm, Disarm, Reconcile
from tradeconsole.tui.confirmation import danger_of_arming
from tradeconsole.tui.desk import Desk
from tradeconsole.tui.dialogs.confirm import Confirm, Question
from tradeconsole.tui.dialogs.typed_word import TypedWord
from tradeconsole.tui.flows.wording import ready, second_key
from tradeconsole.tui.render.numbers import money, signed_size
from tradeconsole.views.models import AccountChoice, PositionRow


async def arm(desk: Desk) -> None:
    """Disarming is at once; arming asks, and asks accounts with real money for their name."""
    header = ready(desk)
    if header is None or header.account is None:
        return
    account = header.account
    if header.armed:
        await desk.send(Disarm(account.account_id))
        return
    phrase = await _allowed(desk, account, bare=_unprotected(desk.picture.positions or ()))
    if phrase is not None:
        await desk.send(Arm(account.account_id, phrase))


def _unprotected(positions: Iterable[PositionRow]) -> list[str]:
    """What whoever arms has to know of: contracts without a stop."""
    return [
        f"UNPROTECTED: {signed_size(row.size)} {row.name}, {bare} without a stop."
        for row in positions
        if (bare := abs(row.size) - row.protected) > 0
    ]


async def _allowed(desk: Desk, account: AccountChoice, bare: list[str]) -> str | None:
    facts = [f"{account.kind.upper()} account {account.name}, balance {money(account.balance)}.",
             "Orders that add risk will be sent as soon as they are confirmed.", *bare]  # fmt: skip
    quiet = desk.appearance.quiet
    if danger_of_arming(account.kind) is Danger.TYPED:
        return await desk.ask(TypedWord(f"Arm {account.name}", "\n".join(facts), account.name, quiet))
    question = Question(
        title=f"Arm {account.name}",
        facts=facts,
        verb="Arm",
        key=second_key(desk, "account.arm"),
    )
    return "" if await desk.ask(Confirm(question, quiet)) else None


async def next_account(desk: Desk) -> None:
    """Disarm here, then look at the next account."""
    header = ready(desk)
    if header is None or header.account is None:
        return
    ids = [choice.account_id for choice in header.accounts]
    if len(ids) < 2:
        desk.say(f"{header.account.name} is the only account of {header.broker}.")
        return
    at = ids.index(header.account.account_id) if header.account.account_id in ids else -1
    chosen = header.accounts[(at + 1) % len(ids)]
    if header.armed:
        await desk.send(Disarm(header.account.account_id))
    desk.select_order(None)
    desk.look_at(msgspec.structs.replace(desk.watching, account_id=chosen.account_id))
    desk.say(f"Account {chosen.name} ({chosen.kind}), disarmed.")


async def reconcile(desk: Desk) -> None:
    if ready(desk) is not None:
        await desk.send(Reconcile())
