"""Server side of the hub protocol."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.emulator import signalr
from tradeconsole.emulator.signalr import (
    MAX_MESSAGE_BYTES,
    Close,
    Handshake,
    HubServerProtocol,
    Invocation,
    Ping,
    ProtocolBroken,
)

OPENING = b'{"protocol":"json","version":1}\x1e'
SESSION = (
    OPENING
    + b'{"type":1,"invocationId":"0","target":"SubscribeAccounts","arguments":[],"headers":{}}\x1e'
    + b'{"type":6}\x1e{"type":1,"target":"SubscribeOrders","arguments":[7]}\x1e{"type":7}\x1e'
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
    (handshake,) = protocol.receive(f'{{"protocol":"json","version":{version}}}\x1e'.encode())
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
    (handshake,) = protocol.receive(opening.encode() + b"\x1e")
    assert isinstance(handshake, Handshake)
    assert words in json.loads(handshake.reply()[:-1])["error"]
    assert not protocol.is_open


@pytest.mark.parametrize("data", [b"hello\x1e", b'{"protocol":"json"}\x1e', b"x" * 40_000, b"\xff\x1e"])
def test_a_broken_opening_ends_the_connection(data: bytes) -> None:
    protocol = HubServerProtocol()
    with pytest.raises(ProtocolBroken):
        list(protocol.receive(data))
    assert protocol.farewell() == (
        '{"error":"An unexpected error occurred during connection handshake."}\x1e'
    )


@pytest.mark.parametrize(
    "record",
    [
        b'{"type":"one"}',
        b'{"target":"SubscribeAccounts","arguments":[]}',
        b'{"type":1,"arguments":[]}',
        b'{"type":1,"target":"SubscribeAccounts"}',
        b'{"type":1,"target":"X","arguments":{}}',
        b'{"type":1,"target":"X","arguments":[],"invocationId":5}',
        b'{"type":1,"target":"\xff","arguments":[]}',
        b'{"type":1,"target":"\\ud800","arguments":[]}',
        b"[]",
        b"",
        b"\x00\x01\x02",
        b"[" * 30_000,
        b'{"type":1,"target":"X","arguments":' + b"[" * 30_000,
        b'{"type":1,"target":"X","arguments":[],"x":' + b"[" * 30_000,
    ],
)
def test_a_broken_record_ends_the_connection_after_those_before_it(record: bytes) -> None:
    protocol = HubServerProtocol()
    list(protocol.receive(OPENING))
    messages = protocol.receive(b'{"type":6}\x1e' + record + b"\x1e")
    assert next(messages) == Ping()
    with pytest.raises(ProtocolBroken):
        next(messages)
    assert protocol.farewell() == (
        '{"type":7,"error":"Connection closed with an error.","allowReconnect":true}\x1e'
    )


def test_a_record_may_be_as_long_as_the_framework_allows_and_no_longer() -> None:
    protocol = HubServerProtocol()
    list(protocol.receive(OPENING))
    room = MAX_MESSAGE_BYTES - len('{"type":6,"x":""}') - 1
    assert list(protocol.receive(f'{{"type":6,"x":"{"x" * room}"}}\x1e'.encode())) == [Ping()]
    with pytest.raises(ProtocolBroken):
        list(protocol.receive(f'{{"type":6,"x":"{"x" * (room + 1)}"}}\x1e'.encode()))
    # one that does not end is not waited for
    list(protocol.receive(b"x" * (MAX_MESSAGE_BYTES - 1)))
    with pytest.raises(ProtocolBroken):
        list(protocol.receive(b"x"))


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [b"\x1e", b'{"type":1', b',"target":"X"', b',"arguments":[1]', b"}", b'{"type":6}\x1e']
            ),
        ),
        max_size=12,
    )
)
def test_whatever_comes_is_read_or_breaks_the_protocol(pieces: list[bytes]) -> None:
    protocol = HubServerProtocol()
    list(protocol.receive(OPENING))
    try:
        for piece in pieces:
            for message in protocol.receive(piece):
                assert isinstance(message, Invocation | Ping | Close)
    except ProtocolBroken:
        assert protocol.farewell().startswith('{"type":7')


def test_records_of_unknown_type_are_passed_over() -> None:
    protocol = HubServerProtocol()
    assert list(protocol.receive(OPENING + b'{"type":5,"invocationId":"1"}\x1e')) == [Handshake()]


def test_a_call_for_a_stream_is_told_apart() -> None:
    protocol = HubServerProtocol()
    record = b'{"type":4,"invocationId":"1","target":"X","arguments":[]}\x1e'
    assert list(protocol.receive(OPENING + record))[1] == Invocation("X", [], "1", streamed=True)


def test_a_completion_carries_a_result_or_an_error() -> None:
    assert json.loads(signalr.completion("4")[:-1]) == {"type": 3, "invocationId": "4", "result": None}
    assert json.loads(signalr.completion("4", "no")[:-1]) == {"type": 3, "invocationId": "4", "error": "no"}
