"""The firms on the ProjectX gateway and where each of them serves it."""

import tomllib
from importlib.resources import files

import msgspec

from tradeconsole.errors import ConfigError


class Firm(msgspec.Struct, frozen=True, kw_only=True):
    """One firm; `key` names it in settings."""

    name: str
    key: str
    api_url: str
    rtc_url: str


class _Row(msgspec.Struct, kw_only=True):
    name: str
    key: str = ""
    slug: str = ""
    api_url: str = ""
    rtc_url: str = ""


def load_firms() -> tuple[Firm, ...]:
    """All firms of the table, TopstepX first."""
    text = files("tradeconsole.brokers.projectx").joinpath("firms.toml").read_text("utf-8")
    rows = msgspec.convert(tomllib.loads(text)["firm"], list[_Row])
    return tuple(
        Firm(
            name=row.name,
            key=row.key or row.slug,
            api_url=row.api_url or f"https://api.{row.slug}.projectx.com",
            rtc_url=row.rtc_url or f"https://rtc.{row.slug}.projectx.com",
        )
        for row in rows
    )


def find_firm(text: str) -> Firm:
    """The firm with that key or name, in any case.

    Raises:
        ConfigError: there is none.
    """
    firms = load_firms()
    wanted = text.casefold()
    for firm in firms:
        if wanted in {firm.key.casefold(), firm.name.casefold()}:
            return firm
    known = ", ".join(firm.key for firm in firms)
    raise ConfigError(f"no firm '{text}' is known on the ProjectX gateway; known are {known}")
