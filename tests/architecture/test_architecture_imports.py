"""Who imports whom: the contracts of pyproject.toml hold, and what must start fast loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_import_contract_holds() -> None:
    pytest.importorskip("importlinter")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as main; main()",
            "--no-cache",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


HEAVY = (
    "aiohttp",
    "asyncpg",
    "keyring",
    "rich",
    "starlette",
    "textual",
    "tradeconsole.bootstrap",
    "uvicorn",
)


@pytest.mark.parametrize("arguments", [["--help"], ["order", "--help"], ["--version"], ["config", "path"]])
def test_help_and_small_verbs_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from tradeconsole.cli.app import run_command\n"
        f"assert run_command({arguments!r}) == 0\n"
        f"print('loaded:', *(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    assert run_python(code).splitlines()[-1].split() == ["loaded:"]


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("tradeconsole.emulator.process", ("starlette", "uvicorn", "tradeconsole.exchange")),
        ("tradeconsole.emulator.options", ("starlette", "uvicorn")),
        ("tradeconsole.tui.app", ("asyncpg", "aiohttp", "tradeconsole.engine")),
        ("tradeconsole.bootstrap", ("starlette", "uvicorn", "textual")),
        ("tradeconsole.settings", ("keyring", "asyncio")),
    ],
)
def test_a_module_that_must_load_fast_leaves_the_rest_alone(module: str, unwanted: tuple[str, ...]) -> None:
    code = f"import sys, {module}\nprint('loaded:', *(name for name in {unwanted!r} if name in sys.modules))"
    assert run_python(code).split() == ["loaded:"]
