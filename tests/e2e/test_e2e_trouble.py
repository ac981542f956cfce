"""Trouble under a running console: the gateway dies, the database dies, nobody is there at the start."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, Rest
from homes import TRADECONSOLE, Home
from terminal import Terminal
from trader import Trader

from tradeconsole.storage.embedded import EmbeddedServer

ROUND_TRIP = r"LONG +2 MNQ\w+ +([\d,.]+) +([\d,.]+) .*?([−+]?[\d,.]+)$"
"""Entry, exit and net of a row."""


def ready(terminal: Terminal) -> Trader:
    """A console that agrees with the broker, on its trade screen."""
    trader = Trader(terminal)
    trader.wait_ready()
    trader.show_trade()
    return trader


def test_a_gateway_that_is_killed_under_the_console_comes_back_with_everything(home: Home) -> None:
    with home.console() as terminal:
        trader = ready(terminal)
        trader.arm()
        trader.buy(1, stop=400, target=800)
        trader.wait_row("Positions", r"L 1 MNQ\w+ .*broker stop")
        killed = home.emulator_pid
        home.kill_emulator()
        terminal.wait_for(re.compile(r"✗ (orders|account|market) down"))
        terminal.wait_for("○ not synced")
        trader.wait_ready()
        assert home.emulator_pid not in {killed, None}
        trader.wait_row("Positions", r"L 1 MNQ\w+ .*broker stop")
        witness = Rest(home.endpoint)
        assert len([order for order in witness.orders(witness.account()) if order["status"] == 1]) == 2
        trader.flatten()
        trader.wait_panel("Positions", lambda now: any("Flat." in row for row in now), "no position")
        assert trader.quit() == 0


def test_an_order_whose_answer_was_lost_is_found_and_never_sent_again(home: Home) -> None:
    with home.console() as terminal:
        trader = ready(terminal)
        trader.arm()
        witness = Rest(home.endpoint)
        witness.control("fail", path="order/place", lose="cut", after=True)
        trader.buy(1, stop=400, target=800)
        trader.wait_row("Orders", r"BUY +1/1 MNQ\w+ .*filled +entry")
        trader.wait_row("Positions", r"L 1 MNQ\w+ .*broker stop")
        terminal.wait_for("Known again")
        account = witness.account()
        assert len([order for order in witness.orders(account) if order["side"] == 0]) == 1
        assert witness.position(account) == 1
        trader.quit()


def test_a_stop_that_fills_while_the_console_is_away_has_filled_when_it_is_back(home: Home) -> None:
    with home.console() as terminal:
        trader = ready(terminal)
        trader.arm()
        trader.buy(1, stop=400, target=800)
        trader.wait_row("Positions", r"L 1 MNQ\w+ .*broker stop")
        trader.wait_row("Orders", r"working +target")
        terminal.kill9()
    witness = Rest(home.endpoint)
    witness.control("move", contract="MNQ", ticks=-450)
    with home.console() as terminal:
        trader = ready(terminal)
        trader.wait_row("Orders", r"filled +stop")
        trader.wait_row("Orders", r"cancelled +target")
        trader.wait_panel("Positions", lambda now: any("Flat." in row for row in now), "no position")
        trader.show_list("Round trips")
        trader.wait_row("Round trips", r"LONG +1 MNQ\w+ .*−[\d,.]+$")
        assert witness.position(witness.account()) == 0
        trader.quit()


@pytest.fixture
def database(home: Home) -> Iterator[EmbeddedServer]:
    """A PostgreSQL that the test owns, and the console only knows by its address."""
    server = EmbeddedServer(home.folder / "elsewhere", grace=0)
    server.start()
    yield server
    server.release()


def crash(server: EmbeddedServer, home: Home) -> None:
    """End a server as a crash would."""
    home.end_process(Path(server.data / "postmaster.pid"))


def test_a_database_that_dies_while_trading_loses_nothing(home: Home, database: EmbeddedServer) -> None:
    address = {"TRADECONSOLE_STORAGE__DSN": database.dsn}
    with home.console(size=(200, 60), **address) as terminal:
        trader = ready(terminal)
        terminal.wait_for("db ok")
        trader.arm()
        crash(database, home)
        trader.buy(2, stop=400, target=800)
        trader.wait_row("Positions", r"L 2 MNQ\w+ .*broker stop")
        terminal.wait_for("db spooling")
        trader.flatten()
        trader.wait_row("Round trips", r"LONG +2 MNQ")
        database.start()
        terminal.wait_for("db ok")
        trip = trader.wait_row("Round trips", ROUND_TRIP).groups()
        terminal.kill9()

    with home.console(size=(200, 60), **address) as terminal:
        trader = ready(terminal)
        assert trader.wait_row("Round trips", ROUND_TRIP).groups() == trip
        trader.wait_row("Fills", r"BUY +2 MNQ")
        trader.wait_row("Fills", r"SELL +2 MNQ")
        assert trader.quit() == 0


def test_a_console_without_a_gateway_waits_and_finds_it_when_it_comes(home: Home) -> None:
    state = ("--state", str(home.folder / "gateway"))
    with Gateway(home, *state) as first:
        port, options, key = first.port, first.arguments, first.key
        first.stop()
    with home.console(*options, **key) as terminal:
        terminal.wait_for("connection refused")
        assert "Traceback" not in terminal.screen()
        with Gateway(home, *state, "--port", str(port)):
            trader = ready(terminal)
            trader.arm()
            trader.buy(1)
            trader.wait_row("Positions", r"L 1 MNQ")
            assert trader.quit() == 0


def test_wrong_credentials_are_told_on_the_screen_and_in_the_exit_code(home: Home) -> None:
    with (
        Gateway(home) as gateway,
        home.console(*gateway.arguments, TRADECONSOLE_API_KEY="nonsense") as terminal,
    ):
        terminal.wait_for(re.compile("key is wrong|not accept"))
        assert "nonsense" not in terminal.screen()


def test_a_console_does_not_outlive_its_terminal(home: Home) -> None:
    # nohup has a program ignore that its terminal went away
    command = ["/bin/sh", "-c", f"trap '' HUP; exec {TRADECONSOLE} run"]
    with Terminal(command, env=home.environment(), cwd=str(home.folder)) as terminal:
        Trader(terminal).wait_ready()
        terminal.hang_up()
        assert terminal.wait_exit() != 0
