"""The firms on the ProjectX gateway and where each of them serves it."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec


class Firm(msgspec.Struct, frozen=True, kw_only=True):
    """One firm; `key` names it in settings and on the command line."""

    name: str
    key: str
    api_url: str
    rtc_url: str
    verified: bool = False
    """Whether somebody has seen the firm on the gateway lately."""
    note: str = ""

    @property
    def user_hub(self) -> str:
        return f"{self.rtc_url}/hubs/user"

    @property
    def market_hub(self) -> str:
        return f"{self.rtc_url}/hubs/market"


class _Row(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    key: str = ""
    slug: str = ""
    api_url: str = ""
    rtc_url: str = ""
    verified: bool = False
    note: str = ""


@cache
def load_firms() -> tuple[Firm, ...]:
    """All firms of the table, TopstepX first."""
    text = files("tradeconsole").joinpath("firms.toml").read_text("utf-8")
    rows = msgspec.convert(tomllib.loads(text)["firm"], list[_Row])
    return tuple(
        Firm(
            name=row.name,
            key=row.key or row.slug,
            api_url=row.api_url or f"https://api.{row.slug}.projectx.com",
            rtc_url=row.rtc_url or f"https://rtc.{row.slug}.projectx.com",
            verified=row.verified,
            note=row.note,
        )
        for row in rows
    )


def find_firm(text: str) -> Firm | None:
    """The firm with that key or name, in any case; None if there is none."""
    wanted = text.strip().casefold()
    return next(
        (firm for firm in load_firms() if wanted in {firm.key.casefold(), firm.name.casefold()}), None
    )
