from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.wire.load import DIGITS_MAX, Load, parse_load

counts = st.integers(0, 10**6)
microseconds = st.integers(0, 10**9)


@given(counts, counts, microseconds, microseconds)
def test_what_a_reply_tells_is_what_its_caller_reads(running: int, waiting: int, service: int, queued: int) -> None:
    load = Load(running, waiting, service / 1e6, queued / 1e6)
    assert parse_load(load.encode()) == load


@given(st.text())
def test_never_fails_on_a_text(text: str) -> None:
    load = parse_load(text)
    assert load is None or min(load) >= 0


def test_does_not_believe_more_digits_than_a_load_can_have() -> None:
    assert parse_load(f"1,2,{'9' * DIGITS_MAX},0") is not None
    assert parse_load(f"1,2,{'9' * (DIGITS_MAX + 1)},0") is None
