"""The one table from the mesh's errors to HTTP, and the one shape in which a client sees any error.

    {"error": {"code": "invalid", "message": "limit: must be a whole number", "parameter": "limit"}}

`code` is the mesh's, or for what only HTTP knows one of `HTTP_CODES`. `parameter` is there when one is to blame.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

from schema.errors import ERRORS, Internal, Invalid, MeshError

MESH_STATUSES = {
    "invalid": 422,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_many": 429,
    "unavailable": 503,
    "timeout": 504,
    "internal": 500,
}

HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "content_too_large",
    414: "uri_too_long",
    431: "headers_too_large",
}

RETRY_AFTER_SECONDS = 1
"""A mesh that lost a node has chosen another by then."""
RETRYABLE_STATUSES = frozenset({429, 503})


def status_of(error: MeshError) -> int:
    return MESH_STATUSES.get(error.code, 500)


def http_code(status: int) -> str:
    return HTTP_CODES.get(status, "bad_request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal")


def error_body(code: str, message: str, parameter: str | None = None) -> bytes:
    error = {"code": code, "message": message}
    if parameter is not None:
        error["parameter"] = parameter
    return orjson.dumps({"error": error})


def body_of(error: MeshError) -> bytes:
    parameter = error.data.get("parameter")
    return error_body(error.code, public_message(error), parameter if isinstance(parameter, str) else None)


def public_message(error: MeshError) -> str:
    """A defect of ours is not the client's to read about."""
    return "something went wrong on our side" if isinstance(error, Internal) else error.message


def invalid_parameter(name: str, problem: str) -> Invalid:
    return Invalid(f"{name}: {problem}", {"parameter": name})


def described_errors() -> dict[str, Any]:
    """Code to status, of the whole tree, for the documentation."""
    return {code: MESH_STATUSES[code] for code in ERRORS}
