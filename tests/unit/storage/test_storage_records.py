"""Every record survives the way through bytes, and what cannot is refused in one line."""

from decimal import Decimal
from typing import get_args

import pytest
from storage_samples import ONE_OF_EACH
from trading_factories import make_order

from tradeconsole.errors import StorageError
from tradeconsole.ports import JournalRecord
from tradeconsole.storage.records import KINDS, decode_record, encode_record


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_as_it_went_in(record: JournalRecord) -> None:
    back = decode_record(encode_record(record))
    assert type(back) is type(record)
    assert back == record


def test_every_kind_of_record_has_a_number_and_a_sample() -> None:
    assert set(KINDS.values()) == set(get_args(JournalRecord)) == {type(record) for record in ONE_OF_EACH}


def test_money_keeps_its_digits() -> None:
    order = make_order(limit_price=Decimal("0.0000005"), average_price=Decimal(1) / Decimal(3))
    assert decode_record(encode_record(order)) == order


def test_text_that_is_no_unicode_is_refused_on_the_way_in() -> None:
    with pytest.raises(StorageError, match="Order cannot be written down"):
        encode_record(make_order(reason="\ud800"))


def test_a_kind_from_the_future_is_named_as_such() -> None:
    with pytest.raises(StorageError, match="unknown kind 250: written by a newer release"):
        decode_record(bytes([250]) + b"\x80")


def test_a_record_that_lacks_a_field_is_unreadable() -> None:
    with pytest.raises(StorageError, match="unreadable Order"):
        decode_record(bytes([1]) + b"\x80")
