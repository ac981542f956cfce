"""The REST half on real sockets: what each way of failing means for an order."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from projectx_peer import KEY, QUICK, Answer, Garbage, Hang, HangUp, Peer, Reply, jwt, no, ok, running_peer

from tradeconsole.brokers.projectx import wire
from tradeconsole.brokers.projectx.endpoints import (
    ACCOUNTS,
    BARS,
    CLOSE_CONTRACT,
    ORDER_CANCEL,
    ORDER_PLACE,
    ORDER_QUERY,
    PARTIAL_CLOSE,
)
from tradeconsole.brokers.projectx.rest import EndpointMissing, RestClient
from tradeconsole.domain.events import ChannelState
from tradeconsole.errors import (
    AuthenticationFailed,
    BrokerRejected,
    BrokerUnavailable,
    OrderInDoubt,
    RateLimited,
)

PLACE = "/api/Order/place"
SEARCH = "/api/Account/search"
LOGIN = "/api/Auth/loginKey"

ORDER = wire.PlaceBody(account_id=1, contract_id="CON.F.US.MNQ.Z26", type=2, side=0, size=1, custom_tag="t")
ALL = wire.AccountSearchBody(only_active_accounts=True)
BARS_BODY = wire.BarsBody(
    contract_id="CON.F.US.MNQ.Z26",
    live=False,
    start_time=datetime(2026, 8, 19, tzinfo=UTC),
    end_time=datetime(2026, 8, 20, tzinfo=UTC),
    unit=2,
    unit_number=1,
    limit=20_000,
    include_partial_bar=False,
)


class Heard:
    """What the client reported."""

    def __init__(self) -> None:
        self.states: list[tuple[ChannelState, str]] = []
        self.stages: list[str] = []
        self.times: list[datetime] = []


@asynccontextmanager
async def client_of(peer: Peer, heard: Heard | None = None, **changes: object) -> AsyncIterator[RestClient]:
    heard = heard or Heard()
    client = RestClient(
        peer.connection(**changes),
        timings=QUICK,
        report=lambda state, reason: heard.states.append((state, reason)),
        observe=lambda stage, seconds: heard.stages.append(stage),
        observe_time=heard.times.append,
    )
    try:
        yield client
    finally:
        await client.close()


# -- placements: sent once, whatever happens ---------------------------------------------------------------------


async def test_an_accepted_order_returns_its_id() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = ok(orderId=3425270858)
        assert (await client.call(ORDER_PLACE, ORDER)).order_id == 3425270858
        assert peer.sent_to(PLACE)[0].body == {
            "accountId": 1,
            "contractId": "CON.F.US.MNQ.Z26",
            "type": 2,
            "side": 0,
            "size": 1,
            "customTag": "t",
        }


@pytest.mark.parametrize(
    "failure",
    [
        HangUp(),
        Hang(),
        Garbage(),
        Answer(status=500),
        Answer(b"<html>bad gateway</html>", status=502),
        Answer(status=503),
        Answer(status=302, headers={"Location": "/elsewhere"}),
        Answer(b""),
        Answer(b"<html>maintenance</html>"),
        Answer(b'{"orderId":1,"succ'),
        Answer({"orderId": 5}),
        no(6),
        no(7),
    ],
    ids=lambda failure: (
        f"{failure.status}-{str(failure.body)[:24]}"
        if isinstance(failure, Answer)
        else type(failure).__name__
    ),
)
async def test_a_placement_without_a_clear_answer_is_in_doubt_and_was_sent_once(failure: Reply) -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = failure
        with pytest.raises(OrderInDoubt):
            await client.call(ORDER_PLACE, ORDER)
        assert len(peer.sent_to(PLACE)) == 1


async def test_a_connection_that_dies_in_use_is_in_doubt_although_it_was_kept_alive() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = [ok(orderId=1), HangUp()]
        await client.call(ORDER_PLACE, ORDER)
        with pytest.raises(OrderInDoubt, match="connection was lost"):
            await client.call(ORDER_PLACE, ORDER)
        assert len(peer.sent_to(PLACE)) == 2


async def test_a_placement_that_cannot_connect_was_certainly_not_sent() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = ok(orderId=1)
        await client.call(ORDER_PLACE, ORDER)
        token = await client.tokens.current()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    peer.url = f"http://127.0.0.1:{port}"
    async with client_of(peer) as client:
        client.tokens._keep(token)
        with pytest.raises(BrokerUnavailable, match="connection refused"):
            await client.call(ORDER_PLACE, ORDER)


async def test_a_host_that_does_not_exist_was_certainly_not_reached() -> None:
    peer = Peer()
    peer.url = "http://gateway.invalid"
    async with client_of(peer) as client:
        client.tokens._keep(jwt())
        with pytest.raises(BrokerUnavailable, match=r"gateway\.invalid"):
            await client.call(ORDER_PLACE, ORDER)


async def test_a_spent_budget_is_not_sent() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        await client.tokens.current()
        client._general.hold(60)
        with pytest.raises(BrokerUnavailable, match="not sent"):
            await client.call(ORDER_PLACE, ORDER)
        assert not peer.sent_to(PLACE)


async def test_a_refusal_keeps_text_code_and_the_id_it_was_stored_under() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = no(2, "Invalid limit price. Price is not aligned to tick size.", orderId=9057)
        with pytest.raises(BrokerRejected, match="not aligned") as caught:
            await client.call(ORDER_PLACE, ORDER)
        assert (caught.value.code, caught.value.broker_order_id) == (2, "9057")


async def test_a_refusal_is_one_line_that_a_terminal_can_take() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = [
            no(2, "No\x1b[2J,\r\n\t not  now."),
            Answer({"title": "Wrong\n\x07" + "x" * 5000}, status=400),
            no(2, "\n"),
        ]
        said = []
        for _ in range(3):
            with pytest.raises(BrokerRejected) as caught:
                await client.call(ORDER_PLACE, ORDER)
            said.append(str(caught.value))
        assert said[0] == "No [2J, not now."
        assert said[1].startswith("the gateway refused the request: Wrong xxx")
        assert said[1].endswith("x…")
        assert len(said[1]) < 400
        assert said[2] == "the gateway rejected the order and does not say why"


async def test_a_refusal_without_words_gets_ours() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = no(5)
        with pytest.raises(BrokerRejected, match="outside trading hours"):
            await client.call(ORDER_PLACE, ORDER)


async def test_codes_mean_what_their_own_endpoint_says() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script["/api/Position/closeContract"] = no(5)
        peer.script["/api/Position/partialCloseContract"] = no(5)
        peer.script["/api/Order/cancel"] = no(5)
        body = wire.CloseBody(account_id=1, contract_id="c")
        with pytest.raises(BrokerRejected, match="closing order was rejected"):
            await client.call(CLOSE_CONTRACT, body)
        with pytest.raises(BrokerRejected, match="not between 1 and the size"):
            await client.call(PARTIAL_CLOSE, body)
        with pytest.raises(BrokerRejected, match="it may be finished already"):
            await client.call(ORDER_CANCEL, wire.OrderIdBody(account_id=1, order_id=2))


async def test_too_many_requests_was_not_placed() -> None:
    heard = Heard()
    async with running_peer() as peer, client_of(peer, heard) as client:
        peer.script[PLACE] = Answer(status=429)
        with pytest.raises(RateLimited):
            await client.call(ORDER_PLACE, ORDER)
        assert len(peer.sent_to(PLACE)) == 1
        assert heard.states[-1][0] is ChannelState.UP


async def test_after_too_many_requests_a_cancel_still_goes_out() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = Answer(status=429, headers={"Retry-After": "60"})
        peer.script["/api/Order/cancel"] = ok()
        with pytest.raises(RateLimited):
            await client.call(ORDER_PLACE, ORDER)
        await client.call(ORDER_CANCEL, wire.OrderIdBody(account_id=1, order_id=2))
        with pytest.raises(BrokerUnavailable, match="not sent"):
            await client.call(ORDER_PLACE, ORDER)


async def test_a_malformed_request_is_told_by_its_field() -> None:
    problem = {
        "title": "One or more validation errors occurred.",
        "status": 400,
        "errors": {
            "request": ["The request field is required."],
            "$.accountId": ["The JSON value could not be converted to System.Int32."],
        },
    }
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = Answer(problem, status=400)
        with pytest.raises(BrokerRejected, match=r"request: The JSON value could not be converted") as caught:
            await client.call(ORDER_PLACE, ORDER)
        assert caught.value.code == 400


# -- reads -------------------------------------------------------------------------------------------------------


async def test_a_read_is_repeated_once_when_the_connection_failed() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[SEARCH] = [HangUp(), ok(accounts=[])]
        assert (await client.call(ACCOUNTS, ALL)).accounts == []
        peer.script[SEARCH] = HangUp()
        with pytest.raises(BrokerUnavailable):
            await client.call(ACCOUNTS, ALL)
        assert len(peer.sent_to(SEARCH)) == 4


@pytest.mark.parametrize("failure", [Answer(status=500), Answer(b""), Answer(b"<html>")])
async def test_a_read_that_fails_is_unavailable(failure: Answer) -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[SEARCH] = failure
        with pytest.raises(BrokerUnavailable):
            await client.call(ACCOUNTS, ALL)


async def test_a_missing_endpoint_can_be_told_apart() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        body = wire.OrderQueryBody(filter=wire.OrderFilter(account_id=1), page_size=1, page_offset=0)
        with pytest.raises(EndpointMissing, match="v2/query"):
            await client.call(ORDER_QUERY, body)


async def test_few_downloads_are_under_way_at_once_and_a_cancel_waits_for_none() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script |= {"/api/History/retrieveBars": Hang(), "/api/Order/cancel": ok()}
        await client.tokens.current()
        downloads = [asyncio.create_task(client.call(BARS, BARS_BODY)) for _ in range(20)]
        while not peer.sent_to("/api/History/retrieveBars"):
            await asyncio.sleep(0.001)
        await client.call(ORDER_CANCEL, wire.OrderIdBody(account_id=1, order_id=2))
        assert len(peer.sent_to("/api/History/retrieveBars")) <= 4
        for download in downloads:
            download.cancel()
        await asyncio.gather(*downloads, return_exceptions=True)


async def test_null_payloads_are_accepted() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[SEARCH] = ok(accounts=None)
        assert (await client.call(ACCOUNTS, ALL)).accounts is None


async def test_a_large_reply_is_decoded_whole() -> None:
    bar = {"t": "2026-08-19T20:51:00+00:00", "o": 29546, "h": 29548.75, "l": 29546, "c": 29547.25, "v": 148}
    async with running_peer() as peer, client_of(peer) as client:
        peer.script["/api/History/retrieveBars"] = ok(bars=[bar] * 2000)
        bars = (await client.call(BARS, BARS_BODY)).bars
        assert bars is not None
        assert len(bars) == 2000


async def test_requests_carry_aware_utc_times() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script["/api/History/retrieveBars"] = ok(bars=[])
        await client.call(BARS, BARS_BODY)
        sent = peer.sent_to("/api/History/retrieveBars")[0].body
        assert sent["startTime"] == "2026-08-19T00:00:00Z"
        assert sent["includePartialBar"] is False


# -- the token ---------------------------------------------------------------------------------------------------


def refusing(tokens: set[str], reply: Reply) -> Callable[[object], Reply]:
    def answer(call: object) -> Reply:
        return Answer(status=401) if getattr(call, "token", None) in tokens else reply

    return answer


async def test_an_expired_token_brings_one_login_and_the_call_goes_on() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = refusing({jwt(1)}, ok(orderId=4))
        assert (await client.call(ORDER_PLACE, ORDER)).order_id == 4
        assert [call.token for call in peer.sent_to(PLACE)] == [jwt(1), jwt(2)]


async def test_calls_that_fail_together_log_in_once() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[SEARCH] = refusing({jwt(1)}, ok(accounts=[]))
        await asyncio.gather(*(client.call(ACCOUNTS, ALL) for _ in range(5)))
        assert peer.logins == 2


async def test_a_token_that_is_refused_for_ever_ends_the_attempts() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[PLACE] = Answer(status=401)
        with pytest.raises(AuthenticationFailed):
            await client.call(ORDER_PLACE, ORDER)
        assert len(peer.sent_to(PLACE)) == 2


async def test_a_token_is_renewed_before_it_expires() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[LOGIN] = ok(token=jwt(1, lifetime=24))
        peer.script["/api/Auth/validate"] = ok(newToken=jwt(2))
        peer.script[SEARCH] = ok(accounts=[])
        await client.call(ACCOUNTS, ALL)
        client.tokens._monotonic = lambda: 1e9
        await client.call(ACCOUNTS, ALL)
        assert [call.token for call in peer.sent_to(SEARCH)] == [jwt(1, lifetime=24), jwt(2)]


async def test_a_renewal_that_fails_leaves_the_old_token_in_use() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script["/api/Auth/validate"] = Answer(status=500)
        peer.script[SEARCH] = ok(accounts=[])
        await client.call(ACCOUNTS, ALL)
        client.tokens._monotonic = lambda: 1e9
        await client.call(ACCOUNTS, ALL)
        assert [call.token for call in peer.sent_to(SEARCH)] == [jwt(1), jwt(1)]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (no(3, token=None), "user name or API key is wrong"),
        (no(9, token=None), "no API subscription"),
        (no(7, "Please log into the ProjectX platform"), "Please log into"),
        (Answer(status=400), "HTTP 400"),
        (ok(token=None), "without a token"),
    ],
)
async def test_wrong_credentials_say_what_to_do(reply: Answer, words: str) -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[LOGIN] = reply
        with pytest.raises(AuthenticationFailed, match=words):
            await client.call(ACCOUNTS, ALL)


async def test_a_login_that_cannot_be_answered_is_no_wrong_password() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[LOGIN] = Answer(status=502)
        with pytest.raises(BrokerUnavailable):
            await client.call(ACCOUNTS, ALL)


# -- what others hear --------------------------------------------------------------------------------------------


async def test_health_and_latency_and_time_are_told() -> None:
    heard = Heard()
    async with running_peer() as peer, client_of(peer, heard) as client:
        date = {"Date": "Wed, 04 Dec 2013 15:30:00 GMT"}
        peer.script[SEARCH] = [
            Answer(ok(accounts=[]).body, headers=date),
            HangUp(),
            HangUp(),
            ok(accounts=[]),
        ]
        await client.call(ACCOUNTS, ALL)
        with pytest.raises(BrokerUnavailable):
            await client.call(ACCOUNTS, ALL)
        await client.call(ACCOUNTS, ALL)
    states = [state for state, _ in heard.states]
    assert states == [ChannelState.UP, ChannelState.UP, ChannelState.DOWN, ChannelState.UP]
    assert "rest.login" in heard.stages
    assert "rest.accounts" in heard.stages
    assert heard.times == [datetime(2013, 12, 4, 15, 30, tzinfo=UTC)]


async def test_failing_history_says_nothing_about_orders() -> None:
    heard = Heard()
    async with running_peer() as peer, client_of(peer, heard) as client:
        peer.script["/api/History/retrieveBars"] = Answer(status=500)
        with pytest.raises(BrokerUnavailable):
            await client.call(BARS, BARS_BODY)
    assert ChannelState.DOWN not in [state for state, _ in heard.states]


async def test_the_budget_counts_every_request() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[SEARCH] = ok(accounts=[])
        await client.call(ACCOUNTS, ALL)
        general, history = client.budgets()
        assert (general.used, history.used) == (2, 0)
        assert (general.limit, general.window, history.limit, history.window) == (200, 60.0, 45, 30.0)


async def test_what_never_left_is_not_counted() -> None:
    async with running_peer() as peer, client_of(peer) as client:
        peer.script[SEARCH] = HangUp()
        with pytest.raises(BrokerUnavailable):
            await client.call(ACCOUNTS, ALL)
        assert client.budgets()[0].used == 3  # a login, and a read that was repeated
        token = await client.tokens.current()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        peer.url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    async with client_of(peer) as client:
        client.tokens._keep(token)
        with pytest.raises(BrokerUnavailable, match="connection refused"):
            await client.call(ACCOUNTS, ALL)
        assert client.budgets()[0].used == 0


async def test_no_secret_reaches_logs_errors_or_reprs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    async with running_peer() as peer, client_of(peer) as client:
        said += [repr(client), repr(peer.connection())]
        for failure in (Answer(status=401), HangUp(), Hang(), Answer(b"<x>"), no(2)):
            peer.script[PLACE] = failure
            try:
                await client.call(ORDER_PLACE, ORDER)
            except Exception as error:
                said += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
        peer.script[LOGIN] = no(3)
        client.tokens.refuse(await client.tokens.current())
        with pytest.raises(AuthenticationFailed) as caught:
            await client.call(ACCOUNTS, ALL)
        said.append(str(caught.value))
    text = caplog.text + "".join(said)
    assert KEY not in text
    assert "eyJ" not in text
    assert "c2lnbmF0dXJl" not in text
