"""The fields of usual requests and responses, by the names that they have on the wire.

A field without a default is always there; those with one must be as they are here, for a packet to be usual.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.json import Decoder


class RequestFields(Struct):
    ver: str
    sender: str
    id: str
    action: str
    params: Any
    meta: dict[str, Any]
    timeout: int | float
    level: int
    requestID: str
    parentID: str | None
    caller: str | None
    stream: bool
    headers: dict[str, Any] = {}
    seq: Any = None
    progress: Any = None


class ResponseFields(Struct):
    ver: str
    sender: str
    id: str
    success: bool
    data: Any
    meta: dict[str, Any]
    headers: dict[str, Any] = {}
    stream: Any = None
    seq: Any = None
    progress: Any = None


request_fields = Decoder(RequestFields).decode
response_fields = Decoder(ResponseFields).decode
"""Raise `ValueError` for what is no JSON or has another type, and `RecursionError` for what is nested too deeply."""
