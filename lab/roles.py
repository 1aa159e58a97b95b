"""Who there is in our mesh, who asks whom, and who tells whom: the picture from which all permissions follow.

    andromeda -> messier -> whirlpool        requests
    whirlpool -> messier -> andromeda        events

Watchers of names tell each other who is to be named, and andromeda tells them how far away its users are. Loaders ask
whirlpool, as anything that writes rows does. Tools (`mesh`) look at everything. Guests are nodes and clients of others:
they ask messier, which is where the rules are, and each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from broker.credentials.permissions import SERVICES_SERVED, SERVICES_USED, USER, Role

NODES_MAX = 8
"""Of one tier in one region: servers want each node's subjects listed."""
NAMES, LOADER, TOOL, GUEST = "names", "loader", "mesh", "guest"


def roles(regions: Sequence[str]) -> Mapping[str, Role]:
    """By name; `regions` are all that there may be."""
    found = (
        _tier("whirlpool", regions, tells=("messier", TOOL, GUEST), serves=("db-courses",)),
        _tier("messier", regions, asks=("whirlpool",), tells=("andromeda", TOOL, GUEST), serves=("courses",)),
        _tier("andromeda", regions, asks=("messier",), tells=(NAMES,)),
        _tier(NAMES, regions, tells=(NAMES,)),
        Role(LOADER, _ANY_OF_USER, (f"{LOADER}.>",), asks=("whirlpool",)),
        Role(TOOL, _ANY_OF_USER, (f"{TOOL}.>",), asks=EVERYBODY, tells=EVERYBODY, orders=TIERS),
        Role(
            GUEST,
            (USER, *_ANY_OF_USER),
            (f"{GUEST}.>",),
            asks=("messier", GUEST),
            tells=(TOOL, GUEST),
            serves=(SERVICES_SERVED,),
            uses=(SERVICES_USED,),
            replies_only=True,
        ),
    )
    return {role.name: role for role in found}


TIERS = ("whirlpool", "messier", "andromeda")
EVERYBODY = (*TIERS, NAMES, LOADER, TOOL, GUEST)
_ANY_OF_USER = (f"{USER}.*",)


def _tier(
    name: str,
    regions: Sequence[str],
    *,
    asks: tuple[str, ...] = (),
    tells: tuple[str, ...] = (),
    serves: tuple[str, ...] = (),
) -> Role:
    """Its users are called `<tier>-<region>`, its nodes `<tier>-<region>-<n>`; where whoever starts them cannot count
    them, as Kubernetes its pods, `<tier>-<region>.<anything>`."""
    numbers = range(1, NODES_MAX + 1)
    own = (*(f"{USER}-{number}" for number in numbers), f"{USER}.*")
    nodes = [f"{name}-{region}-{number}" for region in regions for number in numbers]
    nodes += [f"{name}-{region}.*" for region in regions]
    return Role(name, own, tuple(nodes), asks, tells, serves)
