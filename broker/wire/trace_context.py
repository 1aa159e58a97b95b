"""W3C Trace Context, and what it is in Moleculer's terms.

A request that came with a `traceparent` keeps it along the whole chain of calls, in the headers of each. One that
came without has a trace all the same: Moleculer's `requestID` names the trace, and `parentID` the call that made this
one, so that spans on nodes of either kind fit together.

Source: https://www.w3.org/TR/trace-context/; ids of 16 digits for spans as Moleculer's own exporters cut them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
TRACESTATE_LENGTH_MAX = 512
"""What the standard asks to pass on at least; a longer one is left out rather than cut in two."""
TRACE_DIGITS, SPAN_DIGITS = 32, 16
SAMPLED = 1

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_HEX = re.compile(r"[0-9a-f]+")


class TraceParent(NamedTuple):
    trace: str
    span: str
    flags: int = SAMPLED

    def __str__(self) -> str:
        return f"00-{self.trace}-{self.span}-{self.flags:02x}"


def read(text: Any) -> TraceParent | None:
    """None for whatever the standard does not allow. Later versions may have more at the end."""
    found = _PARENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    version, trace, span, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace, 16) or not int(span, 16):
        return None
    return TraceParent(trace, span, int(flags, 16) & SAMPLED)


def of_ids(request_id: str, parent_id: str | None) -> TraceParent | None:
    """Of a call whose packet has no trace but Moleculer's ids; None if it has neither."""
    if not request_id:
        return None
    return TraceParent(_digits(request_id, TRACE_DIGITS), _digits(parent_id or request_id, SPAN_DIGITS))


def passed_on(headers: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a trace that a request came with, for the calls that it leads to."""
    parent, state = headers.get(TRACEPARENT), headers.get(TRACESTATE)
    if not isinstance(parent, str) or read(parent) is None:
        return {}
    if isinstance(state, str) and 0 < len(state) <= TRACESTATE_LENGTH_MAX:
        return {TRACEPARENT: parent, TRACESTATE: state}
    return {TRACEPARENT: parent}


def _digits(identity: str, count: int) -> str:
    """UUIDs and hexadecimal ids stay what they are; others are digested, everywhere to the same."""
    plain = identity.replace("-", "").lower()
    if len(plain) >= count and _HEX.fullmatch(plain) and int(plain[:count], 16):
        return plain[:count]
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=count // 2).hexdigest()
