"""Verbs of the settings: config path, config show."""

from typing import Any

import typer

from tradeconsole.cli.invocation import EPILOG, group, invocation
from tradeconsole.cli.output import encode
from tradeconsole.settings import find_folders, shipped

config = group("Settings.")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.add_typer(config, name="config")


@config.command("path", epilog=EPILOG)
def path(context: typer.Context) -> None:
    """Tell where your settings, data and log are, and the defaults that you may override."""
    folders = find_folders()
    places = {
        "config": folders.config_file,
        "data": folders.data,
        "log": folders.log_file,
        "defaults": shipped("config.toml"),
    }
    call = invocation(context)
    call.tell(places, "\n".join(f"{name}: {place}" for name, place in places.items()))


@config.command("show", epilog=EPILOG)
def show(context: typer.Context) -> None:
    """Print the settings in force, secrets left out."""
    call = invocation(context)
    settings = call.settings()
    tree = settings.model_dump(exclude={"folders"})
    if tree["storage"]["dsn"] is not None:
        tree["storage"]["dsn"] = str(tree["storage"]["dsn"])
    call.tell(tree, "\n".join(_lines(tree)))


def _lines(tree: dict[str, Any], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            lines += _lines(value, f"{prefix}{name}.")
        else:
            lines.append(f"{prefix}{name} = {encode(value, indent=0)}")
    return lines
