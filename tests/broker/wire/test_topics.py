from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.wire.topics import NAMESPACE_PATTERN, NODE_LENGTH_MAX, NODE_PATTERN, Kind, Topic, Topics, is_node_id, parse

NAMESPACES = st.from_regex(NAMESPACE_PATTERN, fullmatch=True)
NODES = st.from_regex(NODE_PATTERN, fullmatch=True).filter(lambda node: len(node) <= NODE_LENGTH_MAX)
KINDS = st.sampled_from(Kind)


@given(NAMESPACES, KINDS, NODES)
def test_reads_the_subjects_that_it_spells(namespace: str, kind: Kind, node: str) -> None:
    topics = Topics(namespace)
    assert parse(topics.of(kind, node)) == Topic(namespace, kind, node)
    assert parse(topics.everybody(kind)) == Topic(namespace, kind, None)


@given(st.text(max_size=40))
def test_reads_any_subject_without_an_error(subject: str) -> None:
    parse(subject)


@given(st.text(max_size=20))
def test_accepts_no_node_id_that_means_something_to_nats(text: str) -> None:
    if is_node_id(text):
        assert not set(text) & set("*> \t\r\n")


def test_spells_subjects_as_moleculer_does() -> None:
    assert Topics().of(Kind.REQUEST, "node-1") == "MOL.REQ.node-1"
    assert Topics("prod").everybody(Kind.INFO) == "MOL-prod.INFO"
