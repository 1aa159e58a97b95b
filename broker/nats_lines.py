"""What a client says to a NATS server: the counterpart of `nats_parser.py`.

Nothing with a space or a line end in it becomes a subject here, so that no caller's text can be read as a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from schema.errors import Invalid

PING = b"PING\r\n"
PONG = b"PONG\r\n"
END = b"\r\n"


def connect(options: Mapping[str, Any]) -> bytes:
    return b"CONNECT %b\r\n" % orjson.dumps(dict(options))


def subscribe(sid: int, subject: str, queue: str = "") -> bytes:
    checked(subject)
    if not queue:
        return f"SUB {subject} {sid}\r\n".encode()
    return f"SUB {subject} {checked(queue)} {sid}\r\n".encode()


def unsubscribe(sid: int) -> bytes:
    return f"UNSUB {sid}\r\n".encode()


def publication(subject: str, reply: str, header: bytes, payload_bytes: int) -> bytes:
    """What stands before the payload; `END` stands behind it."""
    subjects = f"{subject} {reply}" if reply else subject
    if not subject or subjects.count(" ") != bool(reply) or not subjects.isprintable():
        raise Invalid("a subject has neither spaces nor control characters")
    if not header:
        return f"PUB {subjects} {payload_bytes}\r\n".encode()
    return b"%b%b" % (f"HPUB {subjects} {len(header)} {len(header) + payload_bytes}\r\n".encode(), header)


def checked(subject: str) -> str:
    if not subject or " " in subject or not subject.isprintable():
        raise Invalid("a subject has neither spaces nor control characters")
    return subject
