from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.refusals import REFUSALS, Late, NodeFull, NotServed, as_failure
from broker.wire.errors import TABLE, from_wire, to_wire
from schema.errors import Forbidden, Internal, Invalid, MeshError, NotFound, TimedOut, Unavailable

VALUES = st.none() | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=2)
KEYS = st.sampled_from(["name", "message", "code", "type", "data", "retryable"])


@pytest.mark.parametrize("kind", [row.error for row in TABLE])
def test_comes_back_as_what_it_was(kind: type[MeshError]) -> None:
    assert type(from_wire(to_wire(kind("text"), "node"))) is kind


@given(st.dictionaries(KEYS, VALUES))
def test_recognises_something_in_whatever_a_foreign_node_sends(fields: dict[str, Any]) -> None:
    assert isinstance(from_wire(fields), MeshError)


@pytest.mark.parametrize(
    ("name", "status", "kind", "expected"),
    [
        ("ServiceNotFoundError", 404, "SERVICE_NOT_FOUND", NotServed),
        ("ServiceNotAvailableError", 405, "SERVICE_NOT_AVAILABLE", NotServed),
        ("RequestTimeoutError", 504, "REQUEST_TIMEOUT", TimedOut),
        ("RequestSkippedError", 514, "REQUEST_SKIPPED", Late),
        ("RequestRejectedError", 503, "REQUEST_REJECTED", Unavailable),
        ("QueueIsFullError", 429, "QUEUE_FULL", NodeFull),
        ("ValidationError", 422, "VALIDATION_ERROR", Invalid),
        ("MaxCallLevelError", 500, "MAX_CALL_LEVEL", Internal),
        ("MoleculerClientError", 403, "NOT_YOURS", Forbidden),
        ("MoleculerClientError", 404, "GONE", NotFound),
        ("MoleculerClientError", 418, "TEAPOT", Invalid),
        ("TypeError", None, None, Internal),
    ],
)
def test_knows_the_errors_of_moleculer(
    name: str, status: int | None, kind: str | None, expected: type[MeshError]
) -> None:
    error = from_wire({"name": name, "code": status, "type": kind, "message": "text", "stack": "at x.js:1"})
    assert type(error) is expected


def test_sends_neither_stack_nor_detail_of_a_defect() -> None:
    fields = to_wire(Internal("at /home/us/secret.py", {"query": "SELECT"}), "node")
    assert fields["message"] == "internal error"
    assert fields["data"] == {}
    assert "stack" not in fields


@pytest.mark.parametrize("kind", REFUSALS)
def test_forgets_that_work_was_not_begun_once_it_travels_up(kind: type[MeshError]) -> None:
    failure = as_failure(kind("text", {"a": 1}))
    assert type(failure) is kind.__mro__[1]
    assert (failure.message, failure.data) == ("text", {"a": 1})
