"""What stands around a handler, put together once when its service is added: whatever is not declared costs nothing.

    middlewares -> fallback -> cache -> idempotency -> the method

The bulkhead and the rate limit come before all of it (`dispatch.py`): work that is refused is not begun.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

from broker.cache.action_cache import ActionCache, Caching
from broker.cache.stores import Store
from broker.clock import Clock
from broker.context import Context
from broker.dispatch import defect, encoded
from broker.middleware import Middleware, around_action, around_event
from broker.observe.metrics import Metrics
from broker.policies.cut_off import CutOff
from broker.policies.deadline import Deadline
from broker.policies.fallback import is_failure
from broker.policies.idempotency import IdempotencyStore, digest_of
from broker.policies.timeouts import Timeouts
from broker.service import (
    ActionHandler,
    BoundAction,
    BoundEvent,
    Encoded,
    Service,
    bound_actions,
    bound_events,
)
from schema.action import Action
from schema.errors import MeshError

COMPUTE_SECONDS = 10.0
"""What the computation of a cached answer may take: several callers may wait, each with a deadline of its own."""


class Serving:
    def __init__(
        self,
        *,
        middlewares: Sequence[Middleware],
        store: Store,
        metrics: Metrics,
        clock: Clock,
        timeouts: Timeouts,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._middlewares = middlewares
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._timeouts = timeouts
        self._spawn = spawn
        self._caches: dict[str, ActionCache] = {}

    def actions(self, service: Service, idempotency: IdempotencyStore | None) -> Iterator[BoundAction]:
        for bound in bound_actions(service):
            yield bound._replace(handle=self._around(bound, idempotency))

    def events(self, service: Service) -> Iterator[BoundEvent]:
        """Those that the service listens to, and those by which its cached answers are forgotten."""
        for bound in bound_events(service):
            yield bound._replace(handle=around_event(self._middlewares, bound.contract, bound.handle))
        for action in bound_actions(service):
            if action.policies.cache is not None:
                yield from self._forgetting(service, action.contract.name, action.policies.cache)

    def events_missed(self) -> None:
        for cache in self._caches.values():
            self._spawn(cache.forget_all())

    def _around(self, bound: BoundAction, idempotency: IdempotencyStore | None) -> ActionHandler:
        contract, policies, handle = bound.contract, bound.policies, bound.handle
        if idempotency is not None and contract.keyed:
            handle = _once(contract, handle, idempotency)
        if policies.cache is not None:
            handle = self._cached(contract, handle, policies.cache)
        if policies.fallback is not None:
            handle = _or_fallback(contract, handle, policies.fallback)
        return around_action(self._middlewares, contract, handle)

    def _cached(self, contract: Action[Any, Any], handle: ActionHandler, caching: Caching) -> ActionHandler:
        cache = self._caches[contract.name] = ActionCache(
            contract.name,
            caching,
            store=self._store,
            metrics=self._metrics.caches,
            clock=self._clock,
            spawn=self._spawn,
        )

        async def cached(context: Context, request: Any) -> Encoded:
            async def compute() -> bytes:
                own = context.detached(Deadline.after(COMPUTE_SECONDS, self._clock))
                with CutOff(self._timeouts, own.deadline, contract.name):
                    return encoded(contract, await handle(own, request))

            return Encoded(await cache.answer(request, compute))

        return cached

    def _forgetting(self, service: Service, action: str, caching: Caching) -> Iterator[BoundEvent]:
        for forget in caching.forget_on:
            yield BoundEvent(forget.event, service.name, _forgetting(self._caches[action], forget.of))


def _forgetting(cache: ActionCache, of: Callable[[Any], Any] | None) -> ActionHandler:
    async def forget(context: Context, payload: Any) -> None:
        await (cache.forget_all() if of is None else cache.forget(of(payload)))

    return forget


def _once(contract: Action[Any, Any], handle: ActionHandler, store: IdempotencyStore) -> ActionHandler:
    async def once(context: Context, request: Any) -> Any:
        key = context.idempotency_key
        if key is None:
            return await handle(context, request)

        async def work() -> bytes:
            return encoded(contract, await handle(context, request))

        return Encoded(await store.once(contract.name, key, digest_of(request), work))

    return once


def _or_fallback(
    contract: Action[Any, Any], handle: ActionHandler, fallback: Callable[..., Awaitable[Any]]
) -> ActionHandler:
    async def handled(context: Context, request: Any) -> Any:
        try:
            return await handle(context, request)
        except MeshError as error:
            if not is_failure(error):
                raise
            return await fallback(context, request, error)
        except Exception:  # the log has it; the fallback answers
            return await fallback(context, request, defect(contract.name, context))

    return handled
