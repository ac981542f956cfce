"""Homes for the end-to-end tests: what they run is the installed command, and every process ends with its test."""

from collections.abc import Iterator

import pytest
from homes import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """A fresh user on a fresh machine."""
    with Home() as made:
        yield made


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Home]:
    """One user for all tests of a module that leave no trace or do not mind others' traces."""
    with Home() as made:
        yield made
