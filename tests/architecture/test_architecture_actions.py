"""Every action of the table can be reached: by a key, and by the verb that it names."""

import typer.main

from tradeconsole.actions import ACTIONS, BY_ID, Danger, Scope
from tradeconsole.cli.app import app


def test_ids_are_unique_and_every_action_has_key_label_and_help() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert [
        action.id for action in ACTIONS if not (action.keys and action.label and action.help and action.where)
    ] == []


def verbs() -> dict[str, set[str]]:
    """Verb → its options, for all verbs of the command."""
    found: dict[str, set[str]] = {}

    def visit(command: object, words: tuple[str, ...]) -> None:
        children = getattr(command, "commands", {})
        for name, child in children.items():
            visit(child, (*words, name))
        if words and not children:
            found[" ".join(words)] = {option for p in getattr(command, "params", ()) for option in p.opts}

    visit(typer.main.get_command(app), ())
    return found


def test_every_verb_that_an_action_names_exists_with_its_options() -> None:
    known = verbs()
    for action in ACTIONS:
        if action.cli is None:
            continue
        words = action.cli.split()
        options = {word for word in words if word.startswith("--")}
        verb = " ".join(word for word in words if word not in options)
        assert verb in known, f"{action.id} names the verb '{verb}'"
        assert options <= known[verb], f"{action.id} names options of '{verb}'"


def test_what_touches_orders_needs_the_scope_to_trade() -> None:
    careless = [
        action.id
        for action in ACTIONS
        if action.id.startswith(("order.", "position."))
        and action.danger > Danger.NONE
        and action.scope is not Scope.TRADE
    ]
    assert careless == []


def test_what_adds_risk_needs_a_second_key() -> None:
    for action_id in ("order.buy", "order.sell", "account.arm"):
        assert BY_ID[action_id].danger >= Danger.TWO_KEYS
