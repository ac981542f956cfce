"""The error tree is complete: drawn in its docstring, and with an exit code for every class."""

import re

from tradeconsole import errors
from tradeconsole.errors import TradeConsoleError


def classes(root: type[TradeConsoleError] = TradeConsoleError) -> list[type[TradeConsoleError]]:
    return [root, *(found for child in root.__subclasses__() for found in classes(child))]


def drawn() -> dict[str, str | None]:
    """Class → parent, as the docstring of the module draws the tree."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([│├└─ ]*)([A-Z]\w+)(?:\s{2,}|$)", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        parents[match[2]] = path[depth - 1] if depth else None
        path[depth:] = [match[2]]
    return parents


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    real = {
        found.__name__: None if found is TradeConsoleError else found.__bases__[0].__name__
        for found in classes()
        if found.__module__ == errors.__name__
    }
    assert drawn() == real


def test_every_error_lives_in_the_tree_module_or_is_private_to_its_own() -> None:
    strays = [found for found in classes() if found.__module__ != errors.__name__]
    assert all(found.__bases__[0] is not TradeConsoleError for found in strays), strays


def test_every_error_ends_the_command_with_a_code_of_its_own_kind() -> None:
    codes = {found.__name__: found.exit_code for found in classes()}
    assert all(1 <= code < 64 for code in codes.values())
    assert codes["ConfigError"] == 2
    assert codes["InvalidRequest"] == codes["RiskDenied"] == codes["BrokerRejected"] == 3
    assert codes["AuthenticationFailed"] != codes["BrokerUnavailable"]
    assert codes["OrderInDoubt"] not in {code for name, code in codes.items() if name != "OrderInDoubt"}


def test_every_error_explains_itself() -> None:
    assert [found.__name__ for found in classes() if not found.__doc__] == []
