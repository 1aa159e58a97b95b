"""The server's side of a call: find the handler, wait for a turn, check the request, do the work, encode the answer.

Every way out is a code of the error tree. What a handler raises besides is a defect: logged here in full, and
`internal` to everybody else.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Iterable
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from broker.clock import Clock
from broker.context import Context
from broker.observe.metrics import CANCELLED, OK, Metrics
from broker.observe.tally import UNKNOWN_ACTION, Tally
from broker.policies.bulkhead import Admission
from broker.policies.cut_off import CutOff
from broker.policies.rate_limit import Limiter
from broker.policies.timeouts import Timeouts
from broker.refusals import REFUSALS, Late, NotServed, as_failure
from broker.service import BoundAction, Encoded
from broker.streams.typed_chunks import plain_chunks
from broker.wire.errors import INTERNAL_MESSAGE
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
        self._now = clock.now
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
        """One function on purpose: each further coroutine of a request costs as much as the rest of the bookkeeping."""
        found = self._served.get(action)
        started_at_seconds = self._now()
        if found is None:
            refusal = NotServed(f"{action} is not served here")
            self._unknown.note(refusal.code, 0.0)
            raise refusal
        served, code = found, CANCELLED
        try:
            if served.limiter is not None:
                served.limiter.admit(context)
            if served.admission is not None:
                answer = await self._in_bulkhead(served.admission, served, context, request, nested)
            elif nested:
                answer = await self._work(served, context, request)
            else:
                admission = self._admission
                if not admission.enter_at_once():
                    await admission.enter()
                try:
                    answer = await self._work(served, context, request)
                finally:
                    admission.leave()
            if plain:
                answer = _plain(served.contract, context, answer)
            code = OK
        except MeshError as error:
            code = error.code
            raise
        finally:
            served.tally.note(code, self._now() - started_at_seconds)
        return answer

    async def _in_bulkhead(
        self, admission: Admission, served: _Served, context: Context, request: Any, nested: bool
    ) -> Any:
        """The action's own bulkhead holds for nested calls too: it protects what is behind it."""
        async with admission:
            if nested:
                return await self._work(served, context, request)
            async with self._admission:
                return await self._work(served, context, request)

    async def _work(self, served: _Served, context: Context, request: Any) -> Any:
        contract, deadline = served.contract, context.deadline
        context.began_at_seconds = self._now()
        if context.began_at_seconds >= deadline.at_seconds:
            raise Late("the deadline had passed before the work began")
        checked = check_request(contract.request, request)
        try:
            with CutOff(self._timeouts, deadline, contract.name):
                return await served.handle(context, checked)
        except REFUSALS as error:
            raise as_failure(error) from error
        except MeshError:
            raise
        except TimeoutError as error:
            if deadline.passed:
                raise TimedOut(f"{contract.name} did not finish in time") from error
            raise defect(contract.name, context) from error
        except Exception as error:
            raise defect(contract.name, context) from error


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


def encoded(contract: Action[Any, Any], result: Any) -> bytes:
    """As JSON. Raises `PydanticSerializationError` if the result does not fit the contract."""
    if isinstance(result, Encoded):
        return result.json
    if type(result) is contract.response:  # it was checked when it was made, and messages do not change
        return contract.response_adapter.serializer.to_json(result)
    return contract.response_adapter.serializer.to_json(result, warnings="error")


def defect(action: str, context: Context) -> Internal:
    logger.exception("%s failed", action, extra={"request_id": context.request_id})
    return Internal(INTERNAL_MESSAGE)


def _plain(contract: Action[Any, Any], context: Context, result: Any) -> bytes | Stream[Any]:
    """As it travels."""
    try:
        return plain_chunks(contract, result) if isinstance(result, Stream) else encoded(contract, result)
    except PydanticSerializationError as error:
        raise defect(contract.name, context) from error
