"""The firm table."""

import pytest

from tradeconsole.brokers.projectx.firms import find_firm, load_firms
from tradeconsole.errors import ConfigError


def test_topstep_is_the_exception_to_the_pattern_of_hosts() -> None:
    firm = find_firm("TopstepX")
    assert (firm.api_url, firm.rtc_url) == ("https://api.topstepx.com", "https://rtc.topstepx.com")


def test_the_other_firms_follow_the_pattern() -> None:
    firm = find_firm("e8")
    assert firm.name == "E8 Futures"
    assert (firm.api_url, firm.rtc_url) == ("https://api.e8.projectx.com", "https://rtc.e8.projectx.com")


def test_keys_are_unique_and_every_firm_has_both_addresses() -> None:
    firms = load_firms()
    assert len({firm.key for firm in firms}) == len(firms) == 18
    assert all(firm.key and firm.api_url.startswith("https://api.") for firm in firms)


def test_an_unknown_firm_is_one_line_that_lists_the_known() -> None:
    with pytest.raises(ConfigError, match=r"no firm 'acme' .* known are topstepx, "):
        find_firm("acme")
