"""What a stream carries, checked by its action's contract: chunks as they come in, and as they go out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

from pydantic import ValidationError

from broker.wire.errors import INTERNAL_MESSAGE
from schema.action import Action
from schema.errors import Internal
from schema.stream import Stream

logger = logging.getLogger(__name__)


async def checked_chunks(contract: Action[Any, Any], stream: Stream[Any], node: str) -> AsyncIterator[Any]:
    assert contract.chunk_adapter is not None
    async with stream:
        async for chunk in stream:
            try:
                yield contract.chunk_adapter.validate_python(chunk)
            except ValidationError as error:
                logger.error("%s sent a chunk of %s that is something else: %s", node, contract.name, error)  # noqa: TRY400
                raise Internal(INTERNAL_MESSAGE) from None


def plain_chunks(contract: Action[Any, Any], stream: Stream[Any]) -> Stream[Any]:
    """Bytes, or JSON values."""
    adapter = contract.chunk_adapter
    if adapter is None:
        return stream

    async def written() -> AsyncIterator[Any]:
        async with stream:
            async for chunk in stream:
                yield adapter.dump_python(chunk, mode="json")

    return Stream(written())
