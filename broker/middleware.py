"""Middleware: what a node adds to all its actions, all its calls or all its events, in one place.

    class Audit(Middleware):
        def action(self, contract: Action[Any, Any], handle: ActionHandler) -> ActionHandler:
            if contract.safe:
                return handle

            async def audited(context: Context, request: Any) -> Any:
                answer = await handle(context, request)
                logger.info("%s by %s", contract.name, context.meta.get("user"))
                return answer

            return audited

    Broker(config, transport, middlewares=[Audit()])

Each is asked once, before the node starts, and answers what it was given if it has nothing to add: what is not used
costs nothing. The first of the list is the outermost.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from broker.service import ActionHandler
from schema.action import Action, Event

if TYPE_CHECKING:
    from broker.calls import Call

MakeCall: TypeAlias = "Callable[[Call], Coroutine[Any, Any, Any]]"


class Middleware:
    def action(self, contract: Action[Any, Any], handle: ActionHandler) -> ActionHandler:
        """Around the handler of an action of this node, whoever calls it. The request has been checked."""
        return handle

    def call(self, call: MakeCall) -> MakeCall:
        """Around each call that this node makes, with all its attempts; it may be answered by this node itself."""
        return call

    def event(self, contract: Event[Any], handle: ActionHandler) -> ActionHandler:
        """Around the handler of an event."""
        return handle


def around_action(
    middlewares: Sequence[Middleware], contract: Action[Any, Any], handle: ActionHandler
) -> ActionHandler:
    for each in reversed(middlewares):
        handle = each.action(contract, handle)
    return handle


def around_calls(middlewares: Sequence[Middleware], call: MakeCall) -> MakeCall:
    for each in reversed(middlewares):
        call = each.call(call)
    return call


def around_event(middlewares: Sequence[Middleware], contract: Event[Any], handle: ActionHandler) -> ActionHandler:
    for each in reversed(middlewares):
        handle = each.event(contract, handle)
    return handle
