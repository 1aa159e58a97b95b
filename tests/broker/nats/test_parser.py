from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.compiled import source_of
from broker.nats.parser import CONTROL_LINE_BYTES_MAX, HEADS_KEPT_MAX, BadProtocol, Parser

PAYLOAD_BYTES_MAX = 1024
WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1, max_size=20
)
PAYLOADS = st.binary(max_size=PAYLOAD_BYTES_MAX // 2)


class Heard(list[tuple[Any, ...]]):
    """Every operation, in order."""

    def arrived(self, *message: Any) -> None:
        self.append(("message", *message))

    def on_info(self, text: bytes) -> None:
        self.append(("info", text))

    def on_ping(self) -> None:
        self.append(("ping",))

    def on_pong(self) -> None:
        self.append(("pong",))

    def on_error(self, message: str) -> None:
        self.append(("error", message))


def heard(*pieces: bytes, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> Heard:
    receiver = Heard()
    parser = Parser(receiver, receiver.arrived, payload_bytes_max)
    for piece in pieces:
        parser.feed(piece)
    return receiver


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, tuple[Any, ...]]:
    sid, subject, payload = draw(st.integers(0, 999)), draw(WORDS), draw(PAYLOADS)
    reply, header = draw(st.just("") | WORDS), draw(st.just(b"") | st.just(b"NATS/1.0\r\nx: y\r\n\r\n"))
    words = ["HMSG" if header else "MSG", subject, str(sid), reply, str(len(header)) if header else ""]
    line = " ".join(filter(None, [*words, str(len(header) + len(payload))]))
    return b"%b\r\n%b%b\r\n" % (line.encode(), header, payload), ("message", sid, subject, reply, header, payload)


OPERATIONS = messages() | st.sampled_from(
    [
        (b"PING\r\n", ("ping",)),
        (b"PONG\r\n", ("pong",)),
        (b"+OK\r\n", None),
        (b'INFO {"a": 1}\r\n', ("info", b'{"a": 1}')),
        (b"-ERR 'Stale Connection'\r\n", ("error", "Stale Connection")),
    ]
)


@given(st.lists(OPERATIONS, max_size=8), st.data())
def test_hears_the_same_however_the_stream_is_cut(operations: list[tuple[bytes, Any]], data: st.DataObject) -> None:
    stream = b"".join(operation for operation, _ in operations)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    pieces = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    assert heard(*pieces) == [meaning for _, meaning in operations if meaning is not None]


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_raises_nothing_but_bad_protocol_for_arbitrary_bytes(pieces: list[bytes]) -> None:
    _survives(pieces)


@given(st.lists(st.sampled_from([b"MSG", b"HMSG", b" ", b"a", b"1", b"-1", b"2", b"\r\n", b"\n", b"PING", b"\xff"])))
def test_raises_nothing_but_bad_protocol_for_what_resembles_the_protocol(pieces: list[bytes]) -> None:
    _survives(pieces)


def _survives(pieces: list[bytes]) -> None:
    try:
        heard(*pieces)
    except BadProtocol:
        return


@pytest.mark.parametrize(
    "stream",
    [
        b"MSG a 1 1025\r\n",
        b"MSG a 1 -1\r\n\r\n",
        b"MSG a 1 x\r\n",
        b"MSG a x 1\r\n",
        b"MSG a 1\r\n",
        b"MSG a 1 r s 1\r\n",
        b"HMSG a 1 3 2\r\nab\r\n",
        b"HMSG a 1 2\r\n",
        b"MSG a 1 2\r\nabc\r\n",
        b"MSG a 1 " + b"9" * 5000 + b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\r\n",
        b"x" * (CONTROL_LINE_BYTES_MAX + 1),
    ],
)
def test_trusts_no_stream_that_breaks_the_protocol(stream: bytes) -> None:
    with pytest.raises(BadProtocol):
        heard(stream)


def test_keeps_a_subject_that_is_no_utf8() -> None:
    (message,) = heard(b"MSG a.\xff 1 2\r\nhi\r\n")
    assert message[2].encode("utf-8", "surrogateescape") == b"a.\xff"


def test_forgets_heads_when_there_are_too_many() -> None:
    receiver = Heard()
    parser = Parser(receiver, receiver.arrived)
    for number in range(HEADS_KEPT_MAX + 1):
        parser.feed(b"MSG a.%d 1 2\r\nhi\r\n" % number)
    assert len(receiver) == HEADS_KEPT_MAX + 1
    assert len(parser._heads) == 1


def counting_parser(receiver: Heard) -> Any:
    """How often it looked through what it had. Of plain Python: nothing inherits from what is compiled."""
    spec = spec_from_file_location("plain_parser", source_of("broker.nats.parser"))
    assert spec is not None
    assert spec.loader is not None
    plain = module_from_spec(spec)
    spec.loader.exec_module(plain)

    class CountingParser(plain.Parser):  # type: ignore[misc, name-defined]
        looks = 0

        def _operations(self, data: bytes) -> Any:
            self.looks += 1
            return super()._operations(data)

    return CountingParser(receiver, receiver.arrived)


def test_gathers_a_huge_payload_without_looking_through_it_at_every_read() -> None:
    size_bytes = 8 << 20
    stream = b"MSG a 1 %d\r\n%b\r\n" % (size_bytes, bytes(size_bytes))
    receiver = Heard()
    parser = counting_parser(receiver)
    for start in range(0, len(stream), 4096):
        parser.feed(stream[start : start + 4096])
    assert len(receiver) == 1
    assert parser.looks == 2
