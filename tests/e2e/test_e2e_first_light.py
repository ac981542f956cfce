"""First light, by keys alone in a real terminal: trade, leave or be killed, come back, find everything as it was."""

import re
import time
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple

import pytest
from gateways import Json, Rest
from homes import Home
from terminal import TerminalError
from trader import Trader

LARGE = (200, 60)
"""Shows all lists of the trade screen at once."""

TALL = (200, 90)
"""Shows every order of three brackets and two exits at once."""

STOP_TICKS, TARGET_TICKS = 400, 800
TICK = Decimal("0.25")
POINT_VALUE = 2
SIZE = 2
FEES = Decimal("0.61") * SIZE * 2
"""Both sides of two MNQ."""


CONNECTED = re.compile(r"(Order channel|Account stream|Market data) (up|is)")
"""What the feed says anew at each start."""


TOAST = re.compile("▌")
"""The edge of a message that passes."""


class Memory(NamedTuple):
    """What must be the same after a restart: rows as they are on screen, moving prices left out."""

    positions: list[str]
    orders: list[str]
    fills: list[str]
    round_trips: list[str]
    news: list[str]


def memory_of(trader: Trader) -> Memory:
    """Read the large trade screen."""
    return Memory(
        positions=[
            re.sub(r"(MNQ\w+\s+[\d,.]+).*?((?:\d/\d )?broker stop|!!)", r"\1 \2", row)
            for row in rows(trader, "Positions")
        ],
        orders=rows(trader, "Orders"),
        fills=rows(trader, "Fills"),
        round_trips=rows(trader, "Round trips"),
        news=[row for row in rows(trader, "Feed") if not CONNECTED.search(row)],
    )


def settled_memory_of(trader: Trader) -> Memory:
    """Read it when no part of the screen is about to be repainted, nor lies under a message that will go."""
    last = None
    while True:
        trader.terminal.wait_gone(TOAST)
        memory = memory_of(trader)
        if memory == last and not TOAST.search(trader.terminal.screen()):
            return memory
        last = memory
        time.sleep(0.25)


def rows(trader: Trader, title: str) -> list[str]:
    """Rows of a list below its header, without the cursor."""
    lines = trader.panel(title)
    return [line.lstrip("▸ ") for line in lines if re.search(r"\d", line)]


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))


def wait_price(trader: Trader, role: str) -> Decimal:
    """The price of the working order of a role."""
    return number(trader.wait_row("Orders", rf"([\d,.]+) working +{role}")[1])


def open_console(home: Home, terminal_size: tuple[int, int] = LARGE) -> Trader:
    trader = Trader(home.console(size=terminal_size))
    trader.wait_ready()
    trader.show_trade()
    return trader


def test_a_trader_buys_with_a_bracket_moves_the_stop_cancels_the_target_and_flattens(home: Home) -> None:
    with home.console(size=(120, 40)) as terminal:
        trader = Trader(terminal)
        trader.wait_ready()
        trader.show_trade()

        trader.buy_refused(SIZE)
        trader.arm()
        trader.buy(SIZE, stop=STOP_TICKS, target=TARGET_TICKS)
        paid = number(trader.wait_row("Orders", r"BUY +2/2 MNQ\w+ +([\d,.]+) filled +entry")[1])
        entry = number(trader.wait_row("Feed", r"bought 2 MNQ\w+ @ ([\d,.]+)")[1])
        assert paid == entry
        stop, target = wait_price(trader, "stop"), wait_price(trader, "target")
        assert (entry - stop, target - entry) == (STOP_TICKS * TICK, TARGET_TICKS * TICK)

        trader.wait_row("Positions", r"L 2 MNQ\w+ .*broker stop")
        first = trader.panel("Positions")
        # left to itself the market may rest for a minute
        Rest(home.endpoint).control("move", contract="MNQ", ticks=20)
        trader.wait_panel("Positions", lambda now: now and now != first, "a P&L that moves with the market")
        terminal.wait_for("SL SELL 2")
        terminal.wait_for("TP SELL 2")

        trader.select_order("stop")
        terminal.answer("K")
        terminal.press("shift+up")
        trader.wait_panel("Orders", lambda _: wait_price(trader, "stop") == stop + 2 * TICK, "the stop moved")
        terminal.press("J")
        terminal.wait_for("Loosen the stop")
        terminal.answer("y")
        trader.wait_panel(
            "Orders", lambda _: wait_price(trader, "stop") == stop + TICK, "the stop back a tick"
        )

        trader.select_order("target")
        terminal.press("x")
        trader.wait_row("Orders", r"cancelled +target")

        trader.flatten()
        trader.wait_panel("Positions", lambda now: any("Flat." in row for row in now), "no position")
        trader.show_list("Round trips")
        trip = trader.wait_row(
            "Round trips", r"LONG +2 MNQ\w+ .*?([\d,.]+) +([\d,.]+) .* ([−+][\d,.]+|0.00)$"
        )
        bought, sold, net = map(number, trip.groups())
        assert bought == entry
        assert net == (sold - bought) * POINT_VALUE * SIZE - FEES
        assert trader.quit() == 0

    witness = Rest(home.endpoint)
    assert witness.position(witness.account()) == 0


def test_everything_is_as_it_was_after_leaving_and_after_a_kill(home: Home) -> None:
    with open_console(home).terminal as terminal:
        trader = Trader(terminal)
        trader.arm()
        trader.buy(1)
        trader.wait_row("Positions", r"L 1 MNQ")
        trader.flatten()
        trader.wait_row("Round trips", r"LONG +1 MNQ")
        trader.buy(SIZE, stop=STOP_TICKS, target=TARGET_TICKS)
        wait_price(trader, "stop")
        wait_price(trader, "target")
        trader.wait_row("Positions", r"L 2 MNQ\w+ .*broker stop")
        trader.disarm()
        before = settled_memory_of(trader)
        assert [len(part) for part in before[:4]] == [1, 5, 3, 1]
        assert len(before.news) > len(before.fills) + len(before.round_trips)
        assert trader.quit() == 0

    with open_console(home).terminal as terminal:
        trader = Trader(terminal)
        assert_same(trader, before)
        assert "□ disarmed" in terminal.screen()
        terminal.kill9()

    with open_console(home).terminal as terminal:
        trader = Trader(terminal)
        assert_same(trader, before)
        trader.arm()
        trader.flatten()
        trader.wait_panel("Positions", lambda now: any("Flat." in row for row in now), "no position")
        trader.wait_panel("Round trips", lambda now: len(now) == 3, "two round trips under their header")


def assert_same(trader: Trader, before: Memory) -> None:
    """Wait until the screen shows what it showed before, nothing missing, nothing twice."""
    with suppress(TerminalError):
        trader.terminal.wait_until(lambda _: memory_of(trader) == before, "the memory")
    assert memory_of(trader) == before


@pytest.mark.timeout(480)  # six consoles, one after the other
def test_a_kill_right_after_sending_leaves_at_most_one_order_and_it_is_known(home: Home) -> None:
    for kills, delay in enumerate((0.0, 0.05, 0.08), start=1):
        with open_console(home).terminal as terminal:
            trader = Trader(terminal)
            trader.arm()
            trader.fill_ticket(1, stop=STOP_TICKS, target=TARGET_TICKS)
            terminal.press("enter")
            terminal.wait_for("Send this order?")
            terminal.answer("y")
            time.sleep(delay)
            terminal.kill9()

        with open_console(home, TALL).terminal as terminal:
            trader = Trader(terminal)
            witness = Rest(home.endpoint)
            account = witness.account()
            arrived = [order["id"] for order in witness.orders(account) if is_entry(order)]
            assert len(arrived) <= kills
            trader.wait_panel("Orders", lambda now: not IN_DOUBT.search("\n".join(now)), "nothing in doubt")
            shown = [row for row in rows(trader, "Orders") if re.search(r"BUY +1/1 .* filled +entry", row)]
            assert len(shown) == len(arrived)
            if witness.position(account):
                assert witness.position(account) == 1
                assert sum(order["status"] == WORKING for order in witness.orders(account)) == 2
                trader.wait_row("Positions", r"L 1 MNQ\w+ .*broker stop")
                trader.arm()
                trader.flatten()
            trader.wait_panel("Positions", lambda now: any("Flat." in row for row in now), "no position")
            assert trader.quit() == 0


WORKING = 1
"""The gateway's word for it."""

IN_DOUBT = re.compile(r"intended|sent +entry|UNKNOWN|pending")


def is_entry(order: Json) -> bool:
    """Whether the gateway's order carries a tag that the console gives to what a person sends."""
    return re.fullmatch(r"tc-hand-\w+", order["customTag"] or "") is not None
