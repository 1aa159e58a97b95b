"""The edge's ear: what it hears of changes reaches the edge cache."""

from __future__ import annotations

from typing import ClassVar

from andromeda.courses import Courses
from broker import Context, Service, event
from schema.courses import DOCUMENT_CHANGED, DocumentChanged


class Invalidation(Service):
    """Changes are broadcast, so every andromeda hears of each of them."""

    name: ClassVar[str] = "andromeda"

    def __init__(self, courses: Courses) -> None:
        self._courses = courses

    @event(DOCUMENT_CHANGED)
    async def changed(self, context: Context, payload: DocumentChanged) -> None:
        self._courses.outdate(payload.key)
