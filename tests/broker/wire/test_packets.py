"""Whatever comes in from the wire is a packet or a `BadPacket`, and what goes out comes in again unchanged."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire.fields import BadPacket
from broker.wire.node_info import ActionInfo, EventInfo, NodeInfo, ServiceInfo
from broker.wire.packets import (
    TIMEOUT_MILLISECONDS_MAX,
    Disconnect,
    Discover,
    EventPacket,
    Heartbeat,
    Info,
    Packet,
    Ping,
    Pong,
    Progress,
    Request,
    Response,
    decode,
)
from broker.wire.topics import Kind

KINDS = st.sampled_from(Kind)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
FIELD_NAMES = st.sampled_from(
    [
        *("ver", "sender", "id", "action", "params", "meta", "timeout", "level", "requestID", "parentID", "caller"),
        *("stream", "success", "data", "error", "event", "groups", "broadcast", "services", "instanceID", "seq"),
        *("metadata", "client", "hostname", "time", "arrived", "headers", "progress", "done", "interval"),
    ]
)
ALMOST_PACKETS = st.dictionaries(FIELD_NAMES, JSON, max_size=12).map(lambda fields: {**fields, "ver": "5"})

EXAMPLES: dict[Kind, Packet] = {
    Kind.REQUEST: Request("5", "a", "1", "x.y", {"k": 1}, {"m": None}, 250.5, 2, "r", "p", "hall"),
    Kind.ORDER: Request("5", "a", "1", "drain", {}, {}, 30_000.0, 1, "1", None, None),
    Kind.RESPONSE: Response("4", "a", "1", [1, None], None, {}),
    Kind.EVENT: EventPacket("5", "a", "1", "x.happened", {}, ("g",), False, {}, 1, "r", None, None),
    Kind.INFO: Info(
        "5",
        NodeInfo(
            "a",
            "instance",
            3,
            "west",
            (ServiceInfo("x", (ActionInfo("x.y", True), ActionInfo("x.z")), (EventInfo("x.*", "g"),)),),
            hostname="host",
        ),
    ),
    Kind.DISCOVER: Discover("5", "a"),
    Kind.DISCONNECT: Disconnect("5", "a"),
    Kind.HEARTBEAT: Heartbeat("5", "a", 3, "instance", 5),
    Kind.PING: Ping("5", "a", "1", 12.0),
    Kind.PONG: Pong("5", "a", "1", 12.0, 13.0),
    Kind.STREAM: Progress("5", "a", "1", 7, True),
}


def without_client(packet: Packet) -> Packet:
    """The name and version of the client are added on the way out."""
    return packet._replace(info=packet.info._replace(client="")) if isinstance(packet, Info) else packet


@pytest.mark.parametrize("kind", Kind)
def test_reads_what_it_writes(kind: Kind) -> None:
    packet = EXAMPLES[kind]
    assert without_client(decode(kind, packet.encode())) == packet


@given(KINDS, st.binary(max_size=200))
def test_refuses_arbitrary_bytes_with_the_one_declared_error(kind: Kind, payload: bytes) -> None:
    with pytest.raises(BadPacket):
        decode(kind, payload)


@given(KINDS, JSON | ALMOST_PACKETS)
def test_refuses_arbitrary_json_with_the_one_declared_error(kind: Kind, value: Any) -> None:
    try:
        decode(kind, orjson.dumps(value))
    except BadPacket:
        return


@given(KINDS, FIELD_NAMES, JSON)
def test_survives_one_wrong_field_in_a_good_packet(kind: Kind, name: str, value: Any) -> None:
    fields = orjson.loads(EXAMPLES[kind].encode()) | {name: value}
    try:
        packet = decode(kind, orjson.dumps(fields))
    except BadPacket:
        return
    packet.encode()


@given(JSON, st.dictionaries(TEXTS, JSON, max_size=3))
def test_carries_any_json_in_a_request(params: Any, meta: dict[str, Any]) -> None:
    packet = Request("5", "a", "1", "x.y", params, meta, 1.0, 1, "r", None, None)
    assert decode(Kind.REQUEST, packet.encode()) == packet


def test_reads_a_request_of_moleculer_4_that_leaves_out_what_it_may() -> None:
    payload = b'{"ver":"4","sender":"node-1","id":"i","action":"x.y","timeout":0}'
    packet = decode(Kind.REQUEST, payload)
    assert isinstance(packet, Request)
    assert (packet.version, packet.meta, packet.level, packet.request_id) == ("4", {}, 1, "i")
    assert packet.timeout_milliseconds == TIMEOUT_MILLISECONDS_MAX


@pytest.mark.parametrize("version", ["3", "6", 5, None])
def test_refuses_other_versions(version: Any) -> None:
    with pytest.raises(BadPacket, match="ver"):
        decode(Kind.DISCOVER, orjson.dumps({"ver": version, "sender": "a"}))


@pytest.mark.parametrize("sender", ["", "a b", "a.*", ">", "a..b", "x" * 129, None, 1])
def test_refuses_senders_that_would_not_do_as_subjects(sender: Any) -> None:
    with pytest.raises(BadPacket, match="sender"):
        decode(Kind.DISCOVER, orjson.dumps({"ver": "5", "sender": sender}))
