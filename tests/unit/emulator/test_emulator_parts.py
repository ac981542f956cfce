"""Clock, tokens, budgets, formats and faults of the emulator."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeconsole.emulator.clock import GatewayClock
from tradeconsole.emulator.faults import EventFault, Faults, Hub, RestFault
from tradeconsole.emulator.formats import hub_time, milli_time, number, rest_time
from tradeconsole.emulator.limits import Budget, RequestBudgets
from tradeconsole.emulator.marks import Marks
from tradeconsole.emulator.tokens import LIFETIME_SECONDS, TokenError, TokenIssuer, secret_of

START = datetime(2026, 8, 19, 20, 51, tzinfo=UTC)


class Seconds:
    """A source of seconds that a test moves."""

    def __init__(self) -> None:
        self.value = 1000.0

    def __call__(self) -> float:
        return self.value


def test_a_clock_runs_at_its_speed_and_never_backwards() -> None:
    seconds = Seconds()
    clock = GatewayClock(START, speed=60, source=seconds)
    seconds.value += 1
    assert clock.now() == START + timedelta(minutes=1)
    seconds.value -= 30
    assert clock.now() == START + timedelta(minutes=1)


def test_a_frozen_clock_moves_only_by_steps() -> None:
    seconds = Seconds()
    clock = GatewayClock(START, source=seconds)
    clock.freeze()
    seconds.value += 100
    assert clock.seconds_until(START) is None
    assert clock.step(timedelta(seconds=5)) == clock.now() == START + timedelta(seconds=5)
    clock.resume()
    seconds.value += 1
    assert clock.now() == START + timedelta(seconds=6)


def test_waiting_is_told_in_real_seconds() -> None:
    clock = GatewayClock(START, speed=60, source=Seconds())
    assert clock.seconds_until(START + timedelta(minutes=2)) == 2.0
    assert clock.seconds_until(START - timedelta(minutes=2)) == 0.0


def test_a_clock_cannot_step_back_or_stand_still_by_speed() -> None:
    clock = GatewayClock(START)
    with pytest.raises(ValueError, match="step back"):
        clock.step(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="above zero"):
        clock.set_speed(0)


def issuer_of(secret: bytes, seconds: Seconds) -> TokenIssuer:
    return TokenIssuer(secret, seconds=seconds, draw_id=Marks(None).token)


def test_a_token_is_a_three_part_jwt_with_a_numeric_exp_24_hours_on() -> None:
    seconds = Seconds()
    token = issuer_of(b"secret", seconds).issue("demo")
    header, payload, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "HS256"
    assert claims["exp"] - claims["iat"] == LIFETIME_SECONDS
    assert claims["name"] == "demo"


def test_tokens_expire_are_revoked_and_do_not_open_another_gateway() -> None:
    seconds = Seconds()
    issuer = issuer_of(b"secret", seconds)
    token, other = issuer.issue("demo"), issuer.issue("demo")
    claims = issuer.check(token)
    issuer.revoke(claims)
    with pytest.raises(TokenError, match="revoked"):
        issuer.check(token)
    with pytest.raises(TokenError, match="signature key was not found"):
        issuer_of(b"else", seconds).check(other)
    seconds.value += LIFETIME_SECONDS
    with pytest.raises(TokenError, match="expired"):
        issuer.check(other)


def test_a_generation_of_tokens_can_be_ended() -> None:
    issuer = issuer_of(b"secret", Seconds())
    old = issuer.issue("demo")
    issuer.expire_all()
    with pytest.raises(TokenError, match="expired"):
        issuer.check(old)
    assert issuer.check(issuer.issue("demo")).sub == "demo"


@given(st.text(max_size=60))
def test_nonsense_is_never_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        issuer_of(b"secret", Seconds()).check(text)


def test_a_seed_alone_does_not_tell_what_tokens_are_signed_with() -> None:
    secret = secret_of(7, ["anns", "bobs"])
    assert secret == secret_of(7, ["anns", "bobs"])
    for seed, keys in ((8, ["anns", "bobs"]), (7, ["anns"]), (7, ["bobs", "anns"]), (7, [])):
        assert secret_of(seed, keys) != secret


def test_the_51st_history_request_in_30_seconds_is_refused_until_the_first_leaves_the_window() -> None:
    seconds = Seconds()
    budgets = RequestBudgets(seconds=seconds)
    for _ in range(50):
        assert budgets.admit("demo", Budget.HISTORY) is None
        seconds.value += 0.1
    assert budgets.admit("demo", Budget.HISTORY) == pytest.approx(25.0)
    assert budgets.admit("demo", Budget.OTHER) is None
    assert budgets.admit("other", Budget.HISTORY) is None
    seconds.value += 25.0
    assert budgets.admit("demo", Budget.HISTORY) is None
    assert budgets.used("demo", Budget.HISTORY) == 50


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (29547.0, "29547"),
        (29542.25, "29542.25"),
        (0.0000005, "0.0000005"),
        (Decimal("5E-7"), "0.0000005"),
        (Decimal("6335.250000000"), "6335.25"),
        (Decimal("2.95E+4"), "29500"),
        (-0.5, "-0.5"),
        (100, "100"),
    ],
)
def test_numbers_are_written_minimally_and_without_exponent(value: Decimal | float, text: str) -> None:
    assert number(value) == text


def test_times_are_written_as_each_surface_writes_them() -> None:
    moment = datetime(2026, 8, 16, 23, 26, 2, 156_730, tzinfo=UTC)
    assert rest_time(moment) == "2026-08-16T23:26:02.15673+00:00"
    assert rest_time(moment.replace(microsecond=0)) == "2026-08-16T23:26:02+00:00"
    assert milli_time(moment) == "2026-08-16T23:26:02.156+00:00"
    assert hub_time(moment.replace(microsecond=156_733)) == "2026-08-16T23:26:02.1567331+00:00"
    assert hub_time(moment.replace(microsecond=0)) == "2026-08-16T23:26:02+00:00"


def test_a_rest_fault_hits_as_many_matching_calls_as_ordered() -> None:
    faults = Faults()
    faults.add_rest(RestFault(path="order/place", calls=2, status=503))
    assert faults.next_rest("/api/order/cancel") is None
    hits = [faults.next_rest("/api/order/place") for _ in range(3)]
    assert [hit.status if hit else None for hit in hits] == [503, 503, None]


def test_faults_end_by_time_by_count_or_when_cleared() -> None:
    seconds = Seconds()
    faults = Faults(seconds)
    faults.mute(Hub.MARKET, 10)
    faults.throttle(5)
    faults.add_events(EventFault.DROP, 1)
    assert len(faults.pending()) == 3
    assert faults.next_events() is EventFault.DROP
    assert faults.next_events() is None
    seconds.value += 6
    assert faults.throttled_for == 0
    assert faults.is_mute(Hub.MARKET)
    assert not faults.is_mute(Hub.USER)
    faults.clear()
    assert faults.pending() == []
