from __future__ import annotations

from broker.discovery.registry import Registry
from broker.wire.node_info import ActionInfo, EventInfo, NodeInfo, ServiceInfo


def info(node: str = "a", *, instance: str = "1", seq: int = 1, actions: tuple[str, ...] = ("x.y",)) -> NodeInfo:
    events = (EventInfo("x.*", "x"),)
    return NodeInfo(node, instance, seq, "west", (ServiceInfo("x", tuple(map(ActionInfo, actions)), events),))


def nodes_of(registry: Registry, action: str) -> list[str]:
    return [endpoint.node for endpoint in registry.endpoints(action)]


def test_believes_an_info_only_if_it_is_news() -> None:
    registry = Registry()
    assert registry.admit(info(seq=2), 0)
    assert not registry.admit(info(seq=2, actions=("x.z",)), 1)
    assert not registry.admit(info(seq=1, actions=("x.z",)), 2)
    assert nodes_of(registry, "x.y") == ["a"]
    assert registry.admit(info(seq=3, actions=("x.z",)), 3)
    assert nodes_of(registry, "x.y") == []
    assert nodes_of(registry, "x.z") == ["a"]


def test_believes_another_instance_whatever_its_seq() -> None:
    registry = Registry()
    registry.admit(info(seq=9), 0)
    assert registry.admit(info(instance="2", seq=1, actions=("x.z",)), 1)
    assert nodes_of(registry, "x.z") == ["a"]


def test_believes_a_node_that_was_gone_whatever_its_seq() -> None:
    registry = Registry()
    registry.admit(info(), 0)
    assert registry.withdraw("a")
    assert not registry.withdraw("a")
    assert nodes_of(registry, "x.y") == []
    assert registry.admit(info(), 1)
    assert nodes_of(registry, "x.y") == ["a"]


def test_finds_listeners_by_pattern_one_list_a_group() -> None:
    registry = Registry()
    registry.admit(info("a"), 0)
    registry.admit(info("b"), 0)
    listeners = registry.listeners("x.changed")
    assert {group: [each.node for each in nodes] for group, nodes in listeners.items()} == {"x": ["a", "b"]}
    assert registry.listeners("y.changed") == {}


def test_tells_who_is_silent_and_forgets_them_later() -> None:
    registry = Registry()
    registry.admit(info("own"), 0, local=True)
    registry.admit(info("quiet"), 0)
    registry.admit(info("loud"), 10)
    assert registry.silent(13, 8) == ["quiet"]
    registry.withdraw("quiet")
    assert registry.silent(13, 8) == []
    registry.forget_silent_since(5)
    assert [node.info.node for node in registry] == ["own", "loud"]


def test_knows_whether_a_service_is_served() -> None:
    registry = Registry()
    assert not registry.serves("x")
    registry.admit(info(), 0)
    assert registry.serves("x")
    registry.withdraw("a")
    assert not registry.serves("x")


def test_takes_back_a_node_as_it_was() -> None:
    registry = Registry()
    registry.admit(info(), 0)
    assert not registry.readmit("a", 1)
    registry.withdraw("a")
    assert (registry.count_available(), nodes_of(registry, "x.y")) == (0, [])
    assert registry.readmit("a", 2)
    assert (registry.count_available(), nodes_of(registry, "x.y")) == (1, ["a"])
    assert not registry.readmit("nobody", 2)


def test_forgets_only_the_answers_that_a_node_has_a_part_in() -> None:
    registry = Registry()
    registry.admit(info("a"), 0)
    before = registry.endpoints("x.y")
    registry.admit(info("b", actions=("x.z",)), 0)
    assert registry.endpoints("x.y") is before
    registry.admit(info("c"), 0)
    assert nodes_of(registry, "x.y") == ["a", "c"]
