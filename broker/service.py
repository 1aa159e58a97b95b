"""A service: a class whose marked methods answer actions and listen to events.

    class CourseStore(Service):
        name = "db-courses"

        @action(READ_TERM)
        async def term(self, context: Context, request: OfTerm) -> Versioned[TermRows]: ...

        @event(ROWS_CHANGED)
        async def changed(self, context: Context, payload: DocumentChanged) -> None: ...

The contract's types are checked against the method's by mypy, its name against the service's when the class is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from broker.context import Context
from broker.node_info import ActionInfo, EventInfo, ServiceInfo
from schema.action import Action, Event

if TYPE_CHECKING:
    from broker.mesh import Broker

ServiceType = TypeVar("ServiceType", bound="Service")
RequestType = TypeVar("RequestType", bound=BaseModel)
ResponseType = TypeVar("ResponseType")

_MARK = "__mesh_contract__"


class Encoded(NamedTuple):
    """A reply that is JSON already: it is put on the wire as it is, and its sender answers for its shape."""

    json: bytes


Method: TypeAlias = Callable[[ServiceType, Context, RequestType], Awaitable[ResponseType]]


class ActionHandler(Protocol):
    def __call__(self, context: Context, request: Any, /) -> Awaitable[Any]: ...


class BoundAction(NamedTuple):
    contract: Action[Any, Any]
    handle: ActionHandler


class BoundEvent(NamedTuple):
    contract: Event[Any]
    group: str
    handle: ActionHandler


class action(Generic[RequestType, ResponseType]):
    def __init__(self, contract: Action[RequestType, ResponseType]) -> None:
        self._contract = contract

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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for contract in _contracts(cls):
            if isinstance(contract, Action) and contract.service != cls.name:
                raise TypeError(f"{cls.__name__}.name is {cls.name!r}, but it answers {contract.name!r}")

    async def started(self, broker: Broker) -> None:
        """Called once the mesh is joined, before the service is announced."""

    async def stopped(self) -> None:
        """Called when no request is in flight any more."""


def bound_actions(service: Service) -> Iterator[BoundAction]:
    for method, contract in _bound_methods(service):
        if isinstance(contract, Action):
            yield BoundAction(contract, method)


def bound_events(service: Service) -> Iterator[BoundEvent]:
    for method, contract in _bound_methods(service):
        if isinstance(contract, Event):
            yield BoundEvent(contract, service.name, method)


def describe(service: Service) -> ServiceInfo:
    return ServiceInfo(
        service.name,
        tuple(ActionInfo(bound.contract.name, bound.contract.safe) for bound in bound_actions(service)),
        tuple(EventInfo(bound.contract.name, bound.group) for bound in bound_events(service)),
    )


def _contracts(service: type[Service]) -> Iterator[Any]:
    for _, method in inspect.getmembers(service, inspect.isfunction):
        if contract := getattr(method, _MARK, None):
            yield contract


def _bound_methods(service: Service) -> Iterator[tuple[ActionHandler, Any]]:
    for _, method in inspect.getmembers(service, inspect.ismethod):
        if contract := getattr(method, _MARK, None):
            yield method, contract
