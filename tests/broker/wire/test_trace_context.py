"""Which traces are believed, and what Moleculer's ids become."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire.trace_context import (
    TRACEPARENT,
    TRACESTATE,
    TRACESTATE_LENGTH_MAX,
    TraceParent,
    of_ids,
    passed_on,
    read,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{SPAN}-01"
DIGITS = "0123456789abcdef"


def test_reads_what_it_writes() -> None:
    assert read(VALID) == TraceParent(TRACE, SPAN, 1)
    assert str(read(VALID)) == VALID


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        VALID[:-1],
        VALID.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"{VALID}-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f" {VALID}",
        f"{VALID}\n",
    ],
)
def test_believes_nothing_that_the_standard_forbids(text: object) -> None:
    assert read(text) is None
    assert passed_on({TRACEPARENT: text}) == {}


def test_reads_what_a_later_version_may_add() -> None:
    assert read(f"01-{TRACE}-{SPAN}-01-more") == TraceParent(TRACE, SPAN, 1)


@given(st.text(max_size=80) | st.binary(max_size=80) | st.none())
def test_never_raises(text: object) -> None:
    parent = read(text)
    assert parent is None or read(str(parent)) == parent


@given(st.text(DIGITS, min_size=32, max_size=32), st.text(DIGITS, min_size=16, max_size=16), st.integers(0, 1))
def test_keeps_every_trace_with_ids_that_are_not_zero(trace: str, span: str, flags: int) -> None:
    if int(trace, 16) and int(span, 16):
        assert read(str(TraceParent(trace, span, flags))) == TraceParent(trace, span, flags)


def test_passes_the_state_on_unless_it_is_too_long() -> None:
    assert passed_on({TRACEPARENT: VALID, TRACESTATE: "a=b"}) == {TRACEPARENT: VALID, TRACESTATE: "a=b"}
    assert passed_on({TRACEPARENT: VALID, TRACESTATE: "x" * (TRACESTATE_LENGTH_MAX + 1)}) == {TRACEPARENT: VALID}
    assert passed_on({TRACESTATE: "a=b"}) == {}


def test_makes_a_trace_of_the_uuids_that_moleculer_uses() -> None:
    request, call = str(uuid4()), str(uuid4())
    parent = of_ids(request, call)
    assert parent == TraceParent(request.replace("-", ""), call.replace("-", "")[:16])


@given(st.text(max_size=100), st.none() | st.text(max_size=100))
def test_makes_the_same_valid_trace_of_the_same_ids_everywhere(request: str, parent: str | None) -> None:
    made = of_ids(request, parent)
    assert made == of_ids(request, parent)
    assert (made is None) == (not request)
    assert made is None or read(str(made)) == made


def test_tells_requests_apart_by_their_ids() -> None:
    assert len({of_ids(f"request {number}", None) for number in range(1_000)}) == 1_000
