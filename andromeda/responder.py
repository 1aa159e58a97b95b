"""The one door through which every answer leaves: coding, conditions, headers of the moment, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from time import perf_counter

from starlette.types import Receive, Scope, Send

from andromeda import head as heads
from andromeda.conditional import matches
from andromeda.doors import Doors
from andromeda.edge_cache import Answer, Outcome
from andromeda.encoding import acceptable, choose
from andromeda.errors import RETRY_AFTER_SECONDS, RETRYABLE_STATUSES, body_of, error_body, http_code, status_of
from andromeda.head import Head
from andromeda.metrics import UNMATCHED, EdgeMetrics
from andromeda.page import NOT_STORED, Content, Headers, Page, Variant
from schema.errors import MeshError

EXPOSED_HEADERS = "etag, age, warning, retry-after, cache-status, x-served-by, x-request-id"

CACHE_STATUS: dict[Outcome, bytes] = {
    "hit": b"andromeda; hit",
    "stale": b"andromeda; hit; detail=stale",
    "miss": b"andromeda; fwd=miss",
    "error": b"andromeda; hit; fwd=stale; detail=error",
}
WARNINGS: dict[Outcome, bytes] = {
    "stale": b'110 andromeda "Response is Stale"',
    "error": b'111 andromeda "Revalidation Failed"',
}
OPERATORS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that are no user's."""
LAST_ANSWER: Headers = [(b"connection", b"close")]
STALE_SOURCE = ("warning", '110 andromeda "Response is Stale"')
"""Of an answer that the mesh itself labels as possibly outdated."""


class Responder:
    def __init__(self, node_id: str, metrics: EdgeMetrics, doors: Doors) -> None:
        self._metrics = metrics
        self._doors = doors
        self._common = (
            ("x-served-by", node_id),
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", EXPOSED_HEADERS),
            ("x-content-type-options", "nosniff"),
        )

    def page(self, content: Content) -> Page:
        return Page(content, self._common)

    def error(self, error: MeshError, template: str = UNMATCHED) -> Page:
        return self._error(status_of(error), body_of(error), template)

    def http_error(self, status: int, message: str, extra: Sequence[tuple[str, str]] = ()) -> Page:
        return self._error(status, error_body(http_code(status), message), UNMATCHED, extra)

    def _error(self, status: int, body: bytes, template: str, extra: Sequence[tuple[str, str]] = ()) -> Page:
        if status in RETRYABLE_STATUSES:
            extra = (*extra, ("retry-after", str(RETRY_AFTER_SECONDS)))
        return self.page(Content(body, template, status, cache_control=NOT_STORED, extra=tuple(extra)))

    async def send(self, scope: Scope, send: Send, answer: Answer) -> None:
        head = heads.of(scope)
        page = answer.page
        coding = choose(acceptable(head.accept_encoding), page.body_bytes)
        await self.send_variant(head, send, answer, page.ready(coding) or await page.variant(coding))

    async def send_variant(self, head: Head, send: Send, answer: Answer, variant: Variant) -> None:
        page = answer.page
        unchanged = bool(variant.tag and head.if_none_match and matches(head.if_none_match, variant.tag))
        status = HTTPStatus.NOT_MODIFIED if unchanged else page.status
        headers = (variant.not_modified if unchanged else variant.headers) + _of_the_moment(head, answer)
        if self._doors.shut:
            headers += LAST_ANSWER
            if page.template not in OPERATORS:
                self._doors.requested()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if unchanged else variant.body})
        self._metrics.answered(page.template, int(status), answer.outcome, perf_counter() - head.began_at)


class Reply:
    """An answer as Starlette wants it from an exception handler."""

    def __init__(self, responder: Responder, page: Page) -> None:
        self._responder = responder
        self._answer = Answer(page, "none")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._responder.send(scope, send, self._answer)


def _of_the_moment(head: Head, answer: Answer) -> Headers:
    headers = [(b"x-request-id", head.request_id.encode("ascii"))]
    outcome = answer.outcome
    if outcome in CACHE_STATUS:
        headers.append((b"cache-status", CACHE_STATUS[outcome]))
    if outcome in WARNINGS:
        headers.append((b"age", b"%d" % answer.age_seconds))
        headers.append((b"warning", WARNINGS[outcome]))
    return headers
