"""HTTP/1.1 as far as a JSON gateway speaks it: the bytes of a request, and a reader of its answer. Pure.

What is not understood ends the connection: a reader that guesses where an answer ends may hand one order the answer
to another.
"""

import re
import zlib
from collections.abc import Generator, Mapping
from typing import Final

import msgspec

LONGEST_HEAD: Final = 64 * 1024
LONGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes, unpacked; 20,000 bars are 3 MB."""

_STATUS_LINE: Final = re.compile(r"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\0\r\n]*)?")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*?)[ \t]*")
_WITHOUT_BODY: Final = frozenset({204, 304})
_GZIP: Final = 16 + zlib.MAX_WBITS

Steps = Generator[None, None, bytes]
"""Yields when more bytes are needed."""


class HttpError(Exception):
    """The bytes are no answer that this reader understands."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """A whole answer. Names of headers are lower case; `reusable` tells whether the connection may be asked again.

    `raw` is the body as it came, perhaps packed.
    """

    status: int
    headers: Mapping[str, str]
    raw: bytes
    reusable: bool

    def body(self) -> bytes:
        """The body, unpacked; takes milliseconds if it is large.

        Raises:
            HttpError: it cannot be unpacked.
        """
        match self.headers.get("content-encoding", "identity").lower():
            case "identity":
                return self.raw
            case "gzip":
                return _gunzipped(self.raw)
            case _:
                raise HttpError("a body packed in a way that was not asked for")


class RequestHeads:
    """Heads of POST requests to one host, kept by path for as long as the token stays the same."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._common = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._token: str | None = None
        self._heads: dict[str, bytes] = {}

    def post(self, path: str, body: bytes, token: str | None) -> bytes:
        """The bytes of one request.

        Raises:
            ValueError: the token holds what no header may.
        """
        if token != self._token:
            self._heads.clear()
            self._token = token
        head = self._heads.get(path)
        if head is None:
            head = self._heads[path] = self._head(path, token)
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

    def _head(self, path: str, token: str | None) -> bytes:
        secret = ""
        if token is not None:
            if not (token.isascii() and token.isprintable()):
                raise ValueError("the token holds characters that no header may")
            secret = f"Authorization: Bearer {token}\r\n"
        return f"POST {path} HTTP/1.1\r\n{self._common}{secret}Content-Length: ".encode()


class AnswerReader:
    """Reads the answer to one request."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False
        self._steps = self._read()
        next(self._steps)

    def feed(self, data: bytes) -> HttpAnswer | None:
        """Take what arrived; the answer when it is whole.

        Raises:
            HttpError: these bytes are no answer.
        """
        self._data += data
        return self._go_on()

    def end(self) -> HttpAnswer:
        """The connection has ended, which may be how the answer ends.

        Raises:
            HttpError: more was to come.
        """
        self._ended = True
        answer = self._go_on()
        if answer is None:
            raise HttpError("the connection ended before the answer")
        return answer

    def _go_on(self) -> HttpAnswer | None:
        try:
            next(self._steps)
        except StopIteration as done:
            answer: HttpAnswer = done.value
            return answer
        return None

    def _read(self) -> Generator[None, None, HttpAnswer]:
        version, status, headers = "1", 100, dict[str, str]()
        while 100 <= status < 200:
            head = yield from self._until(b"\r\n\r\n", LONGEST_HEAD)
            version, status, headers = _parse_head(head)
            if status == 101:
                raise HttpError("another protocol was not asked for")
        options = headers.get("connection", "").lower()
        stays = "close" not in options and (version == "1" or "keep-alive" in options)
        body = yield from self._body(status, headers)
        # behind an answer to something that nobody asked, the next one could not be trusted
        stays = stays and not self._data and not self._ended
        return HttpAnswer(status, headers, body, stays)

    def _body(self, status: int, headers: Mapping[str, str]) -> Steps:
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if status in _WITHOUT_BODY:
            return b""
        if coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise HttpError("a body of unclear length")
            return (yield from self._chunks())
        if length is not None:
            return (yield from self._exactly(_number(length, 10)))
        return (yield from self._rest())

    def _chunks(self) -> Steps:
        body = bytearray()
        while True:
            line = yield from self._until(b"\r\n", LONGEST_HEAD)
            size = _number(line.partition(b";")[0].decode("latin-1").rstrip(" \t"), 16)
            if not size:
                break
            if len(body) + size > LONGEST_BODY:
                raise HttpError("a body that is too long")
            body += yield from self._exactly(size)
            if (yield from self._exactly(2)) != b"\r\n":
                raise HttpError("a chunk of another length than it says")
        while (yield from self._until(b"\r\n", LONGEST_HEAD)):
            pass  # trailers say nothing that is needed
        return bytes(body)

    def _until(self, mark: bytes, longest: int) -> Steps:
        while (end := self._data.find(mark)) < 0 and len(self._data) <= longest:
            yield from self._more()
        if not 0 <= end <= longest:
            raise HttpError("a line without an end")
        return self._take(end, len(mark))

    def _exactly(self, size: int) -> Steps:
        if size > LONGEST_BODY:
            raise HttpError("a body that is too long")
        while len(self._data) < size:
            yield from self._more()
        return self._take(size)

    def _rest(self) -> Steps:
        while not self._ended:
            if len(self._data) > LONGEST_BODY:
                raise HttpError("a body that is too long")
            yield
        return self._take(len(self._data))

    def _more(self) -> Generator[None, None, None]:
        if self._ended:
            raise HttpError("the connection ended before the answer")
        yield

    def _take(self, size: int, skip: int = 0) -> bytes:
        taken = bytes(memoryview(self._data)[:size])
        del self._data[: size + skip]
        return taken


def _parse_head(head: bytes) -> tuple[str, int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    found = _STATUS_LINE.fullmatch(first)
    if found is None:
        raise HttpError("no HTTP answer")
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise HttpError("a header that is none")
        name, value = header[1].lower(), header[2]
        if name not in headers:
            headers[name] = value
        elif headers[name] != value or name == "transfer-encoding":  # coded twice is not the same as once
            headers[name] = f"{headers[name]}, {value}"
    return found[1], int(found[2]), headers


def _number(text: str, base: int) -> int:
    # int() would also take signs, spaces and underscores
    if not text.isascii() or not text.isalnum():
        raise HttpError("a length that is no number")
    try:
        return int(text, base)
    except ValueError:
        raise HttpError("a length that is no number") from None


def _gunzipped(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        whole = unpacking.decompress(packed, LONGEST_BODY)
    except zlib.error:
        raise HttpError("a body that cannot be unpacked") from None
    if not unpacking.eof or unpacking.unused_data:
        raise HttpError("a body that cannot be unpacked")
    return whole
