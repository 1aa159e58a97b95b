"""A service: a class whose marked methods answer actions and listen to events.

    class CourseStore(Service):
        name = "db-courses"

        @action(READ_TERM)
        async def term(self, context: Context, request: OfTerm) -> Versioned[TermRows]: ...

        @event(ROWS_CHANGED)
        async def changed(self, context: Context, payload: DocumentChanged) -> None: ...

The contract's types are checked against the method's by mypy, its name against the service's when the class is made.
Policies of the serving side are declared beside it, and hold for all callers alike:

        @action(SEARCH, bulkhead=Bulkhead(4, 16), rate_limit=RateLimit(per_second=5), cache=Caching(ttl_seconds=30))
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from broker.cache.action_cache import Caching
from broker.context import Context
from broker.policies.bulkhead import Bulkhead
from broker.policies.rate_limit import RateLimit
from broker.wire.node_info import ActionInfo, EventInfo, ServiceInfo
from schema.action import Action, Event
from schema.errors import MeshError

if TYPE_CHECKING:
    from broker.mesh import Broker

ServiceType = TypeVar("ServiceType", bound="Service")
RequestType = TypeVar("RequestType", bound=BaseModel)
ResponseType = TypeVar("ResponseType")

_MARK = "__mesh_contract__"
_POLICIES = "__mesh_policies__"


class Encoded(NamedTuple):
    """A reply that is JSON already: it is put on the wire as it is, and its sender answers for its shape."""

    json: bytes


Method: TypeAlias = Callable[[ServiceType, Context, RequestType], Awaitable[ResponseType]]


class ActionHandler(Protocol):
    def __call__(self, context: Context, request: Any, /) -> Awaitable[Any]: ...


class ServingPolicies(NamedTuple):
    bulkhead: Bulkhead | None = None
    """Of its own, beside the node's."""
    rate_limit: RateLimit | None = None
    cache: Caching | None = None
    fallback: Callable[..., Awaitable[Any]] | None = None
    """Answers for a handler that failed with a retryable or an internal error."""


NO_POLICIES = ServingPolicies()


class BoundAction(NamedTuple):
    contract: Action[Any, Any]
    handle: ActionHandler
    policies: ServingPolicies = NO_POLICIES


class BoundEvent(NamedTuple):
    contract: Event[Any]
    group: str
    handle: ActionHandler


class action(Generic[RequestType, ResponseType]):
    def __init__(
        self,
        contract: Action[RequestType, ResponseType],
        *,
        bulkhead: Bulkhead | None = None,
        rate_limit: RateLimit | None = None,
        cache: Caching | None = None,
        fallback: Callable[[Any, Context, RequestType, MeshError], Awaitable[ResponseType]] | None = None,
    ) -> None:
        """`fallback` is a method too, written above this one."""
        if cache is not None:
            cache.check(contract)
        self._contract = contract
        self._policies = ServingPolicies(bulkhead, rate_limit, cache, fallback)

    @overload
    def __call__(
        self, method: Method[ServiceType, RequestType, ResponseType]
    ) -> Method[ServiceType, RequestType, ResponseType]: ...

    @overload
    def __call__(
        self, method: Method[ServiceType, RequestType, ResponseType | Encoded]
    ) -> Method[ServiceType, RequestType, ResponseType | Encoded]: ...

    def __call__(self, method: Any) -> Any:
        setattr(method, _MARK, self._contract)
        setattr(method, _POLICIES, self._policies)
        return method


class event(Generic[RequestType]):
    def __init__(self, contract: Event[RequestType]) -> None:
        self._contract = contract

    def __call__(self, method: Method[ServiceType, RequestType, None]) -> Method[ServiceType, RequestType, None]:
        setattr(method, _MARK, self._contract)
        return method


class Service:
    name: ClassVar[str]
    private: ClassVar[Collection[Action[Any, Any]]] = ()
    """Of its actions, those that only nodes of the mesh may call: the micro door leaves them out."""
    version: ClassVar[int | str | None] = None
    """Versions of a service are different services: version 2 of `courses` answers `v2.courses.term`."""
    dependencies: ClassVar[Collection[str]] = ()
    """Services, with their versions, that must be there before this one is started."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for contract in _contracts(cls):
            if isinstance(contract, Action) and contract.service != cls.full_name():
                raise TypeError(f"{cls.__name__} is {cls.full_name()!r}, but it answers {contract.name!r}")

    @classmethod
    def full_name(cls) -> str:
        """As callers spell it."""
        if cls.version is None:
            return cls.name
        return f"v{cls.version}.{cls.name}" if isinstance(cls.version, int) else f"{cls.version}.{cls.name}"

    async def started(self, broker: Broker) -> None:
        """Called once the mesh is joined, before the service is announced."""

    async def stopped(self) -> None:
        """Called when no request is in flight any more."""


def bound_actions(service: Service) -> Iterator[BoundAction]:
    for method, contract in _bound_methods(service):
        if isinstance(contract, Action):
            policies: ServingPolicies = getattr(method, _POLICIES)
            if policies.fallback is not None:
                policies = policies._replace(fallback=partial(policies.fallback, service))
            yield BoundAction(contract, method, policies)


def bound_events(service: Service) -> Iterator[BoundEvent]:
    for method, contract in _bound_methods(service):
        if isinstance(contract, Event):
            yield BoundEvent(contract, service.name, method)


def describe(service: Service) -> ServiceInfo:
    actions = tuple(bound_actions(service))
    caches = [bound.policies.cache for bound in actions if bound.policies.cache is not None]
    listened = [bound.contract for bound in bound_events(service)]
    listened += [forget.event for cache in caches for forget in cache.forget_on]
    return ServiceInfo(
        service.full_name(),
        tuple(ActionInfo(bound.contract.name, bound.contract.safe, bound.contract.keyed) for bound in actions),
        tuple(EventInfo(name, service.name) for name in dict.fromkeys(event.name for event in listened)),
        service.version,
        tuple(service.dependencies),
    )


def _contracts(service: type[Service]) -> Iterator[Any]:
    for _, method in inspect.getmembers(service, inspect.isfunction):
        if contract := getattr(method, _MARK, None):
            yield contract


def _bound_methods(service: Service) -> Iterator[tuple[ActionHandler, Any]]:
    for _, method in inspect.getmembers(service, inspect.ismethod):
        if contract := getattr(method, _MARK, None):
            yield method, contract
