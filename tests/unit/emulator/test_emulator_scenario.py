"""Scenario files: whom and what they make, and how they say what is wrong with them."""

from decimal import Decimal
from pathlib import Path

import pytest

from tradeconsole.emulator.options import in_scenario
from tradeconsole.emulator.scenario import Scenario, demo_accounts, scenario_accounts
from tradeconsole.emulator.scenario_file import read_scenario
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.account_rules import Plan
from tradeconsole.exchange.records import VenueAccount

EXAMPLE = Path(__file__).parents[3] / "docs" / "scenario.toml"
USER = '[[users]]\nname = "ann"\nkey = "k"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return path


def accounts_of(tmp_path: Path, text: str) -> tuple[VenueAccount, ...]:
    scenario = read_scenario(written(tmp_path, USER + text))
    return scenario_accounts(scenario.users, 7)


def test_the_example_makes_every_kind_of_account() -> None:
    scenario = read_scenario(EXAMPLE)
    accounts = scenario_accounts(scenario.users, 7)
    prefixes = {account.name.split("-")[0] for account in accounts}
    assert {"PRAC", "50KTC", "100KTC", "EXPRESS"} <= prefixes
    assert any("-DLL-" in account.name for account in accounts)
    assert len({account.id for account in accounts}) == len(accounts)
    assert {account.user for account in accounts} == {"ann", "bob"}


@pytest.mark.parametrize(
    ("text", "balance", "lots", "plan", "prefix"),
    [
        ("", 150_000, 15, None, "PRAC-V2-"),
        (
            '[[users.accounts]]\nkind = "combine"\nsize = "50K"\n',
            50_000,
            5,
            Plan(start=Decimal(50_000), loss_limit=Decimal(2_000)),
            "50KTC-V2-1",
        ),
        (
            '[[users.accounts]]\nkind = "combine"\nsize = "100K"\ndll = true\n',
            100_000,
            10,
            Plan(start=Decimal(100_000), loss_limit=Decimal(3_000), daily_loss=Decimal(2_000)),
            "100KTC-V2-DLL-1",
        ),
        (
            '[[users.accounts]]\nkind = "express"\nsize = "150K"\n',
            0,
            15,
            Plan(start=Decimal(0), loss_limit=Decimal(4_500)),
            "EXPRESS-V2-1",
        ),
        (
            '[[users.accounts]]\nkind = "combine"\ndaily_loss = 250\nbalance = 51234.5\nmax_lots = 2\n',
            Decimal("51234.5"),
            2,
            Plan(start=Decimal(50_000), loss_limit=Decimal(2_000), daily_loss=Decimal(250)),
            "50KTC-V2-1",
        ),
    ],
)
def test_kind_and_size_give_balance_limits_and_name(
    tmp_path: Path, text: str, balance: Decimal, lots: int, plan: Plan | None, prefix: str
) -> None:
    (account,) = accounts_of(tmp_path, text)
    assert (account.balance, account.max_lots, account.plan) == (balance, lots, plan)
    assert account.name.startswith(prefix)
    assert account.simulated


def test_a_live_account_is_not_simulated_and_has_a_daily_limit(tmp_path: Path) -> None:
    (account,) = accounts_of(tmp_path, '[[users.accounts]]\nkind = "live"\n')
    assert not account.simulated
    assert account.plan == Plan(start=Decimal(50_000), daily_loss=Decimal(1_000))


def test_ids_that_are_given_are_kept_and_others_step_aside(tmp_path: Path) -> None:
    text = "[[users.accounts]]\nid = 10000015\n[[users.accounts]]\n[[users.accounts]]\n"
    ids = [account.id for account in accounts_of(tmp_path, text)]
    assert ids[0] == 10_000_015
    assert len(set(ids)) == 3


def test_the_demo_user_knows_no_rules_but_a_position_limit() -> None:
    accounts = demo_accounts("demo", 7)
    assert [account.plan for account in accounts] == [None, None]
    assert [account.max_lots for account in accounts] == [15, 5]


def test_options_that_are_given_go_before_those_of_the_file(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, "seed = 5\n[market]\nspeed = 10.0\nvolatility = 0\n" + USER))
    options = in_scenario(scenario, {"speed": 1.0})
    assert (options.seed, options.speed, options.volatility) == (5, 1.0, 0.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("seed = ", "is not TOML"),
        ("", "there is no user"),
        ("sead = 7\n" + USER, "unknown key 'sead': did you mean 'seed'?"),
        ("[market]\ncalender = 'cme'\n" + USER, "market: unknown key 'calender': did you mean 'calendar'?"),
        (
            "[market]\ncalendar = 'nyse'\n" + USER,
            "market.calendar: Invalid enum value 'nyse': expected continuous, cme",
        ),
        ("[market]\nproducts = ['MNQ', 'ZZZ']\n" + USER, "unknown symbol 'ZZZ'"),
        ("[market]\nactivity = inf\n" + USER, "market.activity"),
        ("[market]\nspeed = 0\n" + USER, "market.speed"),
        ("[switches]\nlimitFil = 'touch'\n" + USER, "no switch 'limitFil': did you mean 'limitFill'?"),
        (
            "[switches]\nlimitFill = 'sometimes'\n" + USER,
            'limitFill cannot be "sometimes": expected through | touch',
        ),
        ("[switches]\nslippageTicks = -1\n" + USER, "slippageTicks cannot be -1: expected 0 … 1000"),
        ("[switches]\nslippageTicks = 1.5\n" + USER, "slippageTicks cannot be 1.5"),
        ("[switches]\nsingleSession = 3\n" + USER, "singleSession cannot be 3: expected on | off"),
        ("[switches]\nquoteMode = ['full']\n" + USER, "quoteMode cannot be"),
        (
            USER + "[[users.accounts]]\nposition_brackets = { stop_tick = 4 }\n",
            "users[0].accounts[0].position_brackets: unknown key 'stop_tick': did you mean 'stop_ticks'?",
        ),
        (
            USER + "[[users.accounts]]\nposition_brackets = { stop_ticks = 0 }\n",
            "users[0].accounts[0].position_brackets.stop_ticks",
        ),
        (
            USER + "[[users.accounts]]\nbracket_mode = 'AutoOCO'\nposition_brackets = { stop_ticks = 4 }\n",
            "position_brackets need bracket_mode PositionBrackets",
        ),
        ("[[users]]\nname = 'ann'\n", "users[0]: Object missing required field `key`"),
        ("[[users]]\nname = 'ann'\nkey = ''\n", "users[0].key"),
        ("[[users]]\nname = 'a'\nkey = 'k'\npasword = 'x'\n", "users[0]: unknown key 'pasword'"),
        (USER + "login = 'maybe'\n", "users[0].login"),
        (USER + USER, "two users are called 'ann'"),
        (
            USER + "[[users.accounts]]\nkind = 'combin'\n",
            "users[0].accounts[0].kind: Invalid enum value 'combin': did you mean 'combine'?",
        ),
        (
            USER + "[[users.accounts]]\nkynd = 'combine'\n",
            "users[0].accounts[0]: unknown key 'kynd': did you mean 'kind'?",
        ),
        (USER + "[[users.accounts]]\nid = 5\n[[users.accounts]]\nid = 5\n", "two accounts have the id '5'"),
        (
            USER + "[[users.accounts]]\nsize = '25K'\n",
            "users[0].accounts[0].size: Invalid enum value '25K': did you mean '50K'?",
        ),
        (USER + "[[users.accounts]]\ndll = true\n", "practice accounts know no daily loss limit"),
        (USER + "[[users.accounts]]\nkind = 'combine'\ndaily_loss = 0\n", "daily_loss 0 must be above 0"),
        (USER + "[[users.accounts]]\nscaling = true\n", "only express accounts have a scaling plan"),
        (USER + "[[users.accounts]]\nproduct_limits = { ZZZ = 1 }\n", "unknown symbol 'ZZZ'"),
        (USER + "[[users.accounts]]\nproduct_limits = { CL = -1 }\n", "product_limits"),
        (USER + "[[users.accounts]]\nmax_lots = -1\n", "max_lots -1 must not be below 0"),
        (USER + "[[users.accounts]]\nmax_lots = 'many'\n", "users[0].accounts[0].max_lots"),
    ],
)
def test_a_wrong_file_is_told_in_one_line_with_file_and_place(tmp_path: Path, text: str, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_scenario(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert reason in message
    assert "\n" not in message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_scenario(tmp_path / "nowhere.toml")


def test_other_users_make_another_fingerprint(tmp_path: Path) -> None:
    one = read_scenario(written(tmp_path, USER))
    same = read_scenario(written(tmp_path, "seed = 9\n" + USER))
    other = read_scenario(written(tmp_path, USER + "[[users.accounts]]\nsize = '50K'\n"))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert isinstance(one, Scenario)
