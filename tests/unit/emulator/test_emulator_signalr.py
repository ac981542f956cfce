"""Server side of the hub protocol."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.emulator import signalr
from tradeconsole.emulator.signalr import (
    Close,
    Handshake,
    HubServerProtocol,
    Invocation,
    Ping,
    ProtocolBroken,
)

OPENING = '{"protocol":"json","version":1}\x1e'
SESSION = (
    OPENING
    + '{"type":1,"invocationId":"0","target":"SubscribeAccounts","arguments":[],"headers":{}}\x1e'
    + '{"type":6}\x1e{"type":1,"target":"SubscribeOrders","arguments":[7]}\x1e{"type":7}\x1e'
)
MESSAGES = [
    Handshake(),
    Invocation("SubscribeAccounts", [], "0"),
    Ping(),
    Invocation("SubscribeOrders", [7], None),
    Close(),
]


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(SESSION)), max_size=8))
def test_records_may_be_packed_or_split_anywhere(cuts: list[int]) -> None:
    protocol = HubServerProtocol()
    edges = [0, *sorted(cuts), len(SESSION)]
    received = [message for start, end in pairwise(edges) for message in protocol.receive(SESSION[start:end])]
    assert received == MESSAGES


@pytest.mark.parametrize("version", [0, 1])
def test_versions_0_and_1_of_the_protocol_open(version: int) -> None:
    protocol = HubServerProtocol()
    (handshake,) = protocol.receive(f'{{"protocol":"json","version":{version}}}\x1e')
    assert isinstance(handshake, Handshake)
    assert handshake.reply() == "{}\x1e"
    assert protocol.is_open


@pytest.mark.parametrize(
    ("opening", "words"),
    [
        ('{"protocol":"json","version":2}', "does not support version 2"),
        ('{"protocol":"messagepack","version":1}', "'messagepack' is not supported"),
    ],
)
def test_what_is_not_offered_is_refused_in_the_handshake(opening: str, words: str) -> None:
    protocol = HubServerProtocol()
    (handshake,) = protocol.receive(opening + "\x1e")
    assert isinstance(handshake, Handshake)
    assert words in json.loads(handshake.reply()[:-1])["error"]
    assert not protocol.is_open


@pytest.mark.parametrize("text", ["hello\x1e", '{"protocol":"json"}\x1e', "x" * 40_000])
def test_a_broken_opening_ends_the_connection(text: str) -> None:
    with pytest.raises(ProtocolBroken):
        HubServerProtocol().receive(text)


def test_a_broken_record_ends_the_connection() -> None:
    protocol = HubServerProtocol()
    protocol.receive(OPENING)
    with pytest.raises(ProtocolBroken):
        protocol.receive('{"type":"one"}\x1e')


def test_records_of_unknown_type_are_passed_over() -> None:
    protocol = HubServerProtocol()
    assert protocol.receive(OPENING + '{"type":5,"invocationId":"1"}\x1e') == [Handshake()]


def test_a_completion_carries_a_result_or_an_error() -> None:
    assert json.loads(signalr.completion("4")[:-1]) == {"type": 3, "invocationId": "4", "result": None}
    assert json.loads(signalr.completion("4", "no")[:-1]) == {"type": 3, "invocationId": "4", "error": "no"}
