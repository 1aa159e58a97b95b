"""What a client says to a NATS server: the counterpart of `parser.py`.

Nothing with a space or a line end in it becomes a subject here, so that no caller's text can be read as a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from schema.errors import Invalid

PING = b"PING\r\n"
PONG = b"PONG\r\n"
END = b"\r\n"
SUBJECTS_KEPT = 4_096
"""Checked once: a node says most things to the same few others. Reply subjects are new each time."""


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
    if header:
        subjects = b"%b %b " % (_subject(subject), checked(reply).encode()) if reply else _subject(subject) + b" "
        return b"HPUB %b%d %d\r\n%b" % (subjects, len(header), len(header) + payload_bytes, header)
    if reply:
        return b"PUB %b %b %d\r\n" % (_subject(subject), checked(reply).encode(), payload_bytes)
    return b"PUB %b %d\r\n" % (_subject(subject), payload_bytes)


@lru_cache(SUBJECTS_KEPT)
def _subject(subject: str) -> bytes:
    return checked(subject).encode()


def checked(subject: str) -> str:
    if not subject or " " in subject or not subject.isprintable():
        raise Invalid("a subject has neither spaces nor control characters")
    return subject
