"""The path inside a bar keeps to the bar."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.exchange.candle import Candle
from tradeconsole.exchange.path import closing_quote, walk


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    low = draw(st.integers(-50, 100_000))
    high = low + draw(st.integers(0, 80))
    prices = st.integers(low, high)
    start = draw(st.integers(1_000_000, 2_000_000)) * 60_000_000
    volume = draw(st.one_of(st.integers(0, 6), st.integers(7, 20_000)))
    length = draw(st.sampled_from([60, 300]))
    return Candle(start, start + length * 1_000_000, draw(prices), high, low, draw(prices), volume)


@settings(max_examples=200, deadline=None)
@given(candle=candles(), seed=st.integers(0, 2**32 - 1), prints=st.integers(1, 300))
def test_prints_have_the_open_high_low_close_and_volume_of_their_bar(
    candle: Candle, seed: int, prints: int
) -> None:
    steps = list(walk(candle, seed, prints, 10, candle.open))
    traded = [step for step in steps if step[7]]
    prices = [step[5] for step in traded]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (
        candle.open,
        candle.high,
        candle.low,
        candle.close,
    )
    assert sum(step[6] for step in traded) == candle.volume
    assert len(traded) <= max(4, min(prints, candle.volume))


@settings(max_examples=200, deadline=None)
@given(candle=candles(), seed=st.integers(0, 2**32 - 1))
def test_quotes_are_never_crossed_stay_at_the_bar_and_hold_every_print(candle: Candle, seed: int) -> None:
    steps = list(walk(candle, seed, 200, 10, candle.open))
    times = [step[0] for step in steps]
    assert times == sorted(times)
    assert candle.start <= times[0]
    assert times[-1] < candle.end
    quote = None
    for _, bid, ask, bid_size, ask_size, price, _, side in steps:
        assert bid < ask
        assert ask >= candle.low
        assert bid <= candle.high
        assert min(bid_size, ask_size) >= 1
        if side:
            assert (bid, ask) == quote
            assert price == (ask if side > 0 else bid)
        quote = (bid, ask)
    assert quote == closing_quote(seed, candle.start, candle.close)


def test_the_same_bar_and_seed_give_the_same_path_and_another_seed_another() -> None:
    candle = Candle(0, 60_000_000, 100, 120, 90, 110, 900)
    assert list(walk(candle, 1, 200, 10, 100)) == list(walk(candle, 1, 200, 10, 100))
    assert list(walk(candle, 1, 200, 10, 100)) != list(walk(candle, 2, 200, 10, 100))
