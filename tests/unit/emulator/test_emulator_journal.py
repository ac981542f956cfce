"""Snapshot and log: whatever was told to the exchange is there again after a kill."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.orders import OrderType, Side
from tradeconsole.emulator.journal import AnyCommand, Cancel, CloseContract, Journal, Modify, MovePrice, Place
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.scenario import demo_accounts
from tradeconsole.emulator.world import World, build_world
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.records import ExchangeOptions, Leg, ModifyRequest, PlaceRequest
from tradeconsole.exchange.venue import Exchange

FIRST_ORDER = 3_400_000_000
ACCOUNT = demo_accounts("demo", 7)[0]


def fresh() -> World:
    return build_world(EmulatorOptions(volatility=0.0, activity=0.1), 7, ExchangeOptions())


def journal_in(folder: Path, market: str = "m") -> Journal:
    return Journal(folder / "snapshot", folder / "log", market)


def contract_of(world: World) -> str:
    return world.catalogue.active(world.catalogue.product("MNQ"), world.exchange.now.date()).id


def market_order(world: World, at: datetime, side: Side = Side.BUY, tag: str | None = None) -> Place:
    request = PlaceRequest(
        contract_id=contract_of(world),
        type=OrderType.MARKET,
        side=side,
        size=1,
        tag=tag,
        stop_loss=Leg(-40 * side.sign, OrderType.STOP),
    )
    return Place(at=at, account_id=ACCOUNT.id, request=request)


def command(world: World, kind: int, number: int, at: datetime) -> AnyCommand:
    contract, account, order = contract_of(world), ACCOUNT.id, FIRST_ORDER + number
    match kind:
        case 0:
            return market_order(world, at, Side.BUY if number % 2 else Side.SELL, f"t{number}")
        case 1:
            return Cancel(at=at, account_id=account, order_id=order)
        case 2:
            return CloseContract(at=at, account_id=account, contract_id=contract)
        case 3:
            return MovePrice(at=at, contract_id=contract, ticks=number - 6)
        case _:
            request = ModifyRequest(order_id=order, stop_price=Decimal(100 + number))
            return Modify(at=at, account_id=account, request=request)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12), st.floats(0, 5)), max_size=15),
    kept=st.integers(0, 15),
)
def test_restored_books_equal_the_lost_ones(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, float]], kept: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    world, journal = fresh(), journal_in(folder)
    world.exchange.open_account(ACCOUNT)
    at = world.exchange.now
    journal.take_snapshot(world.exchange.snapshot(), at)
    for index, (kind, number, seconds) in enumerate(steps):
        at += timedelta(seconds=seconds)
        told = command(world, kind, number, at)
        told.apply(world.exchange)
        journal.append(told)
        if index == kept:
            journal.take_snapshot(world.exchange.snapshot(), world.exchange.now)
    journal.close()

    again = fresh()
    journal_in(folder).restore(again.exchange)
    for exchange in (world.exchange, again.exchange):
        exchange.advance(at + timedelta(seconds=30))
    assert again.exchange.snapshot() == world.exchange.snapshot()


def told_three(folder: Path) -> World:
    """A world with three orders, and its files as a kill leaves them."""
    world, journal = fresh(), journal_in(folder)
    world.exchange.open_account(ACCOUNT)
    journal.take_snapshot(world.exchange.snapshot(), world.exchange.now)
    for tag in "abc":
        told = market_order(world, world.exchange.now, tag=tag)
        told.apply(world.exchange)
        journal.append(told)
    journal.close()
    return world


def tags(exchange: Exchange) -> list[str | None]:
    return [order.tag for order in exchange.orders(ACCOUNT.id) if order.parent_id is None]


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x40\x00\x00\x00\x00\x00\x00\x00torn"])
def test_a_torn_end_of_the_log_is_cut_off_and_the_log_goes_on(tmp_path: Path, damage: bytes) -> None:
    world = told_three(tmp_path)
    with (tmp_path / "log").open("ab") as log:
        log.write(damage)
    again, journal = fresh(), journal_in(tmp_path)
    journal.restore(again.exchange)
    assert tags(again.exchange) == ["a", "b", "c"]
    journal.append(market_order(world, again.exchange.now, tag="d"))
    journal.close()
    third = fresh()
    journal_in(tmp_path).restore(third.exchange)
    assert tags(third.exchange) == ["a", "b", "c", "d"]


def test_a_record_that_was_altered_ends_the_log(tmp_path: Path) -> None:
    told_three(tmp_path)
    data = bytearray((tmp_path / "log").read_bytes())
    data[-1] ^= 0xFF
    (tmp_path / "log").write_bytes(bytes(data))
    again = fresh()
    journal_in(tmp_path).restore(again.exchange)
    assert tags(again.exchange) == ["a", "b"]


def test_a_log_that_the_snapshot_already_includes_is_not_applied_again(tmp_path: Path) -> None:
    world = told_three(tmp_path)
    old = (tmp_path / "log").read_bytes()
    journal = journal_in(tmp_path)
    journal.restore(fresh().exchange)
    journal.take_snapshot(world.exchange.snapshot(), world.exchange.now)
    (tmp_path / "log").write_bytes(old)
    again = fresh()
    journal_in(tmp_path).restore(again.exchange)
    assert tags(again.exchange) == ["a", "b", "c"]


def test_nothing_on_disk_restores_nothing(tmp_path: Path) -> None:
    assert journal_in(tmp_path).restore(fresh().exchange) is None


def test_damaged_or_foreign_state_is_refused_in_one_line(tmp_path: Path) -> None:
    told_three(tmp_path)
    with pytest.raises(ConfigError, match="belongs to another market"):
        journal_in(tmp_path, "other").restore(fresh().exchange)
    (tmp_path / "snapshot").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="is damaged") as caught:
        journal_in(tmp_path).restore(fresh().exchange)
    assert "\n" not in str(caught.value)
