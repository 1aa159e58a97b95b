"""The seam where a call's node is chosen, and where what became of the call is told to whoever chose it.

A strategy sees what one caller sees: its own calls, what replies tell of their node's load, and pings. There is no
view of the whole mesh, and nothing to agree on. For each attempt the caller says `started`, at most once `overdue`,
and exactly once `finished`.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple, Protocol

from broker.discovery.registry import Endpoint
from broker.strategies.outcome import Outcome
from broker.wire.load import Load

NOBODY: frozenset[str] = frozenset()


class Score(NamedTuple):
    """Why a node was chosen or not: the seconds that its answer is expected to take, part by part."""

    node: str
    region: str
    path_seconds: float
    service_seconds: float
    wait_seconds: float
    penalty_seconds: float
    """For failures and silence."""
    share: float
    """Of the calls that it would get otherwise: less than 1 while it ramps up."""
    in_flight: int
    """Calls of this caller."""

    @property
    def seconds(self) -> float:
        return self.path_seconds + self.service_seconds + self.wait_seconds + self.penalty_seconds


class Strategy(Protocol):
    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        """One of the candidates, which are never empty. An avoided node only where all are avoided. Calls with the
        same `key` belong together, if the strategy cares."""
        ...

    def started(self, endpoint: Endpoint) -> None: ...

    def overdue(self, endpoint: Endpoint) -> None:
        """The answer takes longer than usual, and another node may be asked."""
        ...

    def finished(self, endpoint: Endpoint, seconds: float, outcome: Outcome, load: Load | None = None) -> None:
        """`load` is what the reply told of its node."""
        ...

    def measured(self, node: str, region: str, rtt_seconds: float) -> None:
        """A ping was answered."""
        ...

    def joined(self, node: str) -> None: ...

    def left(self, node: str) -> None: ...

    def probes_wanted(self, candidates: Sequence[Endpoint]) -> Sequence[str]:
        """Which of these nodes should be pinged now, most wanted first. Asked about once a second."""
        ...

    def explain(self, candidates: Sequence[Endpoint]) -> Sequence[Score]:
        """Nothing, where a strategy does not compare expected times."""
        ...


class Unheeding:
    """For strategies that learn nothing from what calls become: they override what they do learn from."""

    def started(self, endpoint: Endpoint) -> None:
        return

    def overdue(self, endpoint: Endpoint) -> None:
        return

    def finished(self, endpoint: Endpoint, seconds: float, outcome: Outcome, load: Load | None = None) -> None:
        return

    def measured(self, node: str, region: str, rtt_seconds: float) -> None:
        return

    def joined(self, node: str) -> None:
        return

    def left(self, node: str) -> None:
        return

    def probes_wanted(self, candidates: Sequence[Endpoint]) -> Sequence[str]:
        return ()

    def explain(self, candidates: Sequence[Endpoint]) -> Sequence[Score]:
        return ()


def admitted(candidates: Sequence[Endpoint], avoided: Container[str]) -> Sequence[Endpoint]:
    """Those that are not avoided; all where all are."""
    if not avoided:
        return candidates
    return [each for each in candidates if each.node not in avoided] or candidates
