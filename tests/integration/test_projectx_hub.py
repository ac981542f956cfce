"""A hub on real sockets: it is kept alive through every way of dying, and says what it is going through."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from projectx_hub_peer import HubPeer, running_hub, until
from projectx_peer import QUICK

from tradeconsole.brokers.projectx.hub import Hub
from tradeconsole.brokers.projectx.hub_connection import Call
from tradeconsole.domain.events import ChannelState
from tradeconsole.errors import AuthenticationFailed, BrokerUnavailable

UP, DOWN, STALE, KICKED = ChannelState.UP, ChannelState.DOWN, ChannelState.STALE, ChannelState.KICKED
CALLS: list[Call] = [("SubscribeAccounts",), ("SubscribeOrders", 7)]
OFTEN_KICKED = msgspec.structs.replace(QUICK, kicked=(0.02, 0.1))
WIRE_CALLS = [("SubscribeAccounts", []), ("SubscribeOrders", [7])]


class Desk:
    """A hub under test with what it told."""

    def __init__(self, peer: HubPeer, **changes: object) -> None:
        self.events: list[list[object]] = []
        self.reports: list[tuple[ChannelState, str]] = []
        self.tokens = 0
        self.refused: list[str] = []
        self.opened = 0
        options: dict[str, object] = {
            "handlers": {"gatewayuserorder": self.take},
            "token": self.token,
            "refuse": self.refused.append,
            "report": lambda state, reason: self.reports.append((state, reason)),
            "timings": QUICK,
            "monotonic": asyncio.get_running_loop().time,
            "on_open": self.open,
        }
        self.hub = Hub(f"{peer.url}/hubs/user", **(options | changes))

    def open(self) -> None:
        self.opened += 1

    def take(self, arguments: msgspec.Raw) -> None:
        self.events.append(msgspec.json.decode(arguments, type=list[int]))

    async def token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens}"

    @property
    def states(self) -> list[ChannelState]:
        return [state for state, _ in self.reports]

    @property
    def state(self) -> ChannelState:
        return self.states[-1]


@asynccontextmanager
async def desk_at(peer: HubPeer, **changes: object) -> AsyncIterator[Desk]:
    desk = Desk(peer, **changes)
    await desk.hub.want(CALLS)
    desk.hub.start()
    try:
        yield desk
    finally:
        await desk.hub.close()


def up(desk: Desk, times: int = 1) -> Callable[[], bool]:
    return lambda: desk.states.count(UP) >= times


async def test_up_is_reported_when_all_subscriptions_are_confirmed() -> None:
    async with running_hub() as peer:
        peer.completes = False
        async with desk_at(peer) as desk:
            await until(lambda: peer.lines and len(peer.line.calls) == 2)
            assert desk.states == [ChannelState.CONNECTING]
            await peer.line.send({"type": 3, "invocationId": "0"}, {"type": 3, "invocationId": "1"})
            await until(up(desk))
            assert peer.subscribed() == WIRE_CALLS


async def test_events_reach_their_handler_in_order_whatever_the_case_of_their_name() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        await peer.line.event("GatewayUserOrder", 1)
        await peer.line.event("gatewayuserorder", 2)
        await peer.line.event("SomethingNew", 3)
        await peer.line.event("GatewayUserOrder", 4)
        await until(lambda: len(desk.events) == 3)
        assert desk.events == [[1], [2], [4]]


async def test_an_event_that_cannot_be_read_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        await peer.line.event("GatewayUserOrder", "not a number")
        await peer.line.event("GatewayUserOrder", 2)
        await until(lambda: desk.events)
        assert desk.events == [[2]]
        assert "GatewayUserOrder cannot be read" in caplog.text


@pytest.mark.parametrize("manner", ["abort", "close frame", "close record", "garbage"])
async def test_after_any_end_everything_is_subscribed_again_with_a_fresh_token(manner: str) -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        first = peer.line
        match manner:
            case "abort":
                await first.drop()
            case "close frame":
                await first.socket.close()
            case "close record":
                await first.send(
                    {"type": 7, "error": "Connection closed with an error.", "allowReconnect": True}
                )
            case "garbage":
                await first.socket.send_str("<html>\x1e")
        await until(up(desk, 2))
        assert peer.subscribed() == WIRE_CALLS
        assert (first.token, peer.line.token) == ("token-1", "token-2")
        assert desk.opened == 2
        assert DOWN in desk.states


async def test_a_close_record_tells_its_reason() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        await peer.line.send({"type": 7, "error": "Server\x1b\n is going down."})
        await until(up(desk, 2))
        assert any("Server is going down." in reason for _, reason in desk.reports)


async def test_a_silent_hub_is_stale_and_replaced() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        peer.pings = False
        await until(lambda: STALE in desk.states)
        peer.pings = True
        await until(up(desk, 2))
        assert any("silent" in reason for _, reason in desk.reports)


async def test_pings_alone_keep_a_hub_up_that_needs_no_data() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        await asyncio.sleep(0.6)
        assert desk.state is UP
        assert len(peer.lines) == 1
        assert peer.line.pings > 3


async def test_a_market_that_is_mute_is_stale_until_data_comes_again() -> None:
    async with running_hub() as peer, desk_at(peer, data_expected=lambda: True) as desk:
        await until(up(desk))
        await peer.line.event("GatewayUserOrder", 1)
        await until(lambda: STALE in desk.states)
        await until(lambda: len(peer.lines) == 2 and len(peer.line.calls) == 2)
        await asyncio.sleep(0.05)
        assert desk.state is STALE
        await peer.line.event("GatewayUserOrder", 2)
        await until(up(desk, 2))


async def test_a_mute_market_is_given_more_patience_each_time() -> None:
    async with running_hub() as peer, desk_at(peer, data_expected=lambda: True) as desk:
        await until(lambda: desk.states.count(STALE) == 3, 10)
        reasons = [reason for state, reason in desk.reports if state is STALE]
        assert all("no market data" in reason for reason in reasons)
        assert desk.states.count(UP) == 1


async def test_a_closed_market_may_be_mute() -> None:
    async with running_hub() as peer, desk_at(peer, data_expected=lambda: False) as desk:
        await until(up(desk))
        await asyncio.sleep(0.6)
        assert desk.state is UP
        assert len(peer.lines) == 1


async def test_being_thrown_out_is_answered_with_patience() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        await peer.line.event("GatewayLogout")
        await until(lambda: KICKED in desk.states)
        assert "another session of this user took over" in desk.reports[-1][1]
        await asyncio.sleep(0.15)
        assert len(peer.lines) == 1
        await until(up(desk, 2))


async def test_after_too_many_takeovers_nothing_is_tried_until_the_user_asks() -> None:
    async with running_hub() as peer, desk_at(peer, timings=OFTEN_KICKED) as desk:
        peer.on_call = lambda line, target, _: asyncio.ensure_future(line.event("GatewayLogout"))
        await until(lambda: "until you reconcile" in desk.reports[-1][1])
        assert desk.state is KICKED
        assert "that happened 3 times" in desk.reports[-1][1]
        assert len(peer.lines) == 3
        await asyncio.sleep(0.3)
        assert len(peer.lines) == 3
        peer.on_call = lambda line, target, arguments: None
        desk.hub.wake()
        await until(up(desk))
        assert len(peer.lines) == 4


async def test_a_hub_that_waits_connects_at_once_when_the_user_asks() -> None:
    async with running_hub() as peer:
        peer.status = 503
        async with desk_at(peer, timings=msgspec.structs.replace(QUICK, reconnect=(60.0,))) as desk:
            await until(lambda: DOWN in desk.states)
            peer.status = None
            desk.hub.wake()
            await until(up(desk))


async def test_a_hub_that_waits_connects_soon_when_the_gateway_shows_signs_of_life() -> None:
    async with running_hub() as peer:
        peer.status = 503
        long_waits = msgspec.structs.replace(
            QUICK, connect=30.0, handshake=30.0, invocation=30.0, reconnect=(60.0,)
        )
        async with desk_at(peer, timings=long_waits) as desk:
            await until(lambda: DOWN in desk.states)
            peer.status = None
            desk.hub.cut_short()
            await until(up(desk), 30)


async def test_no_sign_of_life_brings_back_a_hub_that_was_thrown_out() -> None:
    thrown_out_for_long = msgspec.structs.replace(QUICK, kicked=(60.0,))
    async with running_hub() as peer, desk_at(peer, timings=thrown_out_for_long) as desk:
        await until(up(desk))
        await peer.line.event("GatewayLogout")
        await until(lambda: KICKED in desk.states)
        desk.hub.cut_short()
        await asyncio.sleep(0.4)
        assert len(peer.lines) == 1


async def test_waking_a_hub_that_is_up_changes_nothing() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        desk.hub.wake()
        await asyncio.sleep(0.1)
        assert (len(peer.lines), desk.state) == (1, UP)


async def test_a_hub_that_is_down_is_tried_again_with_growing_pauses() -> None:
    async with running_hub() as peer:
        peer.status = 503
        async with desk_at(peer) as desk:
            await until(lambda: desk.states.count(DOWN) >= 3)
            assert "HTTP 503" in desk.reports[-1][1]
            peer.status = None
            await until(up(desk))


async def test_an_unreachable_hub_is_down_with_a_reason() -> None:
    peer = HubPeer()
    peer.url = "http://127.0.0.1:1"
    async with desk_at(peer) as desk:
        await until(lambda: DOWN in desk.states)
        assert "cannot be reached" in desk.reports[-1][1]


async def test_a_token_that_the_hub_refuses_is_handed_back() -> None:
    async with running_hub() as peer:
        peer.refused_tokens = {"token-1"}
        async with desk_at(peer) as desk:
            await until(up(desk))
            assert desk.refused == ["token-1"]
            assert peer.line.token == "token-2"


async def test_wrong_credentials_are_not_hammered() -> None:
    async def refuse() -> str:
        desk.tokens += 1
        raise AuthenticationFailed("user name or API key is wrong")

    async with running_hub() as peer:
        desk = Desk(peer, token=refuse)
        desk.hub.start()
        await until(lambda: DOWN in desk.states)
        await asyncio.sleep(0.15)
        assert desk.tokens == 1
        assert "API key is wrong" in desk.reports[-1][1]
        await desk.hub.close()


async def test_a_gateway_that_gives_no_token_now_is_asked_again() -> None:
    async def token() -> str:
        desk.tokens += 1
        if desk.tokens < 3:
            raise BrokerUnavailable("nobody answers")
        return "good"

    async with running_hub() as peer:
        desk = Desk(peer, token=token)
        desk.hub.start()
        await until(up(desk))
        assert peer.line.token == "good"
        await desk.hub.close()


@pytest.mark.parametrize("reply", ['{"error":"no such protocol"}', "nonsense", None])
async def test_a_failed_handshake_is_tried_again(reply: str | None) -> None:
    async with running_hub() as peer:
        peer.handshake_reply = reply
        async with desk_at(peer) as desk:
            await until(lambda: DOWN in desk.states or STALE in desk.states)
            peer.handshake_reply = "{}"
            await until(up(desk))


async def test_a_subscription_that_is_refused_fails_an_account_stream() -> None:
    async with running_hub() as peer:
        peer.refuses = {"SubscribeOrders": "HubException: no"}
        async with desk_at(peer) as desk:
            await until(lambda: DOWN in desk.states)
            assert "refused SubscribeOrders" in desk.reports[-1][1]
            assert UP not in desk.states


async def test_a_subscription_that_is_refused_does_not_stop_other_markets() -> None:
    async with running_hub() as peer:
        peer.refuses = {"SubscribeOrders": "HubException: no"}
        async with desk_at(peer, all_or_nothing=False) as desk:
            await until(up(desk))


async def test_a_call_that_is_never_completed_fails_the_connection() -> None:
    async with running_hub() as peer:
        peer.completes = False
        async with desk_at(peer) as desk:
            await until(lambda: STALE in desk.states)
            assert "did not answer Subscribe" in desk.reports[-1][1]
            peer.completes = True
            await until(up(desk))


async def test_only_differences_of_wishes_are_sent() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        await desk.hub.want([("SubscribeOrders", 7), ("SubscribeOrders", 8)])
        assert peer.subscribed()[2:] == [("UnsubscribeAccounts", []), ("SubscribeOrders", [8])]
        await peer.line.drop()
        await until(up(desk, 2))
        assert peer.subscribed() == [("SubscribeOrders", [7]), ("SubscribeOrders", [8])]


async def test_wishes_that_fail_on_an_open_line_fail_the_line() -> None:
    async with running_hub() as peer, desk_at(peer) as desk:
        await until(up(desk))
        peer.refuses = {"SubscribeTrades": "no"}
        await desk.hub.want([*CALLS, ("SubscribeTrades", 7)])
        await until(lambda: DOWN in desk.states)
        peer.refuses = {}
        await until(up(desk, 2))
        assert ("SubscribeTrades", [7]) in peer.subscribed()


async def test_a_handler_that_breaks_is_logged_and_the_hub_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    def broken(arguments: msgspec.Raw) -> None:
        raise ZeroDivisionError

    async with running_hub() as peer, desk_at(peer, handlers={"bang": broken}) as desk:
        await until(up(desk))
        await peer.line.event("Bang")
        await until(up(desk, 2))
        assert "ZeroDivisionError" in caplog.text


async def test_large_messages_arrive_whole() -> None:
    # while so much is written and read, one loop for both sides has no time for pings
    unhurried = msgspec.structs.replace(QUICK, silence=100.0)
    async with running_hub() as peer, desk_at(peer, timings=unhurried) as desk:
        await until(up(desk))
        await peer.line.event("GatewayUserOrder", *range(500_000))
        await until(lambda: desk.events)
        assert len(desk.events[0]) == 500_000


async def test_closing_twice_or_before_the_start_is_harmless() -> None:
    async with running_hub() as peer:
        desk = Desk(peer)
        await desk.hub.close()
        desk.hub.start()
        desk.hub.start()
        await until(up(desk))
        assert len(peer.lines) == 1
        await desk.hub.close()
        await desk.hub.close()


async def test_the_token_is_never_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tradeconsole")
    async with running_hub() as peer:
        peer.refused_tokens = {"token-1"}
        async with desk_at(peer) as desk:
            await until(up(desk))
            peer.status = 500
            await peer.line.drop()
            await until(lambda: desk.states.count(DOWN) >= 3)
            said = caplog.text + "".join(reason for _, reason in desk.reports)
    assert "token-" not in said
