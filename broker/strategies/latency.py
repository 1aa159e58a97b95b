"""Round-trip times to nodes, measured by PING and PONG."""

from __future__ import annotations

from collections import deque
from statistics import fmean

from broker.clock import Clock
from broker.wire.packets import Ping, Pong

SAMPLES = 6
"""The last minute of a mesh of ten nodes: the minimum of it is the path, without the queues on it."""
ROUNDS_REMEMBERED = 256
"""Pings whose answers are still of interest."""


class Latency:
    def __init__(self, clock: Clock, sender: str, version: str) -> None:
        self._clock = clock
        self._sender = sender
        self._version = version
        self._rounds = 0
        self._sent_at_seconds: dict[str, float] = {}
        self._samples: dict[str, deque[float]] = {}

    def next_ping(self) -> Ping:
        self._rounds += 1
        ping = Ping(self._version, self._sender, f"{self._rounds:x}", self._clock.epoch_milliseconds())
        self._sent_at_seconds[ping.id] = self._clock.now()
        while len(self._sent_at_seconds) > ROUNDS_REMEMBERED:
            del self._sent_at_seconds[next(iter(self._sent_at_seconds))]
        return ping

    def receive(self, pong: Pong) -> float | None:
        """How long it took, if that is known."""
        sent_at_seconds = self._sent_at_seconds.get(pong.id)
        if sent_at_seconds is None:
            return None
        rtt_seconds = self._clock.now() - sent_at_seconds
        self._samples.setdefault(pong.sender, deque(maxlen=SAMPLES)).append(rtt_seconds)
        return rtt_seconds

    def forget(self, node: str) -> None:
        self._samples.pop(node, None)

    def minimum_seconds(self, node: str) -> float | None:
        samples = self._samples.get(node)
        return min(samples) if samples else None

    def average_seconds(self, node: str) -> float | None:
        samples = self._samples.get(node)
        return fmean(samples) if samples else None
