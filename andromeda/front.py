"""The outermost layer: fresh pages are answered here, before any routing; everything else goes on to the routes.

It is also where a request that is out of bounds ends, and where a defect becomes a plain 500 and a line in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from andromeda import head as heads
from andromeda.catalogue import PREFIX, key_of
from andromeda.edge_cache import Answer
from andromeda.encoding import acceptable, choose
from andromeda.page import Page
from andromeda.responder import Responder

log = logging.getLogger(__name__)

READING = frozenset({"GET", "HEAD"})
BODILESS = READING | {"OPTIONS"}


class Front:
    """`fixed` are the pages that never change, by path; `fresh` looks a key up in the edge cache."""

    def __init__(
        self,
        routes: ASGIApp,
        responder: Responder,
        *,
        fixed: Mapping[str, Page],
        fresh: Callable[[str], Page | None],
    ) -> None:
        self._routes = routes
        self._responder = responder
        self._fixed = fixed
        self._fresh = fresh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope[heads.SCOPE_KEY] = heads.read(scope["headers"])
        method = scope["method"]
        if head.has_body and method in BODILESS:
            page = self._responder.http_error(400, "a request of this kind has no body here")
            return await self._responder.send(scope, send, Answer(page))
        answer = self._remembered(scope["path"]) if method in READING else None
        if answer is None:
            return await self._route(scope, receive, send)
        variant = answer.page.ready(choose(acceptable(head.accept_encoding), answer.page.body_bytes))
        if variant is None:
            return await self._responder.send(scope, send, answer)
        return await self._responder.send_variant(head, send, answer, variant)

    def _remembered(self, path: str) -> Answer | None:
        if path.startswith(PREFIX):
            page = self._fresh(key_of(path))
            return None if page is None else Answer(page, "hit")
        page = self._fixed.get(path)
        return None if page is None else Answer(page)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The routes' own handler has answered by the time the error arrives here, unless an answer had begun."""
        try:
            await self._routes(scope, receive, send)
        except Exception:
            log.exception("a request failed", extra={"request_id": heads.of(scope).request_id})
