"""Budgets and habits of the code, measured on its syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tradeconsole"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 80
VAGUE_NAMES = {"base", "common", "helpers", "manager", "managers", "misc", "util", "utils"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_something_to_measure() -> None:
    assert len(MODULES) > 50


def test_modules_fit_their_budget() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}


def test_functions_fit_their_budget() -> None:
    too_long = {
        f"{name_of(path)}:{function.name}": length
        for path in MODULES
        for function in functions_of(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES
    }
    assert too_long == {}


def test_every_module_says_in_one_sentence_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in MODULES
        if path.name != "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_package_files_are_empty() -> None:
    filled = [name_of(path) for path in MODULES if path.name == "__init__.py" and path.read_text().strip()]
    assert filled == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    parts = {name_of(path): set(path.relative_to(PACKAGE).with_suffix("").parts) for path in MODULES}
    assert [name for name, words in parts.items() if words & VAGUE_NAMES] == []


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME", "X" * 3 + " "])
def test_nothing_is_left_for_later(mark: str) -> None:
    assert [name_of(path) for path in MODULES if mark in path.read_text(encoding="utf-8")] == []


def test_nothing_stays_unimplemented() -> None:
    missing = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
    ]
    assert missing == []


def test_no_module_changes_its_globals() -> None:
    changed = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Global)
    ]
    assert changed == []


WALLS = {
    "cli/app.py",  # the edge of the process
    "drills/run.py",  # what breaks in a drill is its finding
    "engine/bus.py",  # one handler must not stop the others
    "engine/supervisor.py",  # one task must not stop the engine
}


def swallows_anything(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches everything and does not raise it again at its end."""
    names = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else set()
    )
    is_broad = handler.type is None or bool(names & {"Exception", "BaseException"})
    last = handler.body[-1]
    return is_broad and not (isinstance(last, ast.Raise) and last.exc is None)


def test_broad_excepts_stand_at_the_walls_only() -> None:
    found = {
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and swallows_anything(node)
    }
    assert found <= WALLS
