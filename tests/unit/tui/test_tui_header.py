"""The header says whose money it is and whether the picture can be trusted, at any width."""

from decimal import Decimal

import pytest
from factories import CHICAGO, NOW, make_account, make_header_view

from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.tui.widgets.header import KIND_WORDS, figures_line, gain_style, identity_line
from tradeconsole.views.models import BudgetView, ChannelView, SessionView


@pytest.mark.parametrize("kind", list(AccountKind))
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_kind_of_account_is_written_out_at_every_width(kind: AccountKind, width: int) -> None:
    line = identity_line(make_header_view(account=make_account(kind=kind)), width)
    assert KIND_WORDS[kind] in line.plain
    assert "PRAC-50K-1001" in line.plain


def test_kinds_differ_in_word_and_colour() -> None:
    lines = [identity_line(make_header_view(account=make_account(kind=kind)), 80) for kind in AccountKind]
    assert len({line.plain for line in lines}) == len(AccountKind)
    assert len({str(line.spans[0].style) for line in lines}) == len(AccountKind)


def test_armed_is_a_word_and_a_symbol() -> None:
    assert "■ ARMED" in identity_line(make_header_view(armed=True), 80).plain
    assert "□ disarmed" in identity_line(make_header_view(armed=False), 80).plain


def test_a_stale_channel_is_named_with_its_age_even_when_narrow() -> None:
    channels = (
        ChannelView(channel=Channel.ORDERS, state=ChannelState.UP, age=0.1),
        ChannelView(channel=Channel.MARKET, state=ChannelState.STALE, age=31.0),
    )
    assert "◐ market stale 31s" in identity_line(make_header_view(channels=channels), 80).plain


def test_a_book_that_is_not_synced_says_so() -> None:
    assert "not synced" in identity_line(make_header_view(synced=False), 80).plain


@pytest.mark.parametrize("width", range(1, 200, 7))
def test_no_line_is_wider_than_the_terminal_unless_a_single_fact_is(width: int) -> None:
    view = make_header_view()
    for line, least in ((identity_line(view, width), 26), (figures_line(view, width), 12)):
        assert line.cell_length <= max(width, least)


def test_engine_silence_is_the_last_thing_to_go() -> None:
    line = figures_line(make_header_view(), 24, silent=3.2)
    assert "ENGINE SILENT 3 s" in line.plain


def test_requests_that_run_short_are_told() -> None:
    general = BudgetView(name="general", used=171, limit=180, window=60.0)
    history = BudgetView(name="history", used=44, limit=45, window=30.0)
    line = figures_line(make_header_view(scarce=(general, history)), 200).plain
    assert "◐ requests 171/180" in line
    assert "◐ history requests 44/45" in line
    assert "requests" not in figures_line(make_header_view(), 200).plain


def test_a_screen_that_lags_says_so() -> None:
    assert "SCREEN LATE 0.8 s" in figures_line(make_header_view(), 120, late=0.8).plain


def test_storage_that_spools_says_so_and_why() -> None:
    line = figures_line(make_header_view(storage="spooling", storage_note="12 records wait"), 160)
    assert "db spooling: 12 records wait" in line.plain


def test_the_session_clock_names_its_calendar_and_the_next_change() -> None:
    clock = NOW.astimezone(CHICAGO)
    session = SessionView(
        calendar="CME", is_open=True, clock=clock, changes_at=clock.replace(hour=16, minute=0, second=0)
    )
    line = figures_line(make_header_view(session=session), 160)
    assert "CME 09:31:02" in line.plain
    assert "closes 16:00" in line.plain


def test_a_closed_market_says_when_it_opens_with_the_day() -> None:
    clock = NOW.astimezone(CHICAGO)
    opens = clock.replace(day=18, hour=17, minute=0)
    session = SessionView(calendar="CME", is_open=False, clock=clock, changes_at=opens, note="holiday")
    line = figures_line(make_header_view(session=session), 160)
    assert "opens Sun 17:00" in line.plain
    assert "holiday" in line.plain


def test_gains_and_losses_differ_by_sign_as_well_as_colour() -> None:
    line = figures_line(make_header_view(open_pnl=Decimal("12.5"), day_pnl=Decimal(-3)), 120)
    assert "open +12.50" in line.plain
    assert "day −3.00" in line.plain
    assert (gain_style(Decimal(1)), gain_style(Decimal(-1)), gain_style(Decimal(0))) == (
        "$trade-up",
        "$trade-down",
        "",
    )
