"""Which regions operators took out, as every watcher knows it: of two decisions about a region the later holds, and of
two of the same moment the one that takes it out.

Kept on the disk, so that a region which was taken out stays out when its machines come up again, and told to the other
watchers again and again, so that one that was away hears of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from pydantic import ValidationError

from andromeda.dns.powerdns import replace
from schema.names import Decision
from schema.names import Decisions as Told


class Decisions:
    def __init__(self, regions: Iterable[str], path: Path) -> None:
        self._regions = frozenset(regions)
        self._path = path
        self._decisions = self._read()

    def out(self) -> Collection[str]:
        return [region for region, decision in self._decisions.items() if decision.out]

    def told(self) -> Told:
        return Told(decisions=list(self._decisions.values()))

    def decide(self, region: str, *, out: bool, now_milliseconds: int) -> None:
        before = self._decisions.get(region)
        at = now_milliseconds if before is None else max(now_milliseconds, before.at + 1)
        self.merge([Decision(region=region, out=out, at=at)])

    def merge(self, decisions: Iterable[Decision]) -> bool:
        """Whether anything changed."""
        news = [each for each in decisions if self._is_news(each)]
        if not news:
            return False
        self._decisions |= {each.region: each for each in news}
        replace(self._path, self.told().model_dump_json())
        return True

    def _is_news(self, decision: Decision) -> bool:
        before = self._decisions.get(decision.region)
        if decision.region not in self._regions:
            return False
        return before is None or (decision.at, decision.out) > (before.at, before.out)

    def _read(self) -> dict[str, Decision]:
        try:
            found = Told.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return {}  # the other watchers tell it again
        return {each.region: each for each in found.decisions if each.region in self._regions}
