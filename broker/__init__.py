"""The mesh: services find and call each other over NATS, near ones first, far ones when they must."""

from broker.config import BrokerConfig
from broker.context import Context
from broker.mesh import Broker
from broker.metrics import Metrics
from broker.service import Encoded, Service, action, event

__all__ = ["Broker", "BrokerConfig", "Context", "Encoded", "Metrics", "Service", "action", "event"]
