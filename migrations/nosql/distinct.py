"""How many different values there are, in a bounded space: the K smallest hashes tell how densely hashes lie."""

from __future__ import annotations

from bisect import insort
from zlib import crc32

KEPT = 256
"""The estimate is then off by about 6%; below so many values it is exact but for collisions."""
SPACE = 2**32


class Distinct:
    def __init__(self) -> None:
        self._smallest: list[int] = []
        self._kept: set[int] = set()

    def add(self, value: str) -> None:
        number = crc32(value.encode(errors="surrogatepass"))
        if number in self._kept or (len(self._smallest) == KEPT and number >= self._smallest[-1]):
            return
        insort(self._smallest, number)
        self._kept.add(number)
        if len(self._smallest) > KEPT:
            self._kept.remove(self._smallest.pop())

    def estimate(self) -> int:
        if len(self._smallest) < KEPT:
            return len(self._smallest)
        return round((KEPT - 1) * SPACE / self._smallest[-1])
