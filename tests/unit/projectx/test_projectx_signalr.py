"""The SignalR core: whatever way the bytes are cut, the same frames come out."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.brokers.projectx.signalr import (
    MAX_RECORD,
    Closed,
    Completion,
    Frame,
    HubProtocol,
    Invocation,
    Ping,
    Ready,
)
from tradeconsole.errors import ProtocolError

RS = b"\x1e"


def open_protocol() -> HubProtocol:
    protocol = HubProtocol()
    assert protocol.receive(b"{}" + RS) == [Ready()]
    return protocol


texts = st.text(alphabet=st.characters(exclude_characters="\x1e", exclude_categories=("Cs",)), max_size=12)
records = st.one_of(
    st.just({"type": 6}),
    st.builds(lambda t, a: {"type": 1, "target": t, "arguments": a}, texts, st.lists(texts, max_size=3)),
    st.builds(lambda i, e: {"type": 3, "invocationId": str(i), "error": e}, st.integers(0, 99), texts),
    st.builds(lambda i: {"type": 3, "invocationId": str(i), "result": None}, st.integers(0, 99)),
    st.builds(lambda a: {"type": 7, "error": "over", "allowReconnect": a}, st.booleans()),
    st.just({"type": 9, "sequenceId": 4}),
)


def expected(record: dict[str, object]) -> list[Frame]:
    match record["type"]:
        case 1:
            raw = msgspec.Raw(json.dumps(record["arguments"], ensure_ascii=False).encode())
            return [Invocation(str(record["target"]), raw)]
        case 3:
            error = record.get("error")
            return [Completion(str(record["invocationId"]), None if error is None else str(error))]
        case 6:
            return [Ping()]
        case 7:
            return [Closed("over", bool(record["allowReconnect"]))]
        case _:
            return []


@settings(max_examples=150)
@given(st.lists(records, max_size=6), st.data())
def test_frames_do_not_depend_on_where_the_bytes_are_cut(
    sent: list[dict[str, object]], data: st.DataObject
) -> None:
    stream = b"{}" + RS + b"".join(json.dumps(r, ensure_ascii=False).encode() + RS for r in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    protocol = HubProtocol()
    frames: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        frames += protocol.receive(stream[start:end])
    assert frames == [Ready()] + [frame for record in sent for frame in expected(record)]


def test_a_call_carries_its_id_and_integers_stay_integers() -> None:
    protocol = open_protocol()
    first, data = protocol.invoke("SubscribeOrders", 26282486)
    second, _ = protocol.invoke("SubscribeAccounts")
    assert data.endswith(RS)
    assert json.loads(data[:-1]) == {
        "type": 1,
        "target": "SubscribeOrders",
        "arguments": [26282486],
        "invocationId": first,
    }
    assert first != second


def test_calling_before_the_handshake_is_our_error() -> None:
    with pytest.raises(ProtocolError, match="handshake"):
        HubProtocol().invoke("SubscribeAccounts")


def test_a_refused_handshake_says_why() -> None:
    with pytest.raises(ProtocolError, match="version 9 is not supported"):
        HubProtocol().receive(b'{"error":"version 9 is not supported"}' + RS)


@pytest.mark.parametrize("garbage", [b"<html>", b'{"type":"six"}', b"{", b'{"target":"x"}', b""])
def test_garbage_after_the_handshake_is_a_protocol_error(garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        open_protocol().receive(garbage + RS)


def test_garbage_instead_of_a_handshake_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        HubProtocol().receive(b"HTTP/1.1 200 OK" + RS)


def test_anything_before_the_answer_to_the_handshake_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="something else"):
        HubProtocol().receive(b'{"type":6}' + RS)


def test_a_record_without_end_is_given_up() -> None:
    protocol = open_protocol()
    with pytest.raises(ProtocolError, match="more than"):
        protocol.receive(b"x" * (MAX_RECORD + 1))


def test_handshake_and_ping_are_the_documented_bytes() -> None:
    assert HubProtocol().handshake() == b'{"protocol":"json","version":1}\x1e'
    assert HubProtocol().ping() == b'{"type":6}\x1e'
