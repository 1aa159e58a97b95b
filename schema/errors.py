"""The one error tree of the mesh. An error is a code; everything else a stranger may see is its message.

    MeshError
    ├── Invalid        invalid       422  the request itself is wrong
    ├── Unauthorized   unauthorized  401  who are you
    ├── Forbidden      forbidden     403  not for you
    ├── NotFound       not_found     404  no such thing
    ├── Conflict       conflict      409  somebody else was first, or the same key meant something else
    ├── TooMany        too_many      429  this node is full, or you ask too often      (retryable elsewhere)
    ├── Unavailable    unavailable   503  nobody can answer now                        (retryable)
    ├── TimedOut       timeout       504  the deadline passed first                    (retryable)
    └── Internal       internal      500  a defect of ours; the detail is in the log of the node that raised it

`retryable` says that the same request may succeed on another node, or later. It does not say that repeating it is
harmless: that is the action's `safe` flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple


class ForeignKind(NamedTuple):
    """What a Moleculer service calls an error of its own: kept, so that it reaches whoever knows it by that name."""

    name: str
    type: str | None
    status: int


class MeshError(Exception):
    """An error that may cross the mesh. `data` is JSON and free of internals."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = dict(data or {})
        self.foreign: ForeignKind | None = None


class Invalid(MeshError):
    code = "invalid"


class Unauthorized(MeshError):
    code = "unauthorized"


class Forbidden(MeshError):
    code = "forbidden"


class NotFound(MeshError):
    code = "not_found"


class Conflict(MeshError):
    code = "conflict"


class TooMany(MeshError):
    code = "too_many"
    retryable = True


class Unavailable(MeshError):
    code = "unavailable"
    retryable = True


class TimedOut(MeshError):
    code = "timeout"
    retryable = True


class Internal(MeshError):
    code = "internal"


ERRORS: Mapping[str, type[MeshError]] = {
    error.code: error
    for error in (
        Invalid, Unauthorized, Forbidden, NotFound, Conflict, TooMany, Unavailable, TimedOut, Internal
    )
}  # fmt: skip
"""Every code to its class."""
