"""OpenTelemetry spans: one for each call and one for each request or event that is served, if the process has an SDK.

    opentelemetry-instrument messier serve        # configures one from OTEL_* variables

Without one there is no middleware, and a call costs nothing more. The SDK has to be there when the broker is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context as SpanContext
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from broker.calls import Call
from broker.context import Context
from broker.middleware import MakeCall, Middleware
from broker.service import ActionHandler
from broker.wire.trace_context import TRACEPARENT, of_ids, passed_on
from schema.action import Action, Event
from schema.errors import MeshError

NAME = "localgroup"
SYSTEM = "localgroup"

_propagator = TraceContextTextMapPropagator()


def tracing(node: str, region: str) -> Sequence[Middleware]:
    """Nothing, unless this process has configured an SDK."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        return ()
    return (Tracing(provider.get_tracer(NAME), node, region),)


class Tracing(Middleware):
    def __init__(self, tracer: Tracer, node: str, region: str) -> None:
        self._tracer = tracer
        self._own = {"rpc.system": SYSTEM, "localgroup.node": node, "localgroup.region": region}

    def call(self, call: MakeCall) -> MakeCall:
        async def traced(made: Call) -> Any:
            with self._span(made.action, SpanKind.CLIENT, _of_caller(made), made.request_id) as span:
                headers = dict(made.headers)
                _propagator.inject(headers, trace.set_span_in_context(span))
                return await call(made._replace(headers=headers))

        return traced

    def action(self, contract: Action[Any, Any], handle: ActionHandler) -> ActionHandler:
        return self._around(contract.name, SpanKind.SERVER, handle)

    def event(self, contract: Event[Any], handle: ActionHandler) -> ActionHandler:
        return self._around(contract.name, SpanKind.CONSUMER, handle)

    def _around(self, name: str, kind: SpanKind, handle: ActionHandler) -> ActionHandler:
        async def traced(context: Context, request: Any) -> Any:
            with self._span(name, kind, _of_request(context), context.request_id) as span:
                if context.caller is not None:
                    span.set_attribute("localgroup.caller", context.caller)
                return await handle(context, request)

        return traced

    @contextmanager
    def _span(self, name: str, kind: SpanKind, parent: SpanContext | None, request_id: str) -> Iterator[Span]:
        service, _, method = name.rpartition(".")
        attributes = {**self._own, "rpc.service": service, "rpc.method": method, "localgroup.request_id": request_id}
        with self._tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except MeshError as error:
                _note(span, error.code, error)
                raise
            except Exception as error:
                _note(span, "internal", error)
                raise


def _note(span: Span, code: str, error: Exception) -> None:
    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR, code))
    span.record_exception(error)


def _of_caller(call: Call) -> SpanContext | None:
    """The span that is current where the call is made, else the trace that its maker says."""
    if trace.get_current_span().get_span_context().is_valid:
        return None
    return _extracted(passed_on(call.headers))


def _of_request(context: Context) -> SpanContext | None:
    carrier = passed_on(context.headers)
    if not carrier and (parent := of_ids(context.request_id, context.id)) is not None:
        carrier = {TRACEPARENT: str(parent)}
    return _extracted(carrier)


def _extracted(carrier: dict[str, str]) -> SpanContext | None:
    return _propagator.extract(carrier, SpanContext()) if carrier else None
