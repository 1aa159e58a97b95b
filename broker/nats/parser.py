"""What a NATS server says, cut out of a stream of bytes: incremental, strict, bounded. Source: NATS client protocol.

The parser calls its receiver for every complete operation, so that one read of the socket is handled in one go. What is
incomplete is kept; a payload larger than one read is gathered and joined once.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias, TypeVar

CONTROL_LINE_BYTES_MAX: Final = 64 * 1024
"""An INFO that lists the servers of a large cluster is the longest."""
PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
"""The most that any server can be configured to accept."""

HEADS_KEPT_MAX = 1024
"""A node hears on a dozen subjects; with some hundred usual sizes each, most heads are found again."""

END = b"\r\n"
FOREIGN_TEXT = "surrogateescape"
"""Whoever publishes chooses the subjects, and need not choose UTF-8: that must not end the connection."""

EXTRA_WORDS = {"MSG": 0, "HMSG": 1}
"""`MSG subject sid [reply] bytes`, `HMSG subject sid [reply] header-bytes bytes`."""

Kept = TypeVar("Kept")
Head: TypeAlias = tuple[int, str, str, int, int]
"""Subscription, subject, reply subject or "", bytes of the header, bytes of header and payload."""


class BadProtocol(ValueError):
    """The other end does not speak NATS, or not any more: the connection cannot be trusted further."""


class Arrived(Protocol):
    """Takes one message: the subscription's number first, an absent reply subject or header empty."""

    def __call__(self, sid: int, subject: str, reply: str, header: bytes, payload: bytes, /) -> None: ...


class Receiver(Protocol):
    def on_info(self, text: bytes) -> None: ...

    def on_ping(self) -> None: ...

    def on_pong(self) -> None: ...

    def on_error(self, message: str) -> None: ...


class Parser:
    def __init__(self, receiver: Receiver, arrived: Arrived, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> None:
        self.arrived = arrived
        """May be exchanged between two reads."""
        self._receiver = receiver
        self._payload_bytes_max = payload_bytes_max
        self._heads: dict[bytes, Head] = {}
        """Messages without a reply subject have few different heads: the same subjects and sizes again and again."""
        self._places: dict[bytes, tuple[int, str]] = {}
        """Of the others, whose reply subjects are new each time, what stands before these."""
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._wanted_bytes = 0
        """Nothing can be complete before this many bytes are kept."""

    @property
    def missing_bytes(self) -> int:
        """Of the message that has begun to come in."""
        return max(0, self._wanted_bytes - self._kept_bytes) if self._kept else 0

    def feed(self, data: bytes) -> None:
        """Raises `BadProtocol`."""
        if self._kept:
            self._kept.append(data)
            self._kept_bytes += len(data)
            if self._kept_bytes < self._wanted_bytes:
                return
            data = b"".join(self._kept)
            self._kept.clear()
        self._wanted_bytes = 0
        read = self._operations(data)
        if read < len(data):
            self._kept.append(data[read:])
            self._kept_bytes = len(data) - read

    def _operations(self, data: bytes) -> int:
        """How many bytes made complete operations. The mesh's hottest loop: what is rare in it is called elsewhere."""
        heads, arrived, length, position = self._heads, self.arrived, len(data), 0
        while (line_end := data.find(END, position)) >= 0:
            line = data[position:line_end]
            if (head := heads.get(line)) is None and (head := self._operation(line)) is None:
                position = line_end + 2
                continue
            sid, subject, reply, header_bytes, size_bytes = head
            header_at = line_end + 2
            end = header_at + size_bytes
            if length < end + 2:
                self._wanted_bytes = end + 2 - position
                return position
            if not data.startswith(END, end):
                raise BadProtocol("a message that does not end where it said")
            payload_at = header_at + header_bytes
            arrived(sid, subject, reply, data[header_at:payload_at], data[payload_at:end])
            position = end + 2
        if length - position > CONTROL_LINE_BYTES_MAX:
            raise BadProtocol("a control line without an end")
        return position

    def _operation(self, line: bytes) -> Head | None:
        """The head of a message. Whatever else the line says is done at once."""
        rest, _, size = line.rpartition(b" ")
        place, _, reply = rest.rpartition(b" ")
        if (known := self._places.get(place)) is not None and size.isdigit():
            return self._checked((*known, reply.decode("utf-8", FOREIGN_TEXT), 0, int(size)))
        words = line.decode("utf-8", FOREIGN_TEXT).split(" ")
        extra_words = EXTRA_WORDS.get(words[0])
        if extra_words is None:
            self._control(line)
            return None
        if not 4 <= len(words) - extra_words <= 5:
            raise BadProtocol("a message without its subject and sizes")
        try:
            size_bytes = int(words[-1])
            header_bytes = int(words[-2]) if extra_words else 0
            sid, subject = int(words[2]), words[1]
        except ValueError:
            raise BadProtocol("a message whose sizes are no numbers") from None
        reply_to = words[3] if len(words) - extra_words == 5 else ""
        head = self._checked((sid, subject, reply_to, header_bytes, size_bytes))
        if not reply_to:
            _keep(self._heads, line, head)
        elif not extra_words:
            _keep(self._places, place, (sid, subject))
        return head

    def _checked(self, head: Head) -> Head:
        if not 0 <= head[3] <= head[4] <= self._payload_bytes_max:
            raise BadProtocol("a message of an impossible size")
        return head

    def _control(self, line: bytes) -> None:
        operation, _, rest = line.partition(b" ")
        if operation == b"PING":
            self._receiver.on_ping()
        elif operation == b"PONG":
            self._receiver.on_pong()
        elif operation == b"INFO":
            self._receiver.on_info(rest)
        elif operation == b"-ERR":
            self._receiver.on_error(rest.decode("utf-8", "replace").strip(" '"))
        elif operation != b"+OK":
            raise BadProtocol("an unknown operation")


def _keep(known: dict[bytes, Kept], line: bytes, value: Kept) -> None:
    if len(known) >= HEADS_KEPT_MAX:
        known.clear()
    known[line] = value
