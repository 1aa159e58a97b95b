"""Query parameters, taken strictly: what is wrong is named, nothing is guessed.

An unknown parameter is passed over, as links gather them on their way. A known one must be given once. An empty one
counts as absent, since forms send every field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError

from andromeda.errors import invalid_parameter
from schema.courses import Search

WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def search_request(query_string: bytes) -> Search:
    """Raises Invalid, naming the parameter."""
    given: dict[str, object] = dict(parameters(query_string, Search.model_fields))
    if "limit" in given:
        given["limit"] = whole_number("limit", str(given["limit"]))
    try:
        return Search.model_validate(given)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False, include_context=False)[0]
        raise invalid_parameter(str(first["loc"][0]), first["msg"]) from None


def parameters(query_string: bytes, known: Iterable[str]) -> Mapping[str, str]:
    """The known parameters that were given, decoded."""
    names = {name.encode("ascii"): name for name in known}
    given: dict[str, str] = {}
    for pair in query_string.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        name = names.get(_decode(raw_name))
        if name is None or not raw_value:
            continue
        if name in given:
            raise invalid_parameter(name, "must be given once")
        given[name] = _text(name, _decode(raw_value))
    return given


def whole_number(name: str, value: str) -> int:
    if not WHOLE_NUMBER.fullmatch(value):
        raise invalid_parameter(name, "must be a whole number")
    return int(value)


def _decode(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _text(name: str, value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_parameter(name, "must be UTF-8, percent-encoded") from None
    if CONTROL.search(text):
        raise invalid_parameter(name, "must not contain control characters")
    return text
