"""The `snapshot` fixture; `pytest tests/snapshot --snapshot-update` stores the pictures as they are now."""

from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from pictures import Before, Snapshot, picture, screen_strips
from textual.app import App
from textual.widgets import Input

STORE = Path(__file__).parent / "__snapshots__"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="store the pictures as they are now")


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    """Compares apps with `__snapshots__/<module>/<test>-<size>.txt`."""
    update = bool(request.config.getoption("--snapshot-update", default=False))

    async def compare(
        app: App[Any], size: tuple[int, int], *, press: tuple[str, ...] = (), before: Before | None = None
    ) -> None:
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            if press:
                await pilot.press(*press)
            if before is not None:
                await before(pilot)
            for field in app.screen.query(Input):
                field.cursor_blink = False
            await pilot.pause()
            actual = picture(screen_strips(app))
        path = STORE / request.path.stem / f"{request.node.name}-{size[0]}x{size[1]}.txt"
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, "utf-8")
        assert path.exists(), (
            f"no picture stored for {path.name}: look at it, then run with --snapshot-update"
        )
        expected = path.read_text("utf-8")
        if actual != expected:
            lines = unified_diff(
                expected.splitlines(), actual.splitlines(), "stored", "now", lineterm="", n=1
            )
            pytest.fail(f"{path.name} changed:\n" + "\n".join(lines), pytrace=False)

    return compare
