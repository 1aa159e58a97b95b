"""Which path goes to which function, and how what a function raises becomes an answer.

A route's function takes a request and returns an answer, or raises an error of the one tree.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from andromeda import head as heads
from andromeda.edge_cache import Answer
from andromeda.errors import status_of
from andromeda.page import NOT_STORED, Content, Page
from andromeda.responder import Reply, Responder
from schema.errors import Internal, MeshError

log = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "OPTIONS")
ALLOWED = ", ".join(METHODS)
PREFLIGHT_SECONDS = 86_400
"""How long a browser may remember the answer to its preflight: the most that any of them honours."""
MESSAGES = {404: "no such path", 405: f"allowed here: {ALLOWED}"}

Function: TypeAlias = Callable[[Request], Awaitable[Answer]]


class Endpoint:
    """A function as Starlette's routes take it, with the answer to OPTIONS that all of them share."""

    def __init__(self, function: Function, responder: Responder, template: str) -> None:
        self._function = function
        self._responder = responder
        self._options = Answer(responder.page(_options(template)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            return await self._responder.send(scope, send, self._options)
        return await self._responder.send(scope, send, await self._function(Request(scope)))


def route(template: str, function: Function, responder: Responder) -> Route:
    return Route(template, Endpoint(function, responder, template), methods=METHODS)


def fixed_route(path: str, page: Page, responder: Responder) -> Route:
    """For what the front does not answer itself: OPTIONS, and refusing other methods."""

    async def answer(request: Request) -> Answer:
        return Answer(page)

    return route(path, answer, responder)


def application(routes: Sequence[Route], responder: Responder) -> Starlette:
    async def of_mesh(request: Request, error: Exception) -> Response:
        known = error if isinstance(error, MeshError) else Internal("unexpected error")
        if status_of(known) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            request_id = heads.of(request.scope).request_id
            log.warning("%s: %s", known.code, known.message, extra={"request_id": request_id})
        return _reply(responder, responder.error(known))

    async def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        extra = [("allow", ALLOWED)] if status == 405 else []
        return _reply(responder, responder.http_error(status, MESSAGES.get(status, "bad request"), extra))

    application = Starlette(
        routes=routes, exception_handlers={MeshError: of_mesh, HTTPException: of_http, 500: of_mesh}
    )
    application.router.redirect_slashes = False
    return application


def _reply(responder: Responder, page: Page) -> Response:
    return Reply(responder, page)  # type: ignore[return-value]  # Starlette only awaits it as an ASGI application


def _options(template: str) -> Content:
    headers: Mapping[str, str] = {
        "allow": ALLOWED,
        "access-control-allow-methods": ALLOWED,
        "access-control-allow-headers": "accept, if-none-match, x-request-id, traceparent, tracestate",
        "access-control-max-age": str(PREFLIGHT_SECONDS),
    }
    return Content(b"", template, 204, cache_control=NOT_STORED, extra=tuple(headers.items()))
