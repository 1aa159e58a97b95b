"""The seam where a call's node is chosen. Candidates are never empty; what to try and when to stop is the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.registry import Endpoint


class Strategy(Protocol):
    def choose(self, candidates: Sequence[Endpoint]) -> Endpoint: ...
