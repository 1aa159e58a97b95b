"""The mesh: services find and call each other over NATS, near ones first, far ones when they must.

The files here are a node and the way of a call through it: `calling`, `outgoing`, `calls`, `remote`, `pending` on the
caller's side; `inbox`, `requests`, `dispatch`, `serving` on the other. What they rest on has a folder each: `nats`,
`wire`, `discovery`, `strategies`, `policies`, `cache`, `streams`, `micro`, `credentials`, `observe`; `commands` is the
`mesh` command line.
"""

from broker import compiled

compiled.use()  # before the others are imported

from broker.config import BrokerConfig
from broker.context import Context
from broker.mesh import Broker
from broker.observe.metrics import Metrics
from broker.service import Encoded, Service, action, event

__all__ = ["Broker", "BrokerConfig", "Context", "Encoded", "Metrics", "Service", "action", "event"]
