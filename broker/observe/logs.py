"""One JSON object a line on standard error, so that people can read a log and machines can search it.

What is logged while a request is served says whose it is: by its id, which is the same in all nodes that took part, and
by its trace, where it has one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from broker.current_request import current_request
from broker.wire.trace_context import TRACEPARENT, read

EXTRA_FIELDS = ("request_id", "trace_id", "action")


class JsonLines(logging.Formatter):
    def __init__(self, node: str, region: str = "") -> None:
        super().__init__()
        self._own = {"node": node, "region": region} if region else {"node": node}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._own,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(_request_fields())
        line.update((name, getattr(record, name)) for name in EXTRA_FIELDS if hasattr(record, name))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_to_stderr(level: str, node: str, region: str = "") -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(node, region))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _request_fields() -> Iterator[tuple[str, str]]:
    context = current_request.get()
    if context is None:
        return
    yield "request_id", context.request_id
    yield "service", context.service
    if (parent := read(context.headers.get(TRACEPARENT))) is not None:
        yield "trace_id", parent.trace
