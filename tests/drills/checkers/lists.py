"""Transactions that read lists and append to them, each element once: what each saw tells in which order they happened.

A list that was read shows every append to it in order. So one can say of two transactions who overwrote whom (ww), who
saw whom (wr) and who missed whom (rw), and a circle of these is an order that cannot be: `cycles` finds them. What
needs no circle is found here. The method is that of Elle (Kingsbury and Alvaro, VLDB 2020).

    G1a  an element of a refused transaction was read         refused_seen
    G1b  a list was read as it was inside of a transaction    intermediate_read
    lost update  two read the same list and both appended     lost_update

The longest list that was read of each key, the final reads among them, is taken for its history.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from tests.drills.checkers.cycles import find_cycles
from tests.drills.history import Anomaly, Kind, Outcome, Span

Elements: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Append:
    key: str
    element: int


@dataclass(frozen=True, slots=True)
class Read:
    key: str
    elements: Elements


Operation: TypeAlias = Append | Read


@dataclass(frozen=True, slots=True)
class Transaction:
    """Of a transaction that was not acknowledged, what it read is not known."""

    name: str
    operations: tuple[Operation, ...]
    outcome: Outcome
    span: Span
    fresh: bool = False

    @property
    def appends(self) -> list[Append]:
        return [each for each in self.operations if isinstance(each, Append)]

    @property
    def reads(self) -> list[Read]:
        return [each for each in self.operations if isinstance(each, Read)]


class Place(NamedTuple):
    """Where an element comes from. `last`: its transaction appended nothing after it to that list."""

    transaction: Transaction
    last: bool


class History:
    def __init__(self, transactions: Sequence[Transaction], final: Mapping[str, Elements]) -> None:
        self.acknowledged = [each for each in transactions if each.outcome is Outcome.ACKNOWLEDGED]
        self.transactions = transactions
        self.final = final

    @cached_property
    def places(self) -> dict[tuple[str, int], Place]:
        found = {}
        for transaction in self.transactions:
            lasts = {append.key: append.element for append in transaction.appends}
            for append in transaction.appends:
                place = Place(transaction, lasts[append.key] == append.element)
                found[append.key, append.element] = place
        return found

    @cached_property
    def longest(self) -> dict[str, Elements]:
        longest: dict[str, Elements] = dict(self.final)
        for _, read in self.reads():
            if len(read.elements) > len(longest.get(read.key, ())):
                longest[read.key] = read.elements
        return longest

    def reads(self) -> Iterator[tuple[str, Read]]:
        """Whose it was, and what."""
        for transaction in self.acknowledged:
            for read in transaction.reads:
                yield transaction.name, read

    def first_reads(self) -> Iterator[tuple[Transaction, Read]]:
        """What each transaction saw of others: of each list, before it appended to it itself."""
        for transaction in self.acknowledged:
            touched: set[str] = set()
            for each in transaction.operations:
                if isinstance(each, Read) and each.key not in touched:
                    yield transaction, each
                touched.add(each.key)


def check(transactions: Sequence[Transaction], final: Mapping[str, Elements]) -> list[Anomaly]:
    """`final` has every list after all is over."""
    history = History(transactions, final)
    return [
        *_lost(history),
        *_contents(history),
        *_orders(history),
        *_own(history),
        *_intermediate(history),
        *_lost_updates(history),
        *_stale(history),
        *find_cycles(_dependencies(history)),
    ]


def _lost(history: History) -> Iterator[Anomaly]:
    for transaction in history.acknowledged:
        for append in transaction.appends:
            if append.element not in history.final.get(append.key, ()):
                yield Anomaly(Kind.LOST, f"{append.element} of {append.key}, acknowledged to {transaction.name}")


def _contents(history: History) -> Iterator[Anomaly]:
    """Of the histories of the lists, and of reads that do not belong to them."""
    lists = {(key, elements) for key, elements in history.longest.items()}
    lists |= {(read.key, read.elements) for _, read in history.reads() if not _is_part(history, read)}
    for key, elements in sorted(lists):
        for element, times in Counter(elements).items():
            place = history.places.get((key, element))
            if place is None:
                yield Anomaly(Kind.INVENTED, f"{element} of {key} was appended by nobody")
            elif place.transaction.outcome is Outcome.REFUSED:
                yield Anomaly(Kind.REFUSED_SEEN, f"{element} of {key} was refused to {place.transaction.name}")
            if times > 1:
                yield Anomaly(Kind.DOUBLED, f"{element} is {times} times in {key}")


def _orders(history: History) -> Iterator[Anomaly]:
    for name, read in history.reads():
        if not _is_part(history, read):
            longest = history.longest[read.key]
            yield Anomaly(Kind.DIVERGED, f"{name} read {read.key} as {list(read.elements)}, elsewhere {list(longest)}")
    for key, elements in history.final.items():
        if len(elements) < len(history.longest[key]):
            yield Anomaly(Kind.DIVERGED, f"{key} ended as {list(elements)}, but was {list(history.longest[key])}")


def _is_part(history: History, read: Read) -> bool:
    return history.longest[read.key][: len(read.elements)] == read.elements


def _own(history: History) -> Iterator[Anomaly]:
    """A transaction sees its own appends, and nothing else that is new."""
    for transaction in history.acknowledged:
        known: dict[str, Elements] = {}
        appended: dict[str, Elements] = defaultdict(tuple)
        for each in transaction.operations:
            if isinstance(each, Append):
                appended[each.key] += (each.element,)
                if each.key in known:
                    known[each.key] += (each.element,)
            elif not _fits(each.elements, known.get(each.key), appended[each.key]):
                yield Anomaly(Kind.NOT_OWN, f"{transaction.name} read {each.key} as {list(each.elements)}")
            else:
                known[each.key] = each.elements


def _fits(read: Elements, known: Elements | None, appended: Elements) -> bool:
    if known is not None:
        return read == known
    return read[len(read) - len(appended) :] == appended if appended else True


def _intermediate(history: History) -> Iterator[Anomaly]:
    for transaction, read in history.first_reads():
        place = history.places.get((read.key, read.elements[-1])) if read.elements else None
        if place and not place.last and place.transaction is not transaction:
            yield Anomaly(
                Kind.INTERMEDIATE_READ,
                f"{transaction.name} read {read.key} up to {read.elements[-1]}, within {place.transaction.name}",
            )


def _lost_updates(history: History) -> Iterator[Anomaly]:
    updated: dict[tuple[str, Elements], list[str]] = defaultdict(list)
    for transaction, read in history.first_reads():
        if read.key in {append.key for append in transaction.appends}:
            updated[read.key, read.elements].append(transaction.name)
    for (key, elements), names in updated.items():
        if len(names) > 1:
            yield Anomaly(Kind.LOST_UPDATE, f"{', '.join(names)} all appended to {key} having read {list(elements)}")


def _stale(history: History) -> Iterator[Anomaly]:
    """A fresh read has at least what was acknowledged before it began. The lists' order makes the last one enough."""
    ends: dict[str, list[tuple[int, float]]] = {}
    for key, elements in history.longest.items():
        ends[key] = [
            (position, place.transaction.span.ended)
            for position, element in enumerate(elements, start=1)
            if (place := history.places.get((key, element))) and place.transaction.outcome is Outcome.ACKNOWLEDGED
        ]
    for transaction, read in history.first_reads():
        if not transaction.fresh:
            continue
        missed = [p for p, ended in ends[read.key][::-1] if p > len(read.elements) and ended < transaction.span.begun]
        if missed:
            yield Anomaly(Kind.STALE, f"{transaction.name} missed {len(missed)} acknowledged elements of {read.key}")


def _dependencies(history: History) -> Iterator[tuple[str, str, str, str]]:
    """Who has to have been before whom, and why: (earlier, later, `ww` or `wr` or `rw`, key)."""
    writers = {key: list(_writers(history, key, elements)) for key, elements in history.longest.items()}
    for key, names in writers.items():
        yield from ((earlier, later, "ww", key) for earlier, later in _different(pairwise(names)))
    for transaction, read in history.first_reads():
        names, seen = writers[read.key], len(read.elements)
        if not _is_part(history, read):
            continue  # reported as diverged; its place in the order is not known
        if seen and names[seen - 1] != transaction.name:
            yield names[seen - 1], transaction.name, "wr", read.key
        missed = next((name for name in names[seen:] if name != transaction.name), None)
        if missed is not None:
            yield transaction.name, missed, "rw", read.key


def _writers(history: History, key: str, elements: Elements) -> Iterator[str]:
    for element in elements:
        place = history.places.get((key, element))
        yield place.transaction.name if place else f"whoever appended {element}"


def _different(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((one, other) for one, other in pairs if one != other)
