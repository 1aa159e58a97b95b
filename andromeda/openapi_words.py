"""Words and examples for the documentation: what the contracts' types cannot say. A test checks every example
against the type that it is an example of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TITLE = "Local Group: SlugSurvival catalogue"
ABOUT = """The course catalogue of UC Santa Cruz, 2004 to 2016, as raw JSON without an envelope.

Every region answers the same; `X-Served-By` says which node did. A path may end in `.json` or not. Bodies carry a
strong `ETag`: send it back as `If-None-Match` and an unchanged document costs no more than a 304. Large bodies come
compressed as `gzip` or `zstd` if you accept that. To keep a local copy, poll `timestamp/{key}` and fetch again when it
has moved."""

REQUEST_HEADERS = {
    "If-None-Match": ("Entity tags that you have. If one of them is current, the answer is 304.", '"5f1c2a"'),
    "Accept-Encoding": ("`gzip` and `zstd` are there.", "zstd, gzip"),
    "X-Request-Id": ("Your name for this request, for the logs: up to 64 letters, digits and `._:-`.", "trial-1"),
}
RESPONSE_HEADERS = {
    "ETag": "Strong entity tag of this body in this coding.",
    "Cache-Control": "Caches may keep the body and must ask before they use it.",
    "Vary": "Always `accept-encoding`.",
    "X-Served-By": "The node that answered.",
    "X-Request-Id": "Your name for the request, or ours.",
    "Cache-Status": "Whether the answer came from the edge cache (RFC 9211).",
    "Warning": "There when the answer may be outdated: 110, or 111 if nothing newer could be had.",
    "Age": "Seconds since an outdated answer was current.",
}
ERRORS: Mapping[int, tuple[str, dict[str, str]]] = {
    400: ("Not a request that HTTP allows here.", {"code": "bad_request", "message": "this is not HTTP as we know it"}),
    404: ("No such key, or no such path.", {"code": "not_found", "message": "no such key"}),
    405: ("Another method than GET, HEAD and OPTIONS.", {"code": "method_not_allowed", "message": "allowed here: GET"}),
    422: (
        "A parameter is wrong; `parameter` names it.",
        {"code": "invalid", "message": "limit: must be a whole number", "parameter": "limit"},
    ),
    429: ("Too much at once. `Retry-After` says when to come back.", {"code": "too_many", "message": "try again"}),
    503: (
        "Nobody can answer now. `Retry-After` says when to come back.",
        {"code": "unavailable", "message": "no node"},
    ),
    504: ("The answer took too long.", {"code": "timeout", "message": "the deadline passed"}),
}

PATH_PARAMETERS = {
    "code": "Four digits: the year without its second digit, and 0 winter, 2 spring, 4 summer, 8 fall.",
    "quarter": "One of the four quarters.",
    "key": "The key of a document, as it stands behind `fetch/`.",
}
"""What a path's variable part means. A value that is not known is 404."""

SEARCH_PARAMETERS: dict[str, tuple[str, Any]] = {
    "q": ("Words to look for.", "linear algebra"),
    "term": ("Only this term.", "2168"),
    "ge": ("Only classes that satisfy this general-education code.", "MF"),
    "subject": ("Only this subject.", "AMS"),
    "limit": ("At most this many.", 20),
}

_TIMES = {"day": ["Monday", "Wednesday", "Friday"], "time": {"start": "09:50", "end": "10:55"}}
_MEETINGS = [{"t": _TIMES, "loc": "Classroom Unit 2"}]
_CLASS = {
    "c": "10",
    "s": "01",
    "n": "Mathematical Methods for Engineers I",
    "num": 21304,
    "cap": "120",
    "ins": {"d": ["Lovelace, A."], "f": "Ada", "l": "Lovelace", "m": None},
    "loct": _MEETINGS,
}
_COURSE = {
    "ty": "Lecture",
    "cr": "5",
    "ge": ["MF"],
    "desc": "Applications-oriented course on linear algebra.",
    "re": None,
    "com": [],
    "sec": [{"num": "21305", "sec": "01A", "loct": _MEETINGS, "ins": "Staff", "cap": "30"}],
}

DOCUMENT_EXAMPLES: dict[str, Any] = {
    "terms": [{"code": "2168", "name": "2016 Fall Quarter", "date": {"start": "09/22/16", "end": "12/09/16"}}],
    "terms/": {"AMS": [_CLASS]},
    "courses/": {"21304": _COURSE, "21399": False},
    "offered/": {"AMS 10": {"2015": 1, "2016": 2}},
    "subjects": {"AMS": "Applied Mathematics and Statistics", "ZZZ": None},
    "ge": {"MF": "Mathematical and Formal Reasoning"},
    "rmp": {"AdaLovelace": "1815"},
    "locations": {"Libraries": [{"lat": 36.9996, "lon": -122.0604, "label": "Science and Engineering Library"}]},
    "timestamp/": 1476172800,
}

SEARCH_EXAMPLE: list[dict[str, Any]] = [
    {
        "term": "2168",
        "subject": "AMS",
        "c": "10",
        "s": "01",
        "n": "Mathematical Methods for Engineers I",
        "num": 21304,
        "ins": ["Lovelace, A."],
        "ge": ["MF"],
        "score": 12,
    }
]

OPERATION: Mapping[str, tuple[str, str, str]] = {
    "/healthz": ("Is this process alive?", "200 as long as it can answer at all.", "application/json"),
    "/readyz": ("Can this region serve you now?", "503 says why it cannot.", "application/json"),
    "/metrics": ("Measurements", "In the text format of Prometheus.", "text/plain"),
    "/openapi.json": ("This description", "OpenAPI 3.1.", "application/json"),
}
"""Path to summary, description and media type of what operators and programs ask for."""
