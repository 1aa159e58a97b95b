from prometheus_client import CollectorRegistry

from broker.nats.faults import Fault, Faults
from broker.observe.faults_seen import FaultsSeen


def test_counts_each_kind_when_somebody_looks_and_never_another() -> None:
    faults, registry = Faults(), CollectorRegistry()
    registry.register(FaultsSeen(faults))
    faults.note("hub", 'Permissions Violation for Publish to "MOL.REQ.b"')
    faults.note("hub", "something that nobody has heard of")

    def count(fault: str) -> float | None:
        return registry.get_sample_value("localgroup_nats_faults_total", {"fault": fault})

    assert (count("forbidden"), count("other"), count("stale")) == (1, 1, 0)
    assert {each: count(each) for each in Fault}.keys() == set(Fault)
