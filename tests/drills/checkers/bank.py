"""Accounts between which clients move money: whoever looks, at any time and anywhere, sees the same total.

A transfer is two additions in one transaction. Half of one, or one done twice, shows in the total or in a balance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.drills.history import Anomaly, Kind, Outcome

Balances = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Transfer:
    source: str
    target: str
    amount: int
    outcome: Outcome


def check(initial: Balances, transfers: Sequence[Transfer], seen: Iterable[Balances], final: Balances) -> list[Anomaly]:
    """`seen` are all accounts, each time of one read."""
    total = sum(initial.values())
    return [*_unbalanced([*seen, final], total), *_final(initial, transfers, final)]


def _unbalanced(seen: Iterable[Balances], total: int) -> Iterator[Anomaly]:
    for balances in seen:
        if (found := sum(balances.values())) != total:
            yield Anomaly(Kind.UNBALANCED, f"{found} in all accounts instead of {total}: {dict(balances)}")


def _final(initial: Balances, transfers: Sequence[Transfer], final: Balances) -> Iterator[Anomaly]:
    """Each balance within what the unknown transfers allow; exactly right where none is unknown."""
    sure = _moved(initial, (each for each in transfers if each.outcome is Outcome.ACKNOWLEDGED))
    unknown = [each for each in transfers if each.outcome is Outcome.UNKNOWN]
    incoming = _sums((each.target, each.amount) for each in unknown)
    outgoing = _sums((each.source, each.amount) for each in unknown)
    for account in sorted({*sure, *final}):
        least, most = sure[account] - outgoing[account], sure[account] + incoming[account]
        found = final.get(account, 0)
        if not least <= found <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            kind = _what_explains(found - sure[account], account, transfers)
            yield Anomaly(kind, f"account {account} has {found} instead of {expected}")


def _what_explains(difference: int, account: str, transfers: Sequence[Transfer]) -> Kind:
    """An acknowledged transfer that is missing, if one would do; else one that happened twice."""
    effects = {
        (each.amount if each.target == account else -each.amount)
        for each in transfers
        if each.outcome is Outcome.ACKNOWLEDGED and account in (each.source, each.target)
    }
    return Kind.DOUBLED if difference in effects and -difference not in effects else Kind.LOST


def _moved(initial: Balances, transfers: Iterable[Transfer]) -> Counter[str]:
    balances = Counter(initial)
    for each in transfers:
        balances[each.source] -= each.amount
        balances[each.target] += each.amount
    return balances


def _sums(amounts: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for account, amount in amounts:
        found[account] += amount
    return found
