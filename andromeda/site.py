"""The pages that never change while a process runs: landing page, documentation, OpenAPI, and what they load.

All of it is ours and comes from this server, so the policy that goes with the pages forbids everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import orjson

from andromeda import docs
from andromeda.openapi import description
from andromeda.page import HTML, JSON, Content

POLICY = (
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
)
STATIC_MEDIA_TYPES = {
    "andromeda.css": "text/css; charset=utf-8",
    "try.js": "text/javascript; charset=utf-8",
    "galaxy.svg": "image/svg+xml",
}


def contents(version: str) -> Mapping[str, Content]:
    """Path to content. Reads the package's files, so it is called once, at the start."""
    api = description(version)
    static = files("andromeda") / "static"
    pages = {
        "/": Content((static / "index.html").read_bytes(), "/", media_type=HTML, extra=POLICY),
        "/docs": Content(docs.page(api).encode(), "/docs", media_type=HTML, extra=POLICY),
        "/openapi.json": Content(orjson.dumps(api), "/openapi.json", media_type=JSON),
    }
    for name, media_type in STATIC_MEDIA_TYPES.items():
        path = f"/static/{name}"
        pages[path] = Content((static / name).read_bytes(), path, media_type=media_type, extra=POLICY)
    return pages
