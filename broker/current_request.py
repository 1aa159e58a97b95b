"""Which request the code that runs now is part of, so that every line of its log can say so."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.context import Context

current_request: ContextVar[Context | None] = ContextVar("current_request", default=None)
"""Set where a request's or an event's work begins; tasks that its handler starts have it too."""
