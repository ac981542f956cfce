"""Whatever was done to a venue under rules and disturbances is there again after a kill, and goes on in the same way."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.orders import OrderType, Side
from tradeconsole.emulator import journal
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.scenario import AccountKind, ScenarioAccount, ScenarioUser, scenario_accounts
from tradeconsole.emulator.world import World, build_world
from tradeconsole.exchange.disturbances import Portions, Rejection
from tradeconsole.exchange.records import (
    BracketMode,
    ExchangeOptions,
    Leg,
    ModifyRequest,
    PlaceRequest,
    PositionBrackets,
)

USER = ScenarioUser(
    name="ann",
    key="k",
    accounts=(ScenarioAccount(kind=AccountKind.COMBINE, dll=True, daily_loss=Decimal(60)),),
)
(ACCOUNT,) = scenario_accounts((USER,), 7)
FIRST_ORDER = 3_400_000_000


def fresh() -> World:
    return build_world(EmulatorOptions(activity=0.1, start="2026-08-19T15:00:00Z"), 7, ExchangeOptions())


def commands(world: World, size: int, at: datetime) -> list[journal.AnyCommand]:
    """One of every kind that there is."""
    exchange, account = world.exchange, ACCOUNT.id
    contract = exchange.listing.active(world.catalogue.product("MNQ"), at.date()).id
    last = exchange.quote(contract)
    assert last is not None
    assert last.last is not None
    price = Decimal(str(last.last))
    order = PlaceRequest(
        contract_id=contract,
        type=OrderType.MARKET,
        side=Side.BUY if size % 3 else Side.SELL,
        size=size,
        stop_loss=Leg(-40 if size % 3 else 40, OrderType.STOP),
    )
    return [
        journal.Place(at=at, account_id=account, request=order),
        journal.Place(at=at, account_id=account, request=order),
        journal.Modify(
            at=at, account_id=account, request=ModifyRequest(order_id=FIRST_ORDER + size, size=size)
        ),
        journal.Cancel(at=at, account_id=account, order_id=FIRST_ORDER + size),
        journal.CloseContract(at=at, account_id=account, contract_id=contract),
        journal.PartialClose(at=at, account_id=account, contract_id=contract, size=size),
        journal.SetCanTrade(at=at, account_id=account, can_trade=size > 1),
        journal.SetBracketMode(at=at, account_id=account, mode=list(BracketMode)[size % 2]),
        journal.SetPositionBrackets(
            at=at, account_id=account, brackets=PositionBrackets(stop_ticks=size, target_ticks=2 * size)
        ),
        journal.Halt(at=at, contract_id=contract, halted=size > 6),
        journal.MovePrice(at=at, contract_id=contract, ticks=size * 9 - 40),
        journal.SetPrice(at=at, contract_id=contract, price=price + size),
        journal.Feed(at=at, contract_id=contract, prices=((size * 90.0, price + 5), (9_000.0, price - 9))),
        journal.Roll(at=at, symbol="MNQ"),
        journal.RejectOrders(at=at, rejection=Rejection(size, later=size % 2 > 0)),
        journal.CutFills(at=at, portions=Portions(1, size * 200.0, size)),
        journal.CloseWindow(at=at, closed=size > 6),
        journal.CallOff(at=at),
        journal.ResetAccount(
            at=at, account_id=account, new_id=exchange.highest_account_id + 1, name=f"n{size}"
        ),
        journal.Turn(at=at, name="slippageTicks", value=size),
    ]


def test_the_examples_are_of_every_kind() -> None:
    world = fresh()
    kinds = {type(command) for command in commands(world, 1, world.exchange.now)}
    assert kinds == set(get_args(journal.AnyCommand))


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 18), st.integers(1, 8), st.floats(0, 900)), min_size=1, max_size=15
    ),
    kept=st.integers(0, 15),
)
def test_a_restored_venue_goes_on_like_the_lost_one(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, float]], kept: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    world, log = fresh(), journal_in(folder)
    world.exchange.open_account(ACCOUNT)
    at = world.exchange.now
    log.take_snapshot(world.exchange.snapshot(), at)
    for index, (kind, size, seconds) in enumerate(steps):
        at += timedelta(seconds=seconds)
        told = commands(world, size, at)[kind]
        told.apply(world.exchange)
        log.append(told)
        if index == kept:
            log.take_snapshot(world.exchange.snapshot(), world.exchange.now)
    log.close()

    again = fresh()
    journal_in(folder).restore(again.exchange)
    for exchange in (world.exchange, again.exchange):
        exchange.advance(at + timedelta(hours=9))
    assert again.exchange.snapshot() == world.exchange.snapshot()
    assert again.exchange.options == world.exchange.options
    account = world.exchange.account(ACCOUNT.id)
    assert account is not None
    trades = world.exchange.trades(ACCOUNT.id)
    cash = sum((trade.gross_pnl or 0) - trade.fees - trade.commissions for trade in trades)
    assert account.balance == ACCOUNT.balance + cash


def journal_in(folder: Path) -> journal.Journal:
    return journal.Journal(folder / "snapshot", folder / "log", "m")
