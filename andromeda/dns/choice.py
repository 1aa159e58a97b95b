"""Which addresses may be named now, from health and from what operators took out. Never none: to name somebody who may
be down costs a try, to name nobody costs the service.

1. who is ready
2. nobody is ready: who answers at all; a region without its rows still has what its edge remembers
3. nobody answers: all

and of these always first those that no operator took out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

from andromeda.dns.declaration import Declaration, Family, IPAddress

Named: TypeAlias = Mapping[str, tuple[IPAddress, ...]]
"""Regions, and those of their addresses that may be in an answer."""


Grade: TypeAlias = Callable[[IPAddress], bool]


def named(declaration: Declaration, grades: Sequence[Grade], out: Collection[str]) -> Named:
    """`grades`: how well an address may be, the best first."""
    for grade in (*grades, _declared):
        candidates = {name: tuple(filter(grade, region.addresses)) for name, region in declaration.regions.items()}
        for left_out in (out, ()):
            found = {name: at for name, at in candidates.items() if at and name not in left_out}
            if found:
                return found
    raise AssertionError("a declaration has regions, and each has addresses")


def _declared(address: IPAddress) -> bool:
    return True


def of_family(declaration: Declaration, chosen: Named, family: Family) -> Named:
    """All of that family's declared addresses, where what was chosen has none: an answer without any would stand
    for a name that does not exist in that family, and resolvers would remember it."""
    version = 4 if family == "A" else 6
    found = {name: tuple(each for each in at if each.version == version) for name, at in chosen.items()}
    present = {name: at for name, at in found.items() if at}
    if present:
        return present
    declared = {name: region.addresses_of(family) for name, region in declaration.regions.items()}
    return {name: at for name, at in declared.items() if at}
