"""Settings of a node in the mesh, each default with its reason."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from broker.strategies.names import FASTEST, named
from broker.wire.topics import NAMESPACE_PATTERN, NODE_LENGTH_MAX, NODE_PATTERN

HEARTBEAT_SECONDS = 5.0
"""Half of Moleculer's: a node that was killed is noticed within the timeout below."""
HEARTBEAT_TIMEOUT_SECONDS = 15.0
"""Three heartbeats: one lost packet, or one pause of a few seconds, is not an outage."""
FORGET_SECONDS = 600.0
"""A lost node stays listed this long, so that people see what is missing."""
PING_SECONDS = 1.0
"""Between two pings, each to one node."""
CONCURRENCY = 64
"""Requests that a node works on at once: the work is mostly waiting for a database."""
QUEUE_CAPACITY = 256
"""Requests that wait for their turn: with services of 10 ms, about 40 ms of work; beyond it, other nodes are better."""
EVENT_CAPACITY = 1_024
PENDING_CAPACITY = 8_192
"""Calls that wait for their answers."""
DRAIN_SECONDS = 10.0
EJECTION_SECONDS = 2.0
"""A node that keeps failing is left alone this long at first, if another can answer."""
STREAM_IDLE_SECONDS = 30.0
"""A stream of which nothing was heard, or nothing read, for so long has been left by somebody."""
STREAM_CAPACITY = 64
"""Streams that come in at once, and that go out: each holds 1 MiB at most, all of foreign nodes together 64 MiB."""
DEPENDENCY_SECONDS = 30.0
"""What the services that a service depends on get to come up; then its process had better say what is missing."""
DEADLINE_SECONDS = 5.0
"""Of a call whose caller did not say."""

EJECTION_FAILURES = 3
"""In a row. One failure is nothing special; with one in a hundred, three in a row are one in a million."""
BUDGET_SHARE = 0.2
"""Extra attempts, repeats and hedges alike, as a share of calls."""
BUDGET_PER_SECOND = 10.0
"""Extra attempts beside, so that a node with little traffic can repeat too."""

Seconds = Annotated[float, Field(gt=0, le=3600)]
Capacity = Annotated[int, Field(ge=1, le=1_000_000)]
Region = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")]
NodeName = Annotated[str, Field(max_length=NODE_LENGTH_MAX, pattern=NODE_PATTERN)]
Namespace = Annotated[str, Field(pattern=NAMESPACE_PATTERN)]


def _check_strategy(name: str) -> str:
    named(name)
    return name


class BrokerConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Region
    node: NodeName
    tier: Annotated[str, Field(max_length=32)] = ""
    """What kind of node it is, for its metrics and its logs."""
    namespace: Namespace = ""
    protocol: Annotated[str, Field(pattern=r"^[45]$")] = "5"
    """Of packets for everybody. A packet for one node is in that node's version."""
    balanced: bool = False
    """Listen also where nodes that leave the choice to the server ask: Moleculer's `disableBalancer`."""
    stream_idle_seconds: Seconds = STREAM_IDLE_SECONDS
    stream_capacity: Capacity = STREAM_CAPACITY
    internal_services: bool = True
    """Answer `$node.*`, which Moleculer's tools ask for."""
    heartbeat_seconds: Seconds = HEARTBEAT_SECONDS
    heartbeat_timeout_seconds: Seconds = HEARTBEAT_TIMEOUT_SECONDS
    forget_seconds: Seconds = FORGET_SECONDS
    ping_seconds: Seconds = PING_SECONDS
    concurrency: Capacity = CONCURRENCY
    queue_capacity: Annotated[int, Field(ge=0, le=1_000_000)] = QUEUE_CAPACITY
    event_capacity: Capacity = EVENT_CAPACITY
    pending_capacity: Capacity = PENDING_CAPACITY
    drain_seconds: Seconds = DRAIN_SECONDS
    ejection_seconds: Seconds = EJECTION_SECONDS
    ejection_failures: Annotated[int, Field(ge=1, le=1_000)] = EJECTION_FAILURES
    repeat_budget_share: Annotated[float, Field(ge=0, le=1)] = BUDGET_SHARE
    repeat_budget_per_second: Annotated[float, Field(ge=0, le=1_000)] = BUDGET_PER_SECOND
    dependency_seconds: Seconds = DEPENDENCY_SECONDS
    strategy: Annotated[str, AfterValidator(_check_strategy)] = FASTEST
    """How a node is chosen among those that serve an action."""
