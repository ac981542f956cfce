"""Verbs that read: what they print for people and for programs."""

import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from command_line import PlayScript, RunCommand
from factories import (
    MNQ,
    make_account,
    make_bars,
    make_bracket,
    make_frame,
    make_order_row,
    make_position_row,
)
from fakes import ScriptedSession

from tradeconsole.cli.output import encode, identity, price, print_table
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import BarSeries
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.views.models import Frame
from tradeconsole.views.session import Bars, Focus, History

INSTRUMENT = Instrument(
    instrument_id=MNQ,
    symbol="MNQ",
    name="MNQZ6",
    description="",
    tick_size=Decimal("0.25"),
    tick_value=Decimal("0.50"),
)


class SessionWithHistory(ScriptedSession):
    """Answers history with canned bars."""

    def __init__(self, bars: BarSeries) -> None:
        super().__init__()
        self.bars = bars
        self.asked: list[History] = []

    async def history(self, query: History) -> Bars:
        self.asked.append(query)
        return Bars(
            instrument=INSTRUMENT, timeframe=query.timeframe, bars=self.bars, tick_size=INSTRUMENT.tick_size
        )


def test_json_is_written_as_the_gateway_writes_it() -> None:
    text = encode(
        {
            "price": Decimal("25123.25"),
            "tiny": Decimal("0.0000005"),
            "at": datetime(2026, 9, 14, 13, 30, tzinfo=UTC),
        },
        indent=0,
    )
    assert '"price": 25123.25' in text
    assert json.loads(text, parse_float=Decimal)["tiny"] == Decimal("0.0000005")
    assert '"at": "2026-09-14T13:30:00+00:00"' in text


def test_ids_are_numbers_where_the_gateway_has_numbers() -> None:
    assert identity("3400000123") == 3400000123
    assert identity("CON.F.US.MNQ.Z26") == "CON.F.US.MNQ.Z26"


def test_accounts_are_listed(command: RunCommand, script: PlayScript) -> None:
    script(ScriptedSession([make_frame()]))
    listed = command("accounts", "--json").json
    assert listed[0] == {
        "id": 1001,
        "name": "PRAC-50K-1001",
        "kind": "practice",
        "balance": 50160.54,
        "can_trade": True,
    }
    assert len(listed) == 2


def test_tables_are_for_people(command: RunCommand, script: PlayScript) -> None:
    script(ScriptedSession([make_frame()]))
    outcome = command("accounts")
    assert outcome.code == 0
    header, *_ = [line for line in outcome.out.splitlines() if line.strip()]
    assert header.split() == ["id", "name", "kind", "balance", "can", "trade"]
    assert "PRAC-50K-1001" in outcome.out


def test_times_in_a_table_say_which_zone_they_are_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        print_table([{"at": datetime(2026, 9, 14, 13, 30, tzinfo=UTC)}])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "2026-09-14 19:00:00+05:30" in capsys.readouterr().out


def test_tables_in_a_pipe_cut_nothing(command: RunCommand, script: PlayScript) -> None:
    reason = "x" * 300
    script(ScriptedSession([make_frame(orders=(make_order_row(reason=reason),))]))
    assert reason in command("orders").out


def test_numbers_stand_below_each_other_by_their_points(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [
        {"name": "MNQ", "average_price": price(Decimal(28290), 2), "fees": Decimal("0.5"), "size": 10},
        {"name": "ZN", "average_price": price(Decimal("110.015625"), 6), "fees": Decimal(1234), "size": 2},
        {"name": "MNQ", "average_price": price(Decimal("28290.125"), 2), "fees": Decimal(0), "size": 1},
        {"name": "YM", "average_price": price(43210.0, 0), "fees": Decimal(0), "size": 1},
        {"name": "MES", "average_price": None, "fees": Decimal(0), "size": 1},
    ]
    print_table(rows)
    printed = [line[1:].rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert printed[0] == "name   average price       fees   size"
    assert printed[2:] == [
        "MNQ    28,290.00           0.50     10",
        "ZN        110.015625   1,234.00      2",
        "MNQ    28,290.1250         0.00      1",
        "YM     43,210              0.00      1",
        "MES                        0.00      1",
    ]


def test_programs_get_the_number_of_a_price_as_it_is() -> None:
    assert json.loads(encode([{"p": price(Decimal("28290.5"), 2), "none": price(None, 2)}])) == [
        {"p": 28290.5, "none": None}
    ]
    assert '"p": 28290\n' in encode({"p": price(Decimal(28290), 2)})


def test_the_tables_of_the_shell_have_the_digits_of_the_instrument(
    command: RunCommand, script: PlayScript
) -> None:
    script(ScriptedSession([make_frame(positions=(make_position_row(average_price=Decimal(20110)),))]))
    assert " 20,110.00 " in command("positions").out
    script(SessionWithHistory(make_bars(3)))
    bar = make_bars(3).close[-1]
    assert f" {bar:,.2f} " in command("history", "MNQ").out


def test_positions_say_side_and_size(command: RunCommand, script: PlayScript) -> None:
    script(ScriptedSession([make_frame(positions=(make_position_row(size=-3),))]))
    position = command("positions", "--json").json[0]
    assert (position["side"], position["size"], position["average_price"]) == ("SHORT", 3, 20110.0)
    assert position["contract_id"] == MNQ


def test_programs_read_plain_digits_in_sentences_too(command: RunCommand, script: PlayScript) -> None:
    row = make_position_row(protection="broker stop 1,028,712.50, −20,100.00 +2 for 3 of 5")
    script(ScriptedSession([make_frame(positions=(row,))]))
    told = command("positions", "--json").json[0]["protection"]
    assert told == "broker stop 1028712.50, -20100.00 +2 for 3 of 5"


def test_nothing_to_show_is_said_in_words_or_as_an_empty_list(
    command: RunCommand, script: PlayScript
) -> None:
    script(ScriptedSession([make_frame(positions=())]))
    assert command("positions").out == "no open positions\n"
    script(ScriptedSession([make_frame(positions=())]))
    assert command("positions", "--json").json == []


def test_orders_carry_both_ids_and_their_bracket(command: RunCommand, script: PlayScript) -> None:
    script(ScriptedSession([make_frame(orders=make_bracket())]))
    rows = command("orders", "--json").json
    assert [row["order_id"] for row in rows] == ["tc-10", "tc-11", "tc-12"]
    assert [row["parent_id"] for row in rows] == [None, "tc-10", "tc-10"]
    assert isinstance(rows[0]["id"], int)
    assert rows[0]["status"] == "filled"
    assert rows[1]["stop_price"] == 20100.0


def test_an_order_refused_for_its_bracket_names_the_one_in_its_place(
    command: RunCommand, script: PlayScript
) -> None:
    refused = make_order_row(
        order_id="tc-09",
        status=OrderStatus.REJECTED,
        is_open=False,
        replaced_by="tc-10",
        reason="replaced: kept",
    )
    frame = make_frame(orders=(*make_bracket(), refused))
    script(ScriptedSession([frame]))
    rows = command("orders", "--json").json
    assert [row["replaced_by"] for row in rows] == [None, None, None, "tc-10"]
    script(ScriptedSession([frame]))
    assert "replaced: kept" in command("orders").out


def test_open_orders_alone(command: RunCommand, script: PlayScript) -> None:
    script(ScriptedSession([make_frame(orders=make_bracket())]))
    assert [row["role"] for row in command("orders", "--open", "--json").json] == ["stop-loss", "take-profit"]


@pytest.mark.parametrize("wanted", ["1002", "EVAL-100K-1002"])
def test_another_account_is_found_by_name_or_id(command: RunCommand, script: PlayScript, wanted: str) -> None:
    first = make_frame()
    assert first.header is not None
    other = make_account(account_id="1002", name="EVAL-100K-1002")
    header = first.header.model_copy(update={"account": other})
    theirs = (make_order_row(order_id="tc-77", account_id="1002"),)
    session = ScriptedSession([first, make_frame(header=header, orders=theirs, positions=())])
    script(session)
    assert [row["order_id"] for row in command("orders", "--account", wanted, "--json").json] == ["tc-77"]
    assert session.focuses == [Focus(account_id="1002", chart=False)]


def test_an_unknown_account_is_refused_with_the_known_ones(command: RunCommand, script: PlayScript) -> None:
    script(ScriptedSession([make_frame()]))
    outcome = command("orders", "--account", "XFA")
    assert outcome.code == 3
    assert "known are PRAC-50K-1001, EVAL-100K-1002" in outcome.err


def test_a_picture_that_comes_in_parts_is_waited_for(command: RunCommand, script: PlayScript) -> None:
    whole = make_frame()
    parts = [Frame(header=whole.header), Frame(orders=whole.orders), Frame(positions=whole.positions)]
    script(ScriptedSession(parts))
    assert len(command("orders", "--json").json) == len(whole.orders or ())


def test_history_prints_the_oldest_bar_first(command: RunCommand, script: PlayScript) -> None:
    bars = make_bars(3)
    session = SessionWithHistory(bars)
    script(session)
    rows = command(
        "history",
        "MNQ",
        "--timeframe",
        "5m",
        "--from",
        "2026-09-14",
        "--to",
        "2026-09-15T10:00:00-05:00",
        "--limit",
        "3",
        "--json",
    ).json
    assert session.asked == [
        History(
            symbol="MNQ",
            timeframe="5m",
            start=datetime(2026, 9, 14, tzinfo=UTC),
            end=datetime(2026, 9, 15, 15, tzinfo=UTC),
            limit=3,
        )
    ]
    assert [row["t"] for row in rows] == sorted(row["t"] for row in rows)
    assert list(rows[0]) == ["t", "o", "h", "l", "c", "v"]
    assert rows[-1]["c"] == bars.close[-1]
    assert rows[0]["t"].endswith("+00:00")
    assert isinstance(rows[0]["v"], int)
