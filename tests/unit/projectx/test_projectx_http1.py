"""HTTP/1.1 as bytes: what is read whole however it is cut, and what ends a connection rather than being guessed at."""

import gzip
from contextlib import suppress
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.brokers.projectx import http1
from tradeconsole.brokers.projectx.http1 import AnswerReader, HttpAnswer, HttpError, RequestHeads

BODY = b'{"orderId":3425270858,"success":true,"errorCode":0,"errorMessage":null}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5;note=x\r\n%b\r\n%x\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:])
)
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PLAIN


def read(data: bytes, cuts: list[int] | None = None) -> HttpAnswer | None:
    """The answer in bytes that arrive cut at these places."""
    reader, found = AnswerReader(), None
    places = [0, *sorted(cuts or []), len(data)]
    for start, end in pairwise(places):
        found = reader.feed(data[start:end]) or found
    return found


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, CONTINUED], ids=["length", "chunks", "after hints"])
@given(st.data())
def test_an_answer_is_the_same_however_it_is_cut(data: bytes, draw: st.DataObject) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=6))
    answer = read(data, cuts)
    assert answer is not None
    assert (answer.status, answer.body(), answer.reusable) == (200, BODY, True)


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, CONTINUED], ids=["length", "chunks", "after hints"])
def test_an_answer_that_is_not_whole_is_none_and_its_loss_is_told(data: bytes) -> None:
    for size in range(len(data)):
        reader = AnswerReader()
        assert reader.feed(data[:size]) is None
        with pytest.raises(HttpError, match="ended before"):
            reader.end()


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\n" + BODY) is None
    answer = reader.end()
    assert (answer.body(), answer.reusable) == (BODY, False)


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 7", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", True),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: Keep-Alive", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 408 Timeout", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive", True),
    ],
)
def test_a_connection_is_kept_only_if_the_server_keeps_it(head: bytes, reusable: bool) -> None:
    answer = read(head + b"\r\n\r\n")
    assert answer is not None
    assert (answer.raw, answer.reusable) == (b"", reusable)


def test_a_packed_body_is_unpacked() -> None:
    packed = gzip.compress(BODY)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    answer = read(head + packed)
    assert answer is not None
    assert answer.body() == BODY


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"br", BODY),
        (b"gzip", BODY),
        (b"gzip", gzip.compress(BODY)[:-9]),
        (b"gzip", gzip.compress(BODY) + b"x"),
    ],
    ids=["unknown", "not packed", "cut", "too long"],
)
def test_a_body_that_cannot_be_unpacked_is_told(coding: bytes, body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    answer = read(head + body)
    assert answer is not None
    with pytest.raises(HttpError, match="packed"):
        answer.body()


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "LONGEST_BODY", 1000)
    packed = gzip.compress(bytes(100_000))
    answer = read(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
    )
    assert answer is not None
    with pytest.raises(HttpError, match="unpacked"):
        answer.body()


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01 not http at all\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 999 What\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nFolded: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r;\n5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNote: a\rContent-Length: 9\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNote: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n\r\n\r\n",
        b"H" * (http1.LONGEST_HEAD + 1),
        b"HTTP/1.1 200 OK\r\nNote: %b\r\nContent-Length: 0\r\n\r\n" % (b"x" * http1.LONGEST_HEAD),
    ],
)
def test_what_is_no_clear_answer_is_refused(data: bytes) -> None:
    with pytest.raises(HttpError):
        read(data)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_make_the_reader_fail_in_another_way(noise: bytes, at: int) -> None:
    with suppress(HttpError):
        read(PLAIN[:at] + noise)


PIECES = b"\r\n,\n,\r, ,\t,\0,:,;,0,1,x,\xff,100,204,chunked,HTTP/1.1,Content-Length".split(
    b","
) + b"Content-Length: 3\r\n,Transfer-Encoding: chunked\r\n,Connection: close\r\n".split(b",")
"""What ends heads, lines and bodies, in the wrong place."""


def read_by_h11(data: bytes) -> tuple[int, bytes] | None:
    """Status and body as a well-known library reads them; None if it sees no whole answer."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    status, body = 0, b""
    with suppress(h11.RemoteProtocolError):
        while (event := connection.next_event()) is not h11.NEED_DATA:
            match event:
                case h11.Response():
                    status = event.status_code
                case h11.Data():
                    body += event.data
                case h11.EndOfMessage():
                    return status, body
    return None


@settings(max_examples=1000, derandomize=True)
@given(
    st.sampled_from([PLAIN, CHUNKED, CONTINUED]),
    st.lists(
        st.tuples(st.integers(0, 140), st.integers(0, 3), st.sampled_from(PIECES)), min_size=1, max_size=3
    ),
)
def test_what_is_read_is_what_another_reader_reads(whole: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    data = whole
    for at, taken, put in edits:
        data = data[:at] + put + data[at + taken :]
    answer: HttpAnswer | None = None
    with suppress(HttpError):
        answer = read(data)
    known = read_by_h11(data)
    if answer is not None and known is not None:
        assert (answer.status, answer.raw) == known


def test_a_request_has_everything_and_the_token_of_today() -> None:
    heads = RequestHeads({"Host": "api.topstepx.com", "Accept": "application/json"})
    assert heads.post("/api/x", b"{}", None) == (
        b"POST /api/x HTTP/1.1\r\nHost: api.topstepx.com\r\nAccept: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
    for token in ("one", "one", "two"):
        assert b"\r\nAuthorization: Bearer %b\r\n" % token.encode() in heads.post("/api/x", b"{}", token)


@pytest.mark.parametrize("token", ["a\r\nHost: elsewhere", "a\nb", "töken", "\x00"])
def test_a_token_cannot_smuggle_a_header(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        RequestHeads({}).post("/api/x", b"{}", token)
