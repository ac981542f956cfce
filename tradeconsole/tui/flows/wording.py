"""Sentences and checks that several flows share."""

from tradeconsole.actions import BY_ID
from tradeconsole.tui.desk import Desk
from tradeconsole.tui.keys import confirm_key, keys_of, show_key
from tradeconsole.views.models import HeaderView


def ready(desk: Desk) -> HeaderView | None:
    """The header once the engine talks to us; otherwise says why nothing can be done yet."""
    if desk.live_session is None:
        desk.say("The engine is not connected; nothing was sent.", "warning")
        return None
    header = desk.picture.header
    if header is None or header.account is None:
        desk.say("No account yet; the broker is still connecting.", "warning")
        return None
    return header


def second_key(desk: Desk, *action_ids: str) -> str:
    """The key that confirms what one of these actions asked."""
    opened = [key for action_id in action_ids for key in keys_of(BY_ID[action_id], desk.appearance.keys)]
    return confirm_key(opened)


def key_for(desk: Desk, action_id: str) -> str:
    """The key to name in a sentence."""
    return show_key(keys_of(BY_ID[action_id], desk.appearance.keys)[0])


def stakes(header: HeaderView) -> str:
    """Whose money a question is about: `LIVE account 50KTC-123`."""
    account = header.account
    return f"{account.kind.upper()} account {account.name}" if account is not None else "no account"
