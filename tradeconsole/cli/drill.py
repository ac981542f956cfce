"""Verbs of the drills: drill list, drill run."""

import asyncio
import secrets
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradeconsole.cli.invocation import EPILOG, Invocation, group, invocation
from tradeconsole.cli.output import encode
from tradeconsole.logs import logging_to
from tradeconsole.settings import find_folders

if TYPE_CHECKING:
    from rich.console import Console

    from tradeconsole.drills.drill import Drill, Report

EXIT_NOT_HELD: Final = 8
"""Something that must hold in a storm did not."""

_SEEDS: Final = 10_000
_STYLES: Final = {"storm": "yellow", "trader": "cyan", "desk": ""}

drill = group("Storms on a gateway of our own, and whether the desk holds.")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.add_typer(drill, name="drill")


@drill.command("list", epilog=EPILOG)
def list_drills(context: typer.Context) -> None:
    """List the drills by theme."""
    from tradeconsole.drills.catalogue import THEMES

    rows = [
        {"name": each.name, "theme": theme, "what": each.what, "bound_s": each.bound, "how": each.how}
        for theme, drills in THEMES.items()
        for each in drills
    ]
    invocation(context).show(rows, "no drills", columns=("name", "theme", "what", "bound_s"))


@drill.command("run", epilog=EPILOG)
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A drill of the list, or all.")],
    seed: Annotated[
        int | None, typer.Option(min=0, help="Fixes ids and what is drawn by lot; else one is drawn.")
    ] = None,
) -> int:
    """Run a drill, or all of them, and report what held.

    The real engine and adapter trade on a gateway emulator of their own while a scripted storm goes over them; nothing of yours is touched. The exit code is 0 if everything held and 8 if anything did not.
    """
    # brings in the engine and the server, which --help need not wait for
    from tradeconsole.drills.catalogue import ALL, drills_named

    call = invocation(context)
    drills = drills_named(name)
    chosen = secrets.randbelow(_SEEDS) if seed is None else seed
    with logging_to(find_folders().data / "log" / "drill.log"):
        reports = asyncio.run(_play(call, drills, chosen, brief=name == ALL))
    held = all(report.held for report in reports)
    if call.json:
        print(encode({"held": held, "seed": chosen, "drills": [_tree(report) for report in reports]}))
    elif len(reports) > 1:
        _print_total(reports)
    return 0 if held else EXIT_NOT_HELD


async def _play(call: Invocation, drills: Sequence["Drill"], seed: int, *, brief: bool) -> list["Report"]:
    """Play drills one after the other; each is told as soon as it is over."""
    from tradeconsole.drills.run import run_drill

    reports: list[Report] = []
    for each in drills:
        report = await run_drill(each, seed)
        reports.append(report)
        if call.json:
            continue
        if brief:
            _print_line(report)
        if not brief or not report.held:
            _print_report(report)
    return reports


# -- for programs ----------------------------------------------------------------------------------------------


def _tree(report: "Report") -> dict[str, Any]:
    return {
        "name": report.name,
        "what": report.what,
        "how": report.how,
        "seed": report.seed,
        "held": report.held,
        "seconds": round(report.seconds, 2),
        "bound_s": report.bound,
        "known_again_s": None if report.known_again is None else round(report.known_again, 3),
        "checks": [
            {"check": each.check, "held": each.held, "compared": each.compared} for each in report.checks
        ],
        "timeline": [{"ms": each.ms, "who": each.who, "what": each.what} for each in report.timeline],
        "replay": report.replay,
    }


# -- for people ------------------------------------------------------------------------------------------------


def _print_line(report: "Report") -> None:
    held = sum(each.held for each in report.checks)
    again = "never" if report.known_again is None else f"{report.known_again:.2f} s"
    print(
        f"{_verdict(report.held)}  {report.name:<20}  {held:>2}/{len(report.checks):<2} held   "
        f"known again {again:>7} of {report.bound:g} s   took {report.seconds:4.1f} s",
        flush=True,
    )


def _print_total(reports: Sequence["Report"]) -> None:
    failed = [report for report in reports if not report.held]
    seconds = sum(report.seconds for report in reports)
    print(f"{len(reports) - len(failed)} of {len(reports)} drills held, in {seconds:.0f} s")
    for report in failed:
        print(f"again: {report.replay}")


def _print_report(report: "Report") -> None:
    from rich.table import Table
    from rich.text import Text

    console = _console()
    console.print(Text(f"\n{report.name}: {report.what}", style="bold"))
    console.print(Text(f"{report.how}; seed {report.seed}; took {report.seconds:.1f} s"))
    checks = Table(box=None, pad_edge=False, show_header=False)
    checks.add_column(no_wrap=True)
    checks.add_column(no_wrap=True)
    checks.add_column(overflow="fold")
    for each in report.checks:
        style = "green" if each.held else "bold red"
        checks.add_row(Text(_verdict(each.held), style=style), Text(each.check), Text(each.compared))
    console.print(checks)
    timeline = Table(box=None, pad_edge=False, show_header=False)
    timeline.add_column(justify="right", no_wrap=True)
    timeline.add_column(no_wrap=True)
    timeline.add_column(overflow="fold")
    for moment in report.timeline:
        style = _STYLES[moment.who]
        timeline.add_row(f"t+{moment.ms:,} ms", Text(moment.who, style=style), Text(moment.what, style=style))
    console.print(timeline)
    verdict = "everything held" if report.held else "NOT EVERYTHING HELD"
    console.print(Text(verdict, style="bold green" if report.held else "bold red"))
    if not report.held:
        console.print(Text(f"again: {report.replay}"))
    sys.stdout.flush()


def _console() -> "Console":
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        # in a pipe nothing must be cut or folded to the width of a terminal that is not there
        console.width = 10_000
    return console


def _verdict(held: bool) -> str:
    return "ok  " if held else "FAIL"
