"""The server's side of a call: find the handler, wait for a turn, check the request, do the work, encode the answer.

Every way out is a code of the error tree. What a handler raises besides is a defect: logged here in full, and
`internal` to everybody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from broker.admission import Admission
from broker.context import Context
from broker.deadline import Deadline
from broker.metrics import OK, UNKNOWN_ACTION, Metrics
from broker.refusals import REFUSALS, Late, NotServed, as_failure
from broker.service import BoundAction, Encoded
from broker.wire_errors import INTERNAL_MESSAGE
from schema.action import Action
from schema.errors import Internal, Invalid, MeshError, TimedOut
from schema.stream import Stream

FIELDS_NAMED_MAX = 10

logger = logging.getLogger(__name__)


class Dispatcher:
    def __init__(self, admission: Admission, metrics: Metrics) -> None:
        self._admission = admission
        self._metrics = metrics
        self._actions: dict[str, BoundAction] = {}

    def add(self, actions: Iterable[BoundAction]) -> None:
        self._actions.update((bound.contract.name, bound) for bound in actions)

    def serves(self, action: str) -> bool:
        return action in self._actions

    async def serve(self, action: str, context: Context, request: Any) -> bytes:
        """The answer to a request from the wire, as JSON. Raises `MeshError` only."""
        answer = await self.answer(action, context, request)
        if isinstance(answer, Stream):
            await answer.aclose()
            raise Invalid(f"{action} answers with a stream")
        return answer

    async def answer(self, action: str, context: Context, request: Any) -> bytes | Stream[Any]:
        """As JSON, or a stream of bytes or of JSON values."""
        result = await self._measured(action, context, request, nested=False)
        contract = self._actions[action].contract
        return _plain(contract, result) if isinstance(result, Stream) else _encode(contract, result)

    async def serve_local(self, action: str, context: Context, request: Any, *, nested: bool, typed: bool) -> Any:
        """The answer to a call from this node. A call made by a handler of this node is `nested`: it runs in its
        caller's place, since waiting for another could wait for itself."""
        result = await self._measured(action, context, request, nested=nested)
        contract = self._actions[action].contract
        if isinstance(result, Stream):
            return result if typed else _plain(contract, result)
        if not typed:
            return orjson.loads(_encode(contract, result))
        return contract.response_adapter.validate_json(result.json) if isinstance(result, Encoded) else result

    async def _measured(self, action: str, context: Context, request: Any, *, nested: bool) -> Any:
        started_at_seconds = context.deadline.clock.now()
        code = OK
        try:
            return await self._admitted(action, context, request, nested=nested)
        except MeshError as error:
            code = error.code
            raise
        finally:
            label = action if action in self._actions else UNKNOWN_ACTION
            self._metrics.request(label, code, context.deadline.clock.now() - started_at_seconds)

    async def _admitted(self, action: str, context: Context, request: Any, *, nested: bool) -> Any:
        bound = self._actions.get(action)
        if bound is None:
            raise NotServed(f"{action} is not served here")
        if nested:
            return await self._work(bound, context, request)
        async with self._admission:
            return await self._work(bound, context, request)

    async def _work(self, bound: BoundAction, context: Context, request: Any) -> Any:
        if context.deadline.passed:
            raise Late("the deadline had passed before the work began")
        checked = check_request(bound.contract.request, request)
        try:
            async with cut_off_at(context.deadline):
                return await bound.handle(context, checked)
        except REFUSALS as error:
            raise as_failure(error) from error
        except MeshError:
            raise
        except TimeoutError as error:
            if context.deadline.passed:
                raise TimedOut(f"{bound.contract.name} did not finish in time") from error
            raise _defect(bound.contract.name, context) from error
        except Exception as error:
            raise _defect(bound.contract.name, context) from error


def check_request(model: type[BaseModel], request: Any) -> BaseModel:
    """The request as its contract's model; raises `Invalid` naming the fields that are wrong."""
    if isinstance(request, model):
        return request
    try:
        return model.model_validate({} if request is None else request)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)[:FIELDS_NAMED_MAX]
        fields = {".".join(map(str, problem["loc"])) or "request": problem["msg"] for problem in problems}
        raise Invalid("; ".join(f"{name}: {text}" for name, text in fields.items()), {"fields": fields}) from None


@asynccontextmanager
async def cut_off_at(deadline: Deadline) -> AsyncIterator[None]:
    """Raises `TimeoutError` inside the block when the deadline passes."""
    async with asyncio.timeout(None) as scope:
        timer = deadline.clock.call_later(deadline.remaining_seconds(), lambda: scope.reschedule(0))
        try:
            yield
        finally:
            timer.cancel()


def _encode(contract: Action[Any, Any], result: Any) -> bytes:
    if isinstance(result, Encoded):
        return result.json
    return contract.response_adapter.dump_json(result, warnings="error")


def _plain(contract: Action[Any, Any], stream: Stream[Any]) -> Stream[Any]:
    """Its chunks as they travel: bytes, or JSON values."""
    adapter = contract.chunk_adapter
    if adapter is None:
        return stream

    async def written() -> AsyncIterator[Any]:
        async with stream:
            async for chunk in stream:
                yield adapter.dump_python(chunk, mode="json")

    return Stream(written())


def _defect(action: str, context: Context) -> Internal:
    logger.exception("%s failed", action, extra={"request_id": context.request_id})
    return Internal(INTERNAL_MESSAGE)
