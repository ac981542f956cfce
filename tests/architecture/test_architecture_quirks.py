"""Every quirk of the gateway that the reference numbers has a test that bears its number."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
QUIRKS = 33


def numbers() -> dict[int, list[str]]:
    """Names of the tests of each quirk."""
    found: dict[int, list[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
                "test_quirk_"
            ):
                found.setdefault(int(node.name.split("_")[2]), []).append(node.name)
    return found


def test_every_quirk_has_a_test_named_after_it() -> None:
    assert sorted(numbers()) == list(range(1, QUIRKS + 1))


def test_the_names_say_what_the_quirk_is() -> None:
    short = [name for names in numbers().values() for name in names if len(name.split("_")) < 6]
    assert short == []
