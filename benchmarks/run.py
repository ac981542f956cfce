"""Run every benchmark, one after the other, and print all figures in one table; arguments choose scripts by name."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
from reporting import FIGURES_FILE, Figure, machine, table

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Exit code 0 if every script ran; a missed budget is told, not an error."""
    scripts = [
        path for path in sorted(HERE.glob("bench_*.py")) if not wanted or any(w in path.stem for w in wanted)
    ]
    failed = []
    with tempfile.TemporaryDirectory(prefix="tradeconsole-bench-") as folder:
        figures_file = Path(folder) / "figures"
        figures_file.touch()
        for script in scripts:
            done = subprocess.run(
                [sys.executable, str(script)],
                env={**os.environ, FIGURES_FILE: str(figures_file)},
                check=False,
            )
            if done.returncode:
                failed.append(script.name)
        figures = [msgspec.json.decode(line, type=Figure) for line in figures_file.read_bytes().splitlines()]
    if figures:
        print(f"\n== All figures\n   machine: {machine()}")
        print(table(figures))
        missed = [figure.name for figure in figures if figure.holds is False]
        print(f"   {len(missed)} of {sum(f.budget is not None for f in figures)} budgets missed")
    for name in failed:
        print(f"   {name} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
