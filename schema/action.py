"""A contract: one typed value an action or an event, imported by both sides of a call.

A domain's contracts live in the file of its name (`schema/courses.py`); the broker sends and checks them, and
knows nothing of any domain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter

from schema.stream import Stream

Request = TypeVar("Request", bound=BaseModel)
Response = TypeVar("Response")


class Message(BaseModel):
    """Base of everything that travels: immutable, strict about unknown fields, no silent coercion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Nothing(Message):
    """The request of an action that asks for nothing in particular."""


@dataclass(frozen=True, slots=True)
class Action(Generic[Request, Response]):
    """`name` is `service.verb`, or `v2.service.verb` for a service that has a version.

    A `safe` action changes nothing, so it may be repeated, elsewhere and twice. The service of a `keyed` action honours
    idempotency keys, whichever of its nodes sees them: a call that is repeated with its key happens once, and answers
    the same again.
    """

    name: str
    request: type[Request]
    response: type[Response]
    safe: bool
    keyed: bool = False
    response_adapter: TypeAdapter[Response] = field(init=False, repr=False, compare=False)
    chunk_adapter: TypeAdapter[Any] | None = field(init=False, repr=False, compare=False)
    """Of the values of a stream; None: of bytes, or no stream at all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "response_adapter", TypeAdapter(self.response))
        chunk = get_args(self.response)[0] if get_origin(self.response) is Stream else bytes
        object.__setattr__(self, "chunk_adapter", None if chunk is bytes else TypeAdapter(chunk))

    @property
    def service(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Event(Generic[Request]):
    """Something that happened: `name` is `service.what`, told to whoever listens, at most once."""

    name: str
    payload: type[Request]
