"""How the console looks and how often it draws: settings joined with what the terminal says of itself."""

from collections.abc import Mapping

import msgspec

from tradeconsole.settings import InterfaceSettings


class Appearance(msgspec.Struct, frozen=True, kw_only=True):
    """Interface settings, resolved.

    `fps` caps how often frames are drawn. `keys` maps action ids to Textual key names. `quiet` is the time in
    seconds that the keyboard must have rested before a key may confirm, `patience` the time that a key waits for the
    effect of the one before.
    """

    fps: float = 10
    theme: str = "tradeconsole"
    no_color: bool = False
    reduced_motion: bool = False
    ascii_only: bool = False
    bell: bool = False
    keys: Mapping[str, tuple[str, ...]] = {}
    quiet: float = 0.25
    patience: float = 5.0


def is_remote(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is at the other end of an SSH connection."""
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def appearance(interface: InterfaceSettings, environ: Mapping[str, str]) -> Appearance:
    """Settings as they apply in this terminal: slower and still over SSH, grey with `NO_COLOR`, ASCII on `linux`."""
    remote = is_remote(environ)
    return Appearance(
        fps=min(interface.fps, interface.ssh_fps) if remote else interface.fps,
        theme=interface.theme,
        no_color="NO_COLOR" in environ,
        reduced_motion=interface.reduced_motion or remote,
        ascii_only=interface.ascii or environ.get("TERM") in {"dumb", "linux"},
        bell=interface.bell,
        keys=interface.keys,
    )
