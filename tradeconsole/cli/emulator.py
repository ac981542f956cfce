"""Verbs of the simulated gateway: emulator, sim reset."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from tradeconsole.cli.invocation import EPILOG, invocation
from tradeconsole.cli.one_shot import logging_for
from tradeconsole.logs import logging_to
from tradeconsole.settings import find_folders

sim = typer.Typer(help="The simulated accounts of this machine.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.command("emulator", epilog=EPILOG)(emulator)
    app.add_typer(sim, name="sim")


def emulator(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Fixes the market and every id.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder that keeps everything over restarts.")] = None,
    calendar: Annotated[
        Literal["continuous", "cme"], typer.Option(help="When the market is open.")
    ] = "continuous",
    activity: Annotated[float, typer.Option(min=0.0, help="Factor on the market's message rates.")] = 1.0,
    replay: Annotated[Path | None, typer.Option(help="CSV file of bars that is the market instead.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Product of the replay, such as ES.")] = None,
    speed: Annotated[float, typer.Option(min=0.0, help="Emulated seconds per second.")] = 1.0,
    start: Annotated[str | None, typer.Option(help="Where the replay begins: first, or an ISO time.")] = None,
    keep_gaps: Annotated[bool, typer.Option(help="Live through a replay's nights and weekends.")] = False,
) -> int:
    """Run the gateway emulator alone.

    It prints url, user and key when it is ready, and ends on SIGINT or SIGTERM. With --json the ready line is a JSON object. --user names its user (demo).
    """
    # brings in the server, which no other verb needs
    from tradeconsole.emulator.options import DEFAULT_USER, EmulatorOptions
    from tradeconsole.emulator.server import run_emulator

    call = invocation(context)
    options = EmulatorOptions(
        port=port,
        seed=seed,
        user=call.user or DEFAULT_USER,
        state_dir=state,
        calendar=calendar,
        activity=activity,
        replay=replay,
        symbol=symbol,
        speed=speed,
        start=start,
        keep_gaps=keep_gaps,
        json=call.json,
    )
    with logging_to(find_folders().data / "log" / "emulator.log"):
        return run_emulator(options)


@sim.command("reset", epilog=EPILOG)
def reset(
    context: typer.Context, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Start the simulated accounts afresh, and forget what was remembered of them."""
    from tradeconsole import bootstrap

    call = invocation(context)
    settings = call.settings()
    call.confirm(f"Forget all accounts, orders and trades of '{settings.profile}'?", yes=yes, required=False)
    with logging_for(settings):
        asyncio.run(bootstrap.reset_sim(settings))
    call.tell({"reset": settings.profile}, f"'{settings.profile}' starts afresh")
