"""Addresses of the firms on the gateway."""

from pathlib import Path

import pytest

from tradeconsole.errors import ConfigError
from tradeconsole.firms import Firm, find_firm, load_firms
from tradeconsole.settings import Overrides, load_settings


def firm(text: str) -> Firm:
    found = find_firm(text)
    assert found is not None
    return found


def folder(path: Path) -> dict[str, str]:
    """The environment of somebody whose settings lie there."""
    return {"TRADECONSOLE_CONFIG_DIR": str(path)}


def test_topstep_is_the_exception_to_the_pattern_of_hosts() -> None:
    found = firm("TOPSTEPX")
    assert (found.api_url, found.rtc_url) == ("https://api.topstepx.com", "https://rtc.topstepx.com")
    assert found.user_hub == "https://rtc.topstepx.com/hubs/user"
    assert found.market_hub == "https://rtc.topstepx.com/hubs/market"
    assert found.verified


def test_the_other_firms_follow_the_pattern() -> None:
    found = firm("bulenox")
    assert found.api_url == "https://api.bulenox.projectx.com"
    assert found.rtc_url == "https://rtc.bulenox.projectx.com"
    assert not found.verified


def test_the_demo_keeps_its_older_hosts() -> None:
    found = firm("projectx-demo")
    assert found.api_url == "https://gateway-api-demo.s2f.projectx.com"
    assert found.user_hub == "https://gateway-rtc-demo.s2f.projectx.com/hubs/user"


def test_keys_are_unique_and_every_firm_has_both_addresses() -> None:
    firms = load_firms()
    assert len({each.key for each in firms}) == len({each.name for each in firms}) == len(firms) == 19
    assert all(each.key and each.api_url.startswith("https://") for each in firms)
    named = (
        "topstepx toponefutures tickticktrader alphaticks aquafutures blueguardianfutures blusky bulenox e8 fundingfutures"
        " thefuturesdesk futureselite fxifyfutures goatfundedfutures holaprime nexgen tx3funding daytraders projectx-demo"
    )
    assert {each.key for each in firms} == {*named.split(" ")}


def test_the_wrong_host_that_a_library_spread_is_never_made() -> None:
    for each in load_firms():
        for url in (each.api_url, each.rtc_url, each.user_hub, each.market_hub):
            assert "topstepx.projectx.com" not in url


def test_the_wrong_host_is_refused_in_settings_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TopstepX is at https"):
        load_settings(Overrides(url="https://api.topstepx.projectx.com"), folder(tmp_path))


@pytest.mark.parametrize("each", load_firms(), ids=lambda each: each.key)
def test_every_firm_is_a_profile_by_its_key_and_its_name(each: Firm, tmp_path: Path) -> None:
    for text in (each.key, each.name.upper()):
        settings = load_settings(Overrides(profile=text, user="me"), folder(tmp_path))
        assert settings.profile == each.key
        assert settings.active.rest_url == each.api_url
        assert settings.active.hubs_url == each.rtc_url
        assert settings.active.firm == each.name
        assert settings.active.calendar == "cme"


def test_a_firm_needs_only_a_user_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('profile = "Bulenox"\n[profiles.bulenox]\nuser = "me"\n')
    settings = load_settings(environ=folder(tmp_path))
    assert (settings.profile, settings.active.user) == ("bulenox", "me")
    assert settings.active.rest_url == "https://api.bulenox.projectx.com"


def test_an_address_of_the_users_own_brings_its_hubs_with_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[profiles.bulenox]\napi_url = "http://127.0.0.1:9"\n')
    settings = load_settings(Overrides(profile="bulenox"), folder(tmp_path))
    assert settings.active.rest_url == settings.active.hubs_url == "http://127.0.0.1:9"


def test_a_profile_of_the_users_own_may_name_its_firm(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[profiles.mine]\nfirm = "Blusky"\n')
    settings = load_settings(Overrides(profile="mine"), folder(tmp_path))
    assert settings.active.hubs_url == "https://rtc.blusky.projectx.com"


def test_a_profile_of_an_unknown_firm_needs_an_address(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[profiles.mine]\nfirm = "acme"\n')
    with pytest.raises(ConfigError, match="no firm 'acme' is known"):
        load_settings(environ=folder(tmp_path))


def test_an_unknown_firm_is_none() -> None:
    assert find_firm("acme") is None
