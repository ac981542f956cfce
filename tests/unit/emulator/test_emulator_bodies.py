"""Binding of request bodies."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.emulator.bodies import BadBody, Int32, Int64, read_body


class Inner(msgspec.Struct, rename="camel"):
    account_id: Int32
    statuses: list[Int32] | None = None


class Sample(msgspec.Struct, rename="camel"):
    account_id: Int32
    order_id: Int64
    contract_id: str
    start: datetime
    price: Decimal | None = None
    live: bool = False
    filter: Inner | None = None


GOOD = b'{"accountId":1,"orderId":3400000000,"contractId":"CON","start":"2026-08-19T20:52:00Z"}'


def errors_of(body: bytes) -> dict[str, list[str]]:
    with pytest.raises(BadBody) as caught:
        read_body(Sample, body)
    return caught.value.errors


def test_names_match_in_any_case_and_unknown_ones_are_ignored() -> None:
    body = GOOD.replace(b"accountId", b"ACCOUNTID").replace(b"}", b',"surprise":[1,{}]}')
    assert read_body(Sample, body).account_id == 1


def test_decimals_keep_every_digit() -> None:
    body = GOOD.replace(b"}", b',"price":0.0000005}')
    assert read_body(Sample, body).price == Decimal("0.0000005")


def test_a_string_for_an_integer_names_path_and_position_as_the_framework_does() -> None:
    errors = errors_of(b'{"accountId":"12345"}')
    assert errors == {
        "request": ["The request field is required."],
        "$.accountId": [
            (
                "The JSON value could not be converted to System.Int32. "
                "Path: $.accountId | LineNumber: 0 | BytePositionInLine: 20."
            )
        ],
    }


def test_the_position_counts_lines() -> None:
    (text,) = errors_of(b'{\n  "accountId": 1.5}')["$.accountId"]
    assert text.endswith("LineNumber: 1 | BytePositionInLine: 18.")


@pytest.mark.parametrize(
    ("field", "value", "clr"),
    [
        ("accountId", b"true", "System.Int32"),
        ("accountId", b"2147483648", "System.Int32"),
        ("accountId", b"1.0", "System.Int32"),
        ("accountId", b"null", "System.Int32"),
        ("orderId", b"9223372036854775808", "System.Int64"),
        ("contractId", b"7", "System.String"),
        ("start", b'"yesterday"', "System.DateTime"),
        ("start", b'"2026-13-01T00:00:00Z"', "System.DateTime"),
        ("start", b"5", "System.DateTime"),
        ("price", b'"1.5"', "System.Decimal"),
        ("price", b"1e99", "System.Decimal"),
        ("live", b"1", "System.Boolean"),
        ("filter", b"[]", "Inner"),
    ],
)
def test_types_are_strict(field: str, value: bytes, clr: str) -> None:
    document = msgspec.json.decode(GOOD, type=dict[str, msgspec.Raw])
    document[field] = msgspec.Raw(value)
    (text,) = errors_of(msgspec.json.encode(document))[f"$.{field}"]
    assert f"could not be converted to {clr}." in text


def test_errors_inside_nested_objects_and_lists_name_their_path() -> None:
    errors = errors_of(GOOD.replace(b"}", b',"filter":{"accountId":1,"statuses":[1,"8"]}}'))
    assert "$.filter.statuses[1]" in errors


def test_missing_fields_are_all_named() -> None:
    assert errors_of(b"{}") == {
        name: [f"The {name} field is required."] for name in ("AccountId", "OrderId", "ContractId", "Start")
    }


def test_a_null_string_is_a_missing_one() -> None:
    assert errors_of(GOOD.replace(b'"CON"', b"null")) == {"ContractId": ["The ContractId field is required."]}


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"{", b'{"a":NaN}', b"\xff\xfe", b"[" * 100_000, b"[" * 70 + b"]" * 70, b"9" * 5000]
)
def test_what_is_no_document_is_refused_without_a_crash(body: bytes) -> None:
    assert "request" in errors_of(body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-19T20:52:00Z", datetime(2026, 8, 19, 20, 52, tzinfo=UTC)),
        ("2026-08-19T15:52:00.25-05:00", datetime(2026, 8, 19, 20, 52, 0, 250_000, tzinfo=UTC)),
        ("2026-08-19T20:52:00.1234567+00:00", datetime(2026, 8, 19, 20, 52, 0, 123_456, tzinfo=UTC)),
        ("2026-08-19T20:52:00", datetime(2026, 8, 19, 20, 52, tzinfo=UTC)),
        ("2026-08-19", datetime(2026, 8, 19, tzinfo=UTC)),
    ],
)
def test_times_may_have_a_fraction_an_offset_or_neither(text: str, expected: datetime) -> None:
    body = GOOD.replace(b"2026-08-19T20:52:00Z", text.encode())
    assert read_body(Sample, body).start == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(["accountId", "orderId", "contractId", "start", "price", "filter"]), JSON)
)
def test_any_document_binds_or_is_refused(document: dict[str, object]) -> None:
    body = msgspec.json.encode(document)
    with suppress(BadBody):
        assert read_body(Sample, body).account_id == document["accountId"]
