"""Verbs of the simulated gateway: emulator, emulator ctl, sim reset."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from typer.core import TyperGroup

from tradeconsole.cli.invocation import EPILOG, group, invocation
from tradeconsole.cli.one_shot import logging_for
from tradeconsole.errors import ConfigError
from tradeconsole.logs import logging_to
from tradeconsole.settings import find_folders


class _EmulatorGroup(TyperGroup):
    """Lists the orders of the control plane below its help."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from tradeconsole.emulator.operations import OPERATIONS

        with formatter.section("Orders to a running emulator (tradeconsole emulator ctl ORDER)"):
            formatter.write_dl([(operation.name, operation.help) for operation in OPERATIONS])
        super().format_epilog(ctx, formatter)


emulator = typer.Typer(cls=_EmulatorGroup, invoke_without_command=True, epilog=EPILOG)
sim = group("The simulated accounts of this machine.")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.add_typer(emulator, name="emulator")
    app.add_typer(sim, name="sim")


@emulator.callback()
def run(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Fixes the market and every id.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder that keeps everything over restarts.")] = None,
    calendar: Annotated[
        Literal["continuous", "cme"], typer.Option(help="When the market is open.")
    ] = "continuous",
    activity: Annotated[
        float, typer.Option(min=0.0, max=1000.0, help="Factor on the market's message rates.")
    ] = 1.0,
    replay: Annotated[Path | None, typer.Option(help="CSV file of bars that is the market instead.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Product of the replay, such as ES.")] = None,
    speed: Annotated[
        float, typer.Option(min=0.0, max=1_000_000.0, help="Emulated seconds per second.")
    ] = 1.0,
    start: Annotated[
        str | None, typer.Option(help="Where time begins: an ISO time, or first for a replay.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="TOML file of users, accounts, switches and market.")
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Set a switch; see tradeconsole emulator switches."),
    ] = None,
    keep_gaps: Annotated[bool, typer.Option(help="Live through a replay's nights and weekends.")] = False,
) -> int | None:
    """Run the gateway emulator alone, or give orders to a running one.

    It prints url, user and key when it is ready, and ends on SIGINT or SIGTERM. With --json the ready line is a JSON object. --user names its user (demo).
    """
    if context.invoked_subcommand is not None:
        return None
    # brings in the server, which no other verb needs
    from tradeconsole.emulator.options import DEFAULT_USER, EmulatorOptions, in_scenario
    from tradeconsole.emulator.scenario_file import read_scenario
    from tradeconsole.emulator.server import run_emulator
    from tradeconsole.emulator.switchboard import read_switches

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
        switches=read_switches(switch or []),
        json=call.json,
    )
    if scenario is not None:
        if call.user is not None:
            raise ConfigError("--user and --scenario do not go together: the file names the users")
        options = in_scenario(
            read_scenario(scenario),
            {
                name: value
                for name, value in msgspec.structs.asdict(options).items()
                if name != "scenario"
                and (value != getattr(EmulatorOptions(), name) or _is_given(context, name))
            },
        )
    with logging_to(find_folders().data / "log" / "emulator.log"):
        return run_emulator(options)


def _is_given(context: typer.Context, name: str) -> bool:
    """Whether an option was written on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@emulator.command("switches", epilog=EPILOG)
def switches(context: typer.Context) -> None:
    """Explain every switch: its values, its default, and what it changes."""
    from tradeconsole.emulator.switchboard import SWITCHES

    rows = [
        {
            "switch": switch.name,
            "values": switch.values,
            "default": switch.default,
            "changes": switch.help + (" (from the start on)" if switch.fixed else ""),
        }
        for switch in SWITCHES
    ]
    invocation(context).show(rows, "")


@emulator.command("ctl", epilog=EPILOG)
def ctl(
    context: typer.Context,
    order: Annotated[str | None, typer.Argument(help="One of --list, or status.", show_default=False)] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Its arguments; values are JSON or text."),
    ] = None,
    list_orders: Annotated[bool, typer.Option("--list", help="List all orders and their arguments.")] = False,
) -> None:
    """Give an order to the emulator at --url, and tell how it is then."""
    from tradeconsole.emulator import remote
    from tradeconsole.emulator.operations import OPERATIONS
    from tradeconsole.emulator.switchboard import turned

    call = invocation(context)
    if list_orders:
        call.show(
            [{"order": known.name, "does": known.help, "arguments": known.usage} for known in OPERATIONS], ""
        )
        return
    if order is None:
        raise ConfigError("which order? `tradeconsole emulator ctl --list` names them")
    given = None
    if order != remote.STATUS:
        given = remote.read_arguments(remote.find_operation(order), arguments or [])
    elif arguments:
        raise ConfigError("status takes no arguments")
    if call.url is None:
        raise ConfigError("which emulator? give its address, such as --url http://127.0.0.1:8000")
    status = remote.send(call.url, order, given)
    told = status | {"switches": turned(status["switches"])} if "switches" in status else status
    call.tell(status, "\n".join(f"{name}: {_words(value)}" for name, value in told.items()))


def _words(value: object) -> str:
    match value:
        case dict():
            return (
                ", ".join(f"{name} {_words(item)}" for name, item in value.items()) or "all at their defaults"
            )
        case list():
            return ", ".join(map(_words, value)) or "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


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
