"""The one table between our error codes and Moleculer's error names, types and status codes.

A foreign node's error is recognised by its type, then by its name, then by its status, and keeps all three when it
travels on. What an `internal` error says stays in the node that raised it: strangers get a fixed sentence, and no stack
ever travels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from broker.refusals import Late, NodeFull, NotServed, RateLimited, is_refusal
from schema.errors import (
    Conflict,
    Forbidden,
    ForeignKind,
    Internal,
    Invalid,
    MeshError,
    NotFound,
    TimedOut,
    TooMany,
    Unauthorized,
    Unavailable,
)

INTERNAL_MESSAGE = "internal error"
MESSAGE_LENGTH_MAX = 1_000
NAME_LENGTH_MAX = 100
CLIENT_STATUS = range(400, 500)


class Row(NamedTuple):
    error: type[MeshError]
    name: str
    type: str
    status: int


TABLE = (
    Row(NotServed, "ServiceNotFoundError", "SERVICE_NOT_FOUND", 404),
    Row(NodeFull, "QueueIsFullError", "QUEUE_FULL", 429),
    Row(RateLimited, "MoleculerClientError", "RATE_LIMITED", 429),
    Row(Late, "RequestSkippedError", "REQUEST_SKIPPED", 514),
    Row(Invalid, "ValidationError", "VALIDATION_ERROR", 422),
    Row(Unauthorized, "MoleculerClientError", "UNAUTHORIZED", 401),
    Row(Forbidden, "MoleculerClientError", "FORBIDDEN", 403),
    Row(NotFound, "MoleculerClientError", "NOT_FOUND", 404),
    Row(Conflict, "MoleculerClientError", "CONFLICT", 409),
    Row(TooMany, "MoleculerRetryableError", "TOO_MANY", 429),
    Row(Unavailable, "MoleculerRetryableError", "UNAVAILABLE", 503),
    Row(TimedOut, "RequestTimeoutError", "REQUEST_TIMEOUT", 504),
    Row(Internal, "MoleculerServerError", "INTERNAL", 500),
)
_BY_ERROR = {row.error: row for row in TABLE}
_BY_TYPE = {row.type: row.error for row in TABLE}
_BY_STATUS = {row.status: row.error for row in TABLE if row.error.__module__ == "schema.errors"}
_BY_NAME: Mapping[str, type[MeshError]] = {
    "ServiceNotFoundError": NotServed,
    "ServiceNotAvailableError": NotServed,
    "QueueIsFullError": NodeFull,
    "RequestSkippedError": Late,
    "RequestRejectedError": Unavailable,
    "RequestTimeoutError": TimedOut,
    "ValidationError": Invalid,
}
"""Names that say enough by themselves, whatever type a foreign node gives them."""
_RETRYABLE = ("MoleculerRetryableError", "BrokerDisconnectedError")
"""Names that say, where the status does not, that it may be tried again."""


def to_wire(error: MeshError, node: str, action: str | None = None) -> dict[str, Any]:
    """Moleculer makes the sentence of a refusal from the names of the action and the node."""
    row = _row_of(type(error))
    internal = row.error is Internal
    foreign = error.foreign
    return {
        "name": foreign.name if foreign else row.name,
        "message": INTERNAL_MESSAGE if internal else error.message[:MESSAGE_LENGTH_MAX],
        "nodeID": node,
        "code": foreign.status if foreign else row.status,
        "type": foreign.type if foreign else row.type,
        "retryable": error.retryable,
        "data": {} if internal else _told(error, node, action),
    }


def from_wire(fields: Mapping[str, Any]) -> MeshError:
    """Never raises: whatever cannot be recognised is an internal error of the node that sent it."""
    kind = _kind_of(fields)
    if kind is Internal:
        error: MeshError = Internal(INTERNAL_MESSAGE)
    else:
        message = fields.get("message")
        text = message[:MESSAGE_LENGTH_MAX] if isinstance(message, str) else kind.code
        error = kind(text, _data(fields.get("data")))
    error.foreign = _foreign(fields)
    return error


def _told(error: MeshError, node: str, action: str | None) -> dict[str, Any]:
    return {"action": action, "nodeID": node, **error.data} if action and is_refusal(error) else error.data


def _data(data: Any) -> dict[str, Any] | None:
    """Moleculer's validators send a list of problems."""
    if isinstance(data, list):
        return {"problems": data}
    return data if isinstance(data, dict) else None


def _foreign(fields: Mapping[str, Any]) -> ForeignKind | None:
    name, kind, status = fields.get("name"), fields.get("type"), fields.get("code")
    if not isinstance(name, str) or isinstance(status, bool) or not isinstance(status, int):
        return None
    kind = kind[:NAME_LENGTH_MAX] if isinstance(kind, str) else None
    return None if kind in _BY_TYPE else ForeignKind(name[:NAME_LENGTH_MAX], kind, status)


def _row_of(kind: type[MeshError]) -> Row:
    rows = (_BY_ERROR.get(ancestor) for ancestor in kind.__mro__)
    return next(filter(None, rows), _BY_ERROR[Internal])


def _kind_of(fields: Mapping[str, Any]) -> type[MeshError]:
    kind, name, status = fields.get("type"), fields.get("name"), fields.get("code")
    if isinstance(kind, str) and kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if isinstance(name, str) and name in _BY_NAME:
        return _BY_NAME[name]
    if isinstance(status, int) and (known := _BY_STATUS.get(status)) not in (None, Internal):
        return known
    if isinstance(status, int) and status in CLIENT_STATUS:
        return Invalid
    return Unavailable if name in _RETRYABLE else Internal
