"""How benchmarks tell what they found: machine and method on screen, figures also for the table of `run.py`."""

import os
import platform
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

FIGURES_FILE: Final = "BENCH_FIGURES_FILE"
"""Environment variable with the file to which figures are appended, one JSON object a line."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number. `budget` is a most unless `at_least`; None where none was set."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the budget is kept; None without one."""
        if self.budget is None:
            return None
        return self.value >= self.budget if self.at_least else self.value <= self.budget


def report(title: str, method: str, figures: Sequence[Figure]) -> None:
    """Print what was measured, how and where, and hand the figures to whoever collects them."""
    print(f"\n== {title}")
    print(f"   machine: {machine()}")
    for line in method.strip().splitlines():
        print(f"   {line.strip()}")
    print(table(figures))
    if target := os.environ.get(FIGURES_FILE):
        with Path(target).open("ab") as file:
            file.writelines(msgspec.json.encode(figure) + b"\n" for figure in figures)


def table(figures: Sequence[Figure]) -> str:
    """Figures in columns: name, value, budget, verdict."""
    width = max(len(figure.name) for figure in figures)
    return "\n".join(
        f"   {figure.name.ljust(width)}  {_number(figure.value):>9} {figure.unit:<10}  {_verdict(figure)}".rstrip()
        for figure in figures
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """Processor, cores, load, Python."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {load}, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if platform.system() == "Darwin" else peak / 1024


def _processor() -> str:
    names = Path("/proc/cpuinfo")
    if names.exists():
        for line in names.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _verdict(figure: Figure) -> str:
    if figure.budget is None:
        return ""
    relation = "≥" if figure.at_least else "≤"
    return f"budget {relation} {_number(figure.budget)} {'✓' if figure.holds else '✗ MISSED'}"


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
