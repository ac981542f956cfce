"""Framing: whole frames come back, anything else stops the scan at the right place."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.storage.frames import HEAD_BYTES, decode_head, encode_frame, encode_head, scan_frames

BODIES = st.lists(st.binary(min_size=1, max_size=60), max_size=12)


@given(bodies=BODIES, stamp=st.integers(0, 2**63))
@settings(max_examples=60)
def test_frames_come_back_as_they_were_written(bodies: list[bytes], stamp: int) -> None:
    data = b"".join(encode_frame(stamp, body) for body in bodies)
    scan = scan_frames(data)
    assert [(frame.stamp, frame.body) for frame in scan.frames] == [(stamp, body) for body in bodies]
    assert (scan.end, scan.trouble) == (len(data), "")


@given(bodies=BODIES.filter(bool), cut=st.integers(min_value=1))
@settings(max_examples=60)
def test_a_torn_tail_costs_only_the_torn_frame(bodies: list[bytes], cut: int) -> None:
    frames = [encode_frame(7, body) for body in bodies]
    data = b"".join(frames)
    scan = scan_frames(data[: -(1 + cut % len(frames[-1]))])
    assert [frame.body for frame in scan.frames] == bodies[:-1]
    assert scan.end == len(data) - len(frames[-1])


@given(bodies=BODIES.filter(bool), place=st.integers(min_value=0), bit=st.integers(0, 7))
@settings(max_examples=100)
def test_a_flipped_bit_never_passes_for_a_record(bodies: list[bytes], place: int, bit: int) -> None:
    data = bytearray(b"".join(encode_frame(7, body) for body in bodies))
    data[place % len(data)] ^= 1 << bit
    scan = scan_frames(bytes(data))
    assert scan.trouble
    assert [frame.body for frame in scan.frames] == bodies[: len(scan.frames)]
    assert len(scan.frames) < len(bodies)


def test_a_tail_of_zeros_is_damage_and_not_empty_frames() -> None:
    data = encode_frame(7, b"x")
    scan = scan_frames(data + bytes(4096))
    assert (scan.end, scan.trouble) == (len(data), "damaged frame")


def test_a_scan_stops_at_its_limit() -> None:
    scan = scan_frames(encode_frame(1, b"a") * 5, 2)
    assert len(scan.frames) == 2
    assert scan.trouble == ""


def test_a_head_tells_its_stamp_and_nothing_else_passes_for_one() -> None:
    head = encode_head(1_700_000_000_000_000_000)
    assert len(head) == HEAD_BYTES
    assert decode_head(head + b"frames") == 1_700_000_000_000_000_000
    assert decode_head(head[:-1]) is None
    assert decode_head(b"X" + head[1:]) is None
    assert decode_head(head[:9] + b"\xff" + head[10:]) is None
