"""What the adapter takes on trust is listed, and the list is about code that exists."""

import importlib
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIST = ROOT / "tradeconsole" / "brokers" / "projectx" / "unverified.toml"
MARK = "unverified"


def facts() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = tomllib.loads(LIST.read_text(encoding="utf-8"))["fact"]
    return listed


def test_every_fact_says_where_it_matters_and_what_happens_if_it_is_wrong() -> None:
    for fact in facts():
        assert set(fact) == {"fact", "section", "where", "if_wrong"}
        assert all(fact.values()), fact
        module, name = fact["where"].split(":")
        assert hasattr(importlib.import_module(module), name), fact["where"]


def test_every_module_that_marks_a_fact_as_unverified_is_in_the_list() -> None:
    listed = {fact["where"].split(":")[0] for fact in facts()}
    marked = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in ("brokers", "engine")
        for path in (ROOT / "tradeconsole" / folder).rglob("*.py")
        if MARK in path.read_text(encoding="utf-8")
    }
    assert marked - listed == set()
