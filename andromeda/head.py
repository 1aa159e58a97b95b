"""What we need of a request's head, read in one pass over its headers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import NamedTuple

from starlette.types import Scope

from broker.wire import trace_context
from broker.wire.trace_context import TRACEPARENT, TRACESTATE

WANTED = frozenset(
    {
        b"accept-encoding",
        b"if-none-match",
        b"x-request-id",
        b"content-length",
        b"transfer-encoding",
        b"traceparent",
        b"tracestate",
    }
)
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
REQUEST_ID_BYTES = 8
SCOPE_KEY = "localgroup.head"
NO_TRACE: Mapping[str, str] = {}


class Head(NamedTuple):
    """`began_at` on the clock of `perf_counter`. Header values are Latin-1, as HTTP has them."""

    began_at: float
    request_id: str
    accept_encoding: str | None
    if_none_match: str | None
    has_body: bool
    trace: Mapping[str, str] = NO_TRACE
    """The W3C headers of the trace that the client says, for the mesh to pass on."""


def read(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in WANTED:
            found[name] = found[name] + b"," + value if name in found else value
    trace = _trace(found) if b"traceparent" in found else NO_TRACE
    return Head(
        perf_counter(),
        _request_id(found.get(b"x-request-id"), trace),
        _text(found.get(b"accept-encoding")),
        _text(found.get(b"if-none-match")),
        found.get(b"content-length", b"0").strip(b"0") != b"" or b"transfer-encoding" in found,
        trace,
    )


def of(scope: Scope) -> Head:
    """The head that the front read already."""
    head: Head = scope[SCOPE_KEY]
    return head


def _request_id(given: bytes | None, trace: Mapping[str, str]) -> str:
    """The client's own, where it is fit to be logged and passed on; else its trace's."""
    if given is not None and REQUEST_ID.fullmatch(given):
        return given.decode("ascii")
    if (parent := trace_context.read(trace.get(TRACEPARENT))) is not None:
        return parent.trace
    return secrets.token_hex(REQUEST_ID_BYTES)


def _trace(found: Mapping[bytes, bytes]) -> Mapping[str, str]:
    said = {
        name: found[name.encode()].decode("latin-1") for name in (TRACEPARENT, TRACESTATE) if name.encode() in found
    }
    return trace_context.passed_on(said)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
