"""The server's side of a call: find the handler, wait for a turn, check the request, do the work, encode the answer.

Every way out is a code of the error tree. What a handler raises besides is a defect: logged here in full, and
`internal` to everybody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from broker.admission import Admission
from broker.clock import Clock
from broker.context import Context
from broker.cut_off import CutOff
from broker.deadline import Deadline
from broker.metrics import CANCELLED, OK, Metrics
from broker.rate_limit import Limiter
from broker.refusals import REFUSALS, Late, NotServed, as_failure
from broker.service import BoundAction, Encoded
from broker.tally import UNKNOWN_ACTION, Tally
from broker.timeouts import Timeouts
from broker.wire_errors import INTERNAL_MESSAGE
from schema.action import Action
from schema.errors import Internal, Invalid, MeshError, TimedOut
from schema.stream import Stream

FIELDS_NAMED_MAX = 10

logger = logging.getLogger(__name__)


class _Served:
    """One action of this node, with all that a request needs looked up before the first one comes."""

    __slots__ = ("admission", "contract", "handle", "limiter", "tally")

    def __init__(self, bound: BoundAction, tally: Tally, clock: Clock) -> None:
        bulkhead, limit = bound.policies.bulkhead, bound.policies.rate_limit
        self.contract = bound.contract
        self.handle = bound.handle
        self.tally = tally
        self.admission = None if bulkhead is None else Admission(*bulkhead)
        self.limiter = None if limit is None else Limiter(limit, clock)


class Dispatcher:
    def __init__(self, admission: Admission, metrics: Metrics, timeouts: Timeouts, clock: Clock) -> None:
        self._admission = admission
        self._metrics = metrics
        self._timeouts = timeouts
        self._clock = clock
        self._served: dict[str, _Served] = {}
        self._unknown = metrics.requests.of(UNKNOWN_ACTION)

    def add(self, actions: Iterable[BoundAction]) -> None:
        for bound in actions:
            name = bound.contract.name
            self._served[name] = _Served(bound, self._metrics.requests.of(name), self._clock)

    def serves(self, action: str) -> bool:
        return action in self._served

    async def serve(self, action: str, context: Context, request: Any) -> bytes:
        """The answer to a request from the wire, as JSON. Raises `MeshError` only."""
        answer = await self.answer(action, context, request)
        if isinstance(answer, Stream):
            await answer.aclose()
            raise Invalid(f"{action} answers with a stream")
        return answer

    def answer(self, action: str, context: Context, request: Any) -> Coroutine[Any, Any, bytes | Stream[Any]]:
        """As JSON, or a stream of bytes or of JSON values."""
        return self._measured(action, context, request, nested=False, plain=True)

    async def serve_local(self, action: str, context: Context, request: Any, *, nested: bool, typed: bool) -> Any:
        """The answer to a call from this node. A call made by a handler of this node is `nested`: it runs in its
        caller's place, since waiting for another could wait for itself."""
        result = await self._measured(action, context, request, nested=nested, plain=not typed)
        if isinstance(result, Stream):
            return result
        if not typed:
            return orjson.loads(result)
        if isinstance(result, Encoded):
            return self._served[action].contract.response_adapter.validate_json(result.json)
        return result

    async def _measured(self, action: str, context: Context, request: Any, *, nested: bool, plain: bool) -> Any:
        served = self._served.get(action)
        started_at_seconds = self._clock.now()
        code = CANCELLED
        try:
            if served is None:
                raise NotServed(f"{action} is not served here")
            result = await self._admitted(served, context, request, nested)
            answer = _plain(served.contract, context, result) if plain else result
            code = OK
        except MeshError as error:
            code = error.code
            raise
        finally:
            tally = self._unknown if served is None else served.tally
            tally.note(code, self._clock.now() - started_at_seconds)
        return answer

    def _admitted(self, served: _Served, context: Context, request: Any, nested: bool) -> Coroutine[Any, Any, Any]:
        if served.limiter is not None:
            served.limiter.admit(context)
        if served.admission is None:
            return self._in_turn(served, context, request, nested)
        return self._in_bulkhead(served.admission, served, context, request, nested)

    async def _in_bulkhead(
        self, admission: Admission, served: _Served, context: Context, request: Any, nested: bool
    ) -> Any:
        """The action's own bulkhead holds for nested calls too: it protects what is behind it."""
        async with admission:
            return await self._in_turn(served, context, request, nested)

    async def _in_turn(self, served: _Served, context: Context, request: Any, nested: bool) -> Any:
        if nested:
            return await self._work(served, context, request)
        if not self._admission.enter_at_once():
            await self._admission.enter()
        try:
            return await self._work(served, context, request)
        finally:
            self._admission.leave()

    async def _work(self, served: _Served, context: Context, request: Any) -> Any:
        name = served.contract.name
        if context.deadline.passed:
            raise Late("the deadline had passed before the work began")
        checked = check_request(served.contract.request, request)
        try:
            with CutOff(self._timeouts, context.deadline, name):
                return await served.handle(context, checked)
        except REFUSALS as error:
            raise as_failure(error) from error
        except MeshError:
            raise
        except TimeoutError as error:
            if context.deadline.passed:
                raise TimedOut(f"{name} did not finish in time") from error
            raise defect(name, context) from error
        except Exception as error:
            raise defect(name, context) from error


def check_request(model: type[BaseModel], request: Any) -> BaseModel:
    """The request as its contract's model; raises `Invalid` naming the fields that are wrong."""
    if isinstance(request, model):
        return request
    try:
        checked: BaseModel = model.__pydantic_validator__.validate_python({} if request is None else request)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)[:FIELDS_NAMED_MAX]
        fields = {".".join(map(str, problem["loc"])) or "request": problem["msg"] for problem in problems}
        raise Invalid("; ".join(f"{name}: {text}" for name, text in fields.items()), {"fields": fields}) from None
    return checked


@asynccontextmanager
async def cut_off_at(deadline: Deadline) -> AsyncIterator[None]:
    """Raises `TimeoutError` inside the block when the deadline passes."""
    async with asyncio.timeout(None) as scope:
        timer = deadline.clock.call_later(deadline.remaining_seconds(), lambda: scope.reschedule(0))
        try:
            yield
        finally:
            timer.cancel()


def encoded(contract: Action[Any, Any], result: Any) -> bytes:
    """As JSON. Raises `PydanticSerializationError` if the result does not fit the contract."""
    if isinstance(result, Encoded):
        return result.json
    return contract.response_adapter.serializer.to_json(result, warnings="error")


def defect(action: str, context: Context) -> Internal:
    logger.exception("%s failed", action, extra={"request_id": context.request_id})
    return Internal(INTERNAL_MESSAGE)


def _plain(contract: Action[Any, Any], context: Context, result: Any) -> bytes | Stream[Any]:
    """As it travels."""
    if isinstance(result, Stream):
        return _plain_chunks(contract, result)
    try:
        return encoded(contract, result)
    except PydanticSerializationError as error:
        raise defect(contract.name, context) from error


def _plain_chunks(contract: Action[Any, Any], stream: Stream[Any]) -> Stream[Any]:
    """Bytes, or JSON values."""
    adapter = contract.chunk_adapter
    if adapter is None:
        return stream

    async def written() -> AsyncIterator[Any]:
        async with stream:
            async for chunk in stream:
                yield adapter.dump_python(chunk, mode="json")

    return Stream(written())
