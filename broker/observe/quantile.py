"""A quantile of what was seen recently: exact over a short memory, and computed only now and then."""

from __future__ import annotations

from collections import deque
from typing import Final

MEMORY: Final = 256
"""Samples remembered: a 97th percentile then rests on the 8 greatest."""
SAMPLES_MIN: Final = 32
"""Fewer say nothing about a tail."""
SAMPLES_PER_UPDATE: Final = 64
"""Sorting 256 numbers for each sample would cost more than the calls are worth."""


class RecentQuantile:
    __slots__ = ("_samples", "_share", "_until_update", "value")

    def __init__(self, share: float) -> None:
        self.value: float | None = None
        """None until enough was seen."""
        self._share = share
        self._samples: deque[float] = deque(maxlen=MEMORY)
        self._until_update = SAMPLES_MIN

    def note(self, sample: float) -> None:
        self._samples.append(sample)
        self._until_update -= 1
        if not self._until_update:
            self._until_update = SAMPLES_PER_UPDATE
            self.value = sorted(self._samples)[int(self._share * len(self._samples))]
