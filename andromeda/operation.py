"""Routes for those who run a region: is the process alive, can the region serve a user now, what did it measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from starlette.requests import Request

from andromeda.edge_cache import Answer
from andromeda.errors import RETRY_AFTER_SECONDS
from andromeda.page import NOT_STORED, Content
from andromeda.responder import Responder
from broker.observe.exposition import Check

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
RETRY = (("retry-after", str(RETRY_AFTER_SECONDS)),)


class Operation:
    def __init__(
        self, responder: Responder, node_id: str, checks: Mapping[str, Check], exposition: Callable[[], bytes]
    ) -> None:
        self._responder = responder
        self._node_id = node_id
        self._checks = checks
        self._exposition = exposition

    async def healthz(self, request: Request) -> Answer:
        return self._json("/healthz", {"healthy": True, "node": self._node_id})

    async def readyz(self, request: Request) -> Answer:
        reasons = {name: reason for name, check in self._checks.items() if (reason := check()) is not None}
        body = {"ready": not reasons, "node": self._node_id, "reasons": reasons}
        return self._json("/readyz", body, 503 if reasons else 200)

    async def metrics(self, request: Request) -> Answer:
        content = Content(self._exposition(), "/metrics", media_type=METRICS_MEDIA_TYPE, cache_control=NOT_STORED)
        return Answer(self._responder.page(content))

    def _json(self, template: str, body: object, status: int = 200) -> Answer:
        extra = RETRY if status == 503 else ()
        content = Content(orjson.dumps(body), template, status, cache_control=NOT_STORED, extra=extra)
        return Answer(self._responder.page(content))
