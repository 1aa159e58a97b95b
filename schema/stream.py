"""A stream: chunks that come one after another, where one message would be too large or not all is known yet.

    READ = Action("files.read", ReadFile, Stream[bytes], safe=True)

    @action(READ)
    async def read(self, context: Context, request: ReadFile) -> Stream[bytes]:
        return Stream(self._blocks_of(request.name))      # any async iterable

    async with await broker.call(READ, ReadFile(name="notes")) as chunks:
        async for chunk in chunks: ...

Chunks are bytes, or values of one type (`Stream[Line]`), each of which travels as one JSON value. Bytes may arrive cut
differently than they were sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Chunk = TypeVar("Chunk", covariant=True)


class Stream(Generic[Chunk]):
    """Read once, by one reader. Whoever stops before its end closes it, so that its sender stops too."""

    def __init__(self, chunks: AsyncIterable[Chunk]) -> None:
        self._chunks = aiter(chunks)

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(Stream)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"description": "a stream of chunks"}


class _Nothing:
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration


NO_STREAM: Stream[Any] = Stream(_Nothing())
"""Ends at once. It has no state, so everybody may share it."""
