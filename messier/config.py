"""What a messier reads from its environment, and what it assumes otherwise."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from broker.workers import WorkerSettings

MIB = 1024 * 1024
DOCUMENTS_BYTES = 32 * MIB
"""The catalogue of twelve years takes 10 MB compressed."""
DOCUMENT_SECONDS = 60.0
"""Should an event get lost, a document is old by no more than this."""
SEARCHES_BYTES = 4 * MIB
SEARCH_SECONDS = 30.0
"""People page back and forth; what they find may be a little old."""


class MessierSettings(WorkerSettings):
    tier: ClassVar[str] = "messier"

    document_cache_bytes: Annotated[int, Field(ge=MIB, le=64 * 1024 * MIB)] = DOCUMENTS_BYTES
