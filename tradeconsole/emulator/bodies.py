"""Request bodies as ASP.NET binds them: names in any case, unknown ones ignored, types strict."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import inspect

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

RequestT = TypeVar("RequestT", bound=msgspec.Struct)

MAX_DEPTH: Final = 64
"""System.Text.Json's default."""

_ISO_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?(Z|[+-]\d\d:\d\d)?)?"
)

_HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class BadBody(Exception):
    """The body does not bind; `errors` is the `errors` member of the problem details."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("; ".join(text for texts in errors.values() for text in texts))
        self.errors = errors


class _Mismatch(Exception):
    """A value has the wrong type."""

    def __init__(self, path: str, clr_type: str) -> None:
        super().__init__(path)
        self.path = path
        self.clr_type = clr_type


def read_body(shape: type[RequestT], body: bytes) -> RequestT:
    """Bind a JSON body to a request.

    Raises:
        BadBody: not JSON, a value of the wrong type, or a required one is missing.
    """
    if not body.strip():
        raise BadBody(
            {"": ["A non-empty request body is required."], "request": ["The request field is required."]}
        )
    document = _parse(body)
    try:
        return _bind_object(shape, document, "$")
    except _Mismatch as mismatch:
        line, column = _position_after(body, mismatch.path)
        text = (
            f"The JSON value could not be converted to {mismatch.clr_type}. "
            f"Path: {mismatch.path} | LineNumber: {line} | BytePositionInLine: {column}."
        )
        raise BadBody({"request": ["The request field is required."], mismatch.path: [text]}) from None


def _parse(body: bytes) -> object:
    try:
        text = body.decode("utf-8-sig")
        document = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _unreadable(error.msg, text, error.pos) from None
    except UnicodeDecodeError as error:
        raise _unreadable("invalid UTF-8", body[: error.start].decode(), error.start) from None
    except (RecursionError, ValueError):
        raise _unreadable(f"deeper than {MAX_DEPTH} levels or not a number", "", 0) from None
    if _depth(document) > MAX_DEPTH:
        raise _unreadable(f"The maximum configured depth of {MAX_DEPTH} has been exceeded", "", 0)
    # JSON can escape half a character, which could not be written down again
    if _HALF_CHARACTER.search(text) and any(_SURROGATE.search(word) for word in _words(document)):
        raise _unreadable(
            "Cannot read incomplete UTF-16 JSON text as string with missing low surrogate", "", 0
        )
    return document


def _words(document: object) -> Iterator[str]:
    """Every string of a document, names included."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for name, item in document.items():
            yield name
            yield from _words(item)
    elif isinstance(document, list):
        for item in document:
            yield from _words(item)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _depth(document: object) -> int:
    depth, level = 0, [document]
    while level:
        depth += 1
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
        ]
    return depth - 1


def _unreadable(reason: str, text: str, position: int) -> BadBody:
    before = text[:position]
    line = before.count("\n")
    column = len(before.rpartition("\n")[2].encode())
    message = f"{reason}. Path: $ | LineNumber: {line} | BytePositionInLine: {column}."
    return BadBody({"$": [message], "request": ["The request field is required."]})


def _bind_object(shape: type[RequestT], value: object, path: str) -> RequestT:
    if not isinstance(value, dict):
        raise _Mismatch(path, shape.__name__)
    given = {str(name).lower(): (str(name), item) for name, item in value.items()}
    bound: dict[str, Any] = {}
    missing: dict[str, list[str]] = {}
    for field in _fields(shape):
        wire_name, item = given.get(field.encode_name.lower(), (field.encode_name, None))
        nullable = isinstance(field.type, inspect.UnionType)
        if wire_name not in value or (item is None and (nullable or isinstance(field.type, inspect.StrType))):
            if field.required:
                title = field.encode_name[0].upper() + field.encode_name[1:]
                missing[title] = [f"The {title} field is required."]
            continue
        bound[field.name] = _bind(field.type, item, f"{path}.{wire_name}")
    if missing:
        raise BadBody(missing)
    return shape(**bound)


@cache
def _fields(shape: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    return tuple(
        inspect.Field(field.name, field.encode_name, inspect.type_info(field.type), required=field.required)
        for field in msgspec.structs.fields(shape)
    )


def _bind(kind: inspect.Type, value: object, path: str) -> object:
    if isinstance(kind, inspect.UnionType):
        if value is None:
            return None
        kind = next(option for option in kind.types if not isinstance(option, inspect.NoneType))
    if isinstance(kind, inspect.StructType):
        return _bind_object(kind.cls, value, path)
    if isinstance(kind, inspect.ListType):
        if not isinstance(value, list):
            raise _Mismatch(path, "System.Collections.Generic.List`1[System.Int32]")
        return [_bind(kind.item_type, item, f"{path}[{index}]") for index, item in enumerate(value)]
    return _SCALARS[type(kind)](kind, value, path)


def _bind_int(kind: Any, value: object, path: str) -> int:
    low, high = kind.ge, kind.le
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _Mismatch(path, "System.Int64" if high > 2**31 else "System.Int32")
    return value


def _bind_bool(_kind: object, value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _Mismatch(path, "System.Boolean")
    return value


def _bind_text(_kind: object, value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _Mismatch(path, "System.String")
    return value


def _bind_decimal(_kind: object, value: object, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _Mismatch(path, "System.Decimal")
    number = Decimal(value)
    if number and not -28 <= number.adjusted() <= 28:
        raise _Mismatch(path, "System.Decimal")
    return number


def _bind_time(_kind: object, value: object, path: str) -> datetime:
    match = _ISO_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _Mismatch(path, "System.DateTime")
    day, minute, second, fraction, zone = match.groups()
    text = f"{day}T{minute or '00:00'}:{second or '00'}.{(fraction or '')[:6]:0<6}"
    try:
        # a time without offset is taken as UTC (unverified for the real gateway)
        return datetime.fromisoformat(text + (zone or "Z")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Mismatch(path, "System.DateTime") from None


_SCALARS: Final[Mapping[type[inspect.Type], Callable[[Any, object, str], object]]] = {
    inspect.IntType: _bind_int,
    inspect.BoolType: _bind_bool,
    inspect.StrType: _bind_text,
    inspect.DecimalType: _bind_decimal,
    inspect.DateTimeType: _bind_time,
}


def _position_after(body: bytes, path: str) -> tuple[int, int]:
    """Line and byte column just behind the value at a path such as `$.filter.accountId`."""
    text = body.decode()
    end = len(text)
    start = 0
    for name in re.findall(r"\.([^.\[]+)", path):
        found = re.compile(rf'"{re.escape(name)}"\s*:\s*').search(text, start)
        if found is None:
            break
        start = found.end()
        end = json.JSONDecoder().raw_decode(text, start)[1]
    before = text[:end]
    return before.count("\n"), len(before.rpartition("\n")[2].encode())
