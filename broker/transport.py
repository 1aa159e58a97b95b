"""The seam between the mesh and what carries it: subjects and bytes, at most once, in order from each sender.

NATS is behind it in production (`nats/client.py`), the memory of one process in tests (`testing.py`); the contract
suite runs against both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

Headers: TypeAlias = Mapping[str, str]
"""Beside the payload, where whoever does not know them passes them over."""
NO_NATS_HEADERS: Headers = {}


class Delivery(NamedTuple):
    subject: str
    payload: bytes
    unheard: bool = False
    """Nobody listens to what was published with this subject as its reply subject."""
    headers: Headers = NO_NATS_HEADERS


Receive: TypeAlias = Callable[[Delivery], None]
"""Must not block: whatever takes time is put into a task."""


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Listener:
    """What a transport tells of its connection."""

    disconnected: Callable[[], None] = field(default=_nothing)
    reconnected: Callable[[], None] = field(default=_nothing)
    """Whatever was published meanwhile has been missed."""
    missed: Callable[[], None] = field(default=_nothing)
    """Something that came in had to be dropped, because too much of it came at once."""


Post: TypeAlias = Callable[[str, bytes, str, Headers], bool]
"""Publishes to a subject, with a reply subject or "", without waiting. False: it cannot now, and nothing was done."""


@runtime_checkable
class Posting(Protocol):
    """A transport on which publishing mostly means to put bytes into a buffer."""

    def post(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> bool: ...


@runtime_checkable
class Doubtful(Protocol):
    """A transport whose other end may be there and do nothing."""

    def doubt(self) -> None:
        """Somebody waits for too long. A connection that turns out to be dead is soon another."""
        ...


def doubt_of(transport: object) -> Callable[[], None]:
    return transport.doubt if isinstance(transport, Doubtful) else _nothing


def post_of(transport: object) -> Post:
    """What cannot be posted is published."""
    return transport.post if isinstance(transport, Posting) else _cannot_post


def _cannot_post(subject: str, payload: bytes, reply: str, headers: Headers) -> bool:
    return False


class Transport(Protocol):
    @property
    def connected(self) -> bool: ...

    @property
    def max_payload_bytes(self) -> int:
        """What the other end accepts in one message; known once connected."""
        ...

    async def connect(self, name: str, listener: Listener) -> None:
        """Returns once connected; from then on the connection mends itself."""
        ...

    async def subscribe(self, subject: str, receive: Receive) -> None: ...

    async def publish(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> None:
        """Raises `NotSent` at once while disconnected, and `Invalid` for a payload that is too large: nothing is
        queued to be sent later. If nobody listens, an `unheard` delivery comes to `reply`."""
        ...

    async def flush(self) -> None:
        """Returns when everything published so far has reached the other end."""
        ...

    async def settle(self) -> None:
        """Returns when the farthest node's answers, and whatever else was on its way here, will have come in."""
        ...

    async def close(self) -> None: ...
