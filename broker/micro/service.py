"""A service as NATS micro clients see it: its name, its endpoints with their schemas, and what they have done so far.

Source of the three answers and of the rules for names: ADR-32 of the NATS project.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import orjson

from broker.micro.errors import Failure
from schema.action import Action

QUEUE_GROUP = "q"
"""The default of every micro library: they share the work with each other."""
VERBS = ("PING", "INFO", "STATS")
TYPE = "io.nats.micro.v1.{}_response"
REQUEST_SCHEMA = "request_schema"
RESPONSE_SCHEMA = "response_schema"
NANOSECONDS = 1_000_000_000

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")


class Endpoint:
    def __init__(self, contract: Action[Any, Any], subject: str) -> None:
        self.contract = contract
        self.name = named(contract.verb)
        self.subject = subject
        self._requests = self._errors = self._processing_nanoseconds = 0
        self._last_error = ""

    def note(self, seconds: float, failure: Failure | None) -> None:
        self._requests += 1
        self._processing_nanoseconds += int(seconds * NANOSECONDS)
        if failure is not None:
            self._errors += 1
            self._last_error = failure.text

    def info(self, *, with_schemas: bool) -> dict[str, Any]:
        safe = {"safe": "true" if self.contract.safe else "false"}
        return self._identity() | {"metadata": safe | self._schemas if with_schemas else safe}

    def stats(self) -> dict[str, Any]:
        return self._identity() | {
            "num_requests": self._requests,
            "num_errors": self._errors,
            "last_error": self._last_error,
            "processing_time": self._processing_nanoseconds,
            "average_processing_time": self._processing_nanoseconds // max(1, self._requests),
            "data": None,
        }

    def _identity(self) -> dict[str, Any]:
        return {"name": self.name, "subject": self.subject, "queue_group": QUEUE_GROUP}

    @cached_property
    def _schemas(self) -> dict[str, str]:
        """Metadata are texts, so these are JSON within JSON."""
        request = self.contract.request.model_json_schema()
        response = self.contract.response_adapter.json_schema(mode="serialization")
        return {REQUEST_SCHEMA: orjson.dumps(request).decode(), RESPONSE_SCHEMA: orjson.dumps(response).decode()}


class MicroService:
    """`identity` is this instance's and no other's."""

    def __init__(
        self,
        name: str,
        identity: str,
        *,
        version: str,
        description: str,
        metadata: dict[str, str],
        endpoints: Sequence[Endpoint],
        started_at_milliseconds: int,
    ) -> None:
        self.name = named(name)
        self.id = identity
        self.endpoints = endpoints
        self._version = version
        self._description = description
        self._metadata = metadata
        self._started = _rfc3339(started_at_milliseconds)

    def subjects(self) -> dict[str, str]:
        """Where it is asked about itself, and by which verb: alone, with its namesakes, with all services."""
        ends = ("", f".{self.name}", f".{self.name}.{self.id}")
        return {f"$SRV.{verb}{end}": verb for verb in VERBS for end in ends}

    def answer(self, verb: str, bytes_max: int) -> bytes:
        """Schemas that would not fit into one message are left out, rather than the answer."""
        if verb == "PING":
            return self._response(verb)
        if verb == "STATS":
            return self._response(verb, started=self._started, endpoints=[each.stats() for each in self.endpoints])
        with_schemas = self._info(with_schemas=True)
        return with_schemas if len(with_schemas) <= bytes_max else self._info(with_schemas=False)

    def _info(self, *, with_schemas: bool) -> bytes:
        endpoints = [each.info(with_schemas=with_schemas) for each in self.endpoints]
        return self._response("INFO", description=self._description, endpoints=endpoints)

    def _response(self, verb: str, **fields: Any) -> bytes:
        identity = {"name": self.name, "id": self.id, "version": self._version, "metadata": self._metadata}
        return orjson.dumps({"type": TYPE.format(verb.lower()), **identity, **fields})


def named(text: str) -> str:
    """A name may hold less than the mesh's names do."""
    return _NO_NAME.sub("-", text)


def _rfc3339(epoch_milliseconds: int) -> str:
    moment = datetime.fromtimestamp(epoch_milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_milliseconds % 1000:03}Z"
