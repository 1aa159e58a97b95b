"""Where outages are drilled: three regions that are apart, name servers in each, and users at a place of their own.

The users' place has several caching resolvers, as many networks have one each, so that users are spread over the
regions; and two kinds of user, who read and write as fast as they are told to whatever becomes of their requests.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab import galera, named, resolver
from lab.name_servers import NAME
from lab.readiness import first_objection, wait_until
from lab.regions import HTTP, Region
from lab.trial import Trial, wan_trial
from lab.users import account
from lab.users.plan import Group, Patience, Plan
from lab.users.record import Record
from lab.users.running import Users, crowd
from lab.wan.namespaces import enter_command, entered, ip
from lab.wan.sites import DEVICE
from lab.wan.territory import Territory, of_round_trips
from tests.drills import tables
from tests.drills.beside import Beside
from tests.drills.outage import doors as writing_doors
from tests.drills.outage.door import PATH, SET

NETWORK, TERRITORY = "10.84", "outage"
NAMES = ("west", "central", "east")
USERS, FOURTH = "users", "north"
"""Places without servers, the fourth until it becomes a region."""
ROUND_TRIPS_MS = {
    ("west", "central"): 30.0, ("central", "east"): 30.0, ("west", "east"): 60.0,
    ("users", "west"): 20.0, ("users", "central"): 20.0, ("users", "east"): 20.0,
    ("north", "west"): 30.0, ("north", "central"): 20.0, ("north", "east"): 40.0, ("north", "users"): 20.0,
}  # fmt: skip
RESOLVERS = tuple(f"{NETWORK}.{len(NAMES) + 1}.{number}" for number in range(11, 15))
"""At the users' place, whose network has room for them."""
NAMED_SECONDS = 90
LOOKED_BACK_SECONDS = 4.0

FETCH, SEARCH = "/slugsurvival/data/fetch/", "/slugsurvival/data/search?q=n{n}"
CACHED = tuple(FETCH + key for key in ("terms", "terms/2168", "subjects", "ge", "locations", "timestamp/terms/2168"))
WRITER = Patience(answer_seconds=5.0, request_seconds=15.0)
"""A commit may wait for a region that went dark; so long, nobody asks elsewhere."""


def groups(share: float = 1.0) -> tuple[Group, ...]:
    """200 reads a second, a fifth of them through all tiers, and 20 writes; or a share of that."""
    reading = [
        Group(name=f"{kind}-{what}", kind=kind, port=HTTP, paths=paths, per_second=share * per_second, users=users)
        for kind in ("browser", "plain")
        for what, paths, per_second, users in (("cached", CACHED, 80.0, 40), ("searches", (SEARCH,), 20.0, 20))
    ]
    writing = [
        Group(
            name=f"{kind}-writes", kind=kind, port=writing_doors.PORT, paths=(PATH,), per_second=share * 10.0, users=20,
            write=True, patience=WRITER,
        )
        for kind in ("browser", "plain")
    ]  # fmt: skip
    return (*reading, *writing)


@dataclass
class Scene:
    trial: Trial
    doors: dict[str, Beside]
    users: Users
    fourth: Region
    """Where it would be."""

    @property
    def regions(self) -> tuple[Region, ...]:
        return self.trial.regions

    def busiest(self) -> Region:
        """Whose loss would be felt most just now."""
        now = time.monotonic()
        recent = account.during(self.users.records(), now - LOOKED_BACK_SECONDS, now)
        counts = Counter(record.tries[-1].address for record in recent if record.tries and record.kind == "plain")
        return max(self.regions, key=lambda region: counts[region.address])

    def serves(self, region: Region) -> bool:
        """Users, just now."""
        now = time.monotonic()
        recent = account.during(self.users.records(), now - LOOKED_BACK_SECONDS, now)
        return any(record.answered and record.tries[-1].address == region.address for record in recent)

    def heal(self) -> None:
        """Everything runs, and names lead everywhere again."""
        self.start_doors()
        self.trial.faults.heal()
        self.start_doors()  # one that came before its hub may have given up
        writing_doors.wait_serving(self.doors.values())
        wait_until(self.why_not_named, deadline_seconds=NAMED_SECONDS)

    def start_doors(self) -> None:
        for door in self.doors.values():
            door.start()

    def why_not_named(self) -> str | None:
        return first_objection([partial(named.why_not_named, self.trial.laboratory, each) for each in self.regions])

    def written(self) -> Counter[str]:
        """How often each key is in the database."""
        found = galera.ask(
            self.trial.laboratory.member(self.regions[0]),
            "SET SESSION wsrep_sync_wait = 1",
            f"SELECT element, COUNT(*) FROM localgroup.{tables.elements.name} WHERE name = '{SET}' GROUP BY element",
        )
        return Counter(dict(found))

    def records(self, begun: float, ended: float) -> list[Record]:
        return account.during(self.users.records(), begun, ended)


def why_no_names(namespace: str) -> str | None:
    with entered(namespace):
        return first_objection([partial(resolver.why_silent, address) for address in RESOLVERS])


def territory() -> Territory:
    return of_round_trips(NAMES, ROUND_TRIPS_MS, name=TERRITORY, network=NETWORK, places=(USERS, FOURTH))


@contextmanager
def scene(seed: int, folder: Path, share: float = 1.0) -> Iterator[Scene]:
    """Everything runs and users come. `folder`: for what they write down; `share`: of the usual rate."""
    land = territory()
    with wan_trial(land, embedded=False, dns=True) as trial, ExitStack() as stack:
        trial.load_sample()
        tables.create(trial.database_url(trial.regions[0]), {})
        doors = stack.enter_context(writing_doors.doors(trial))
        there = land.namespace(USERS)
        enter = enter_command(there)
        for address in RESOLVERS:
            ip("-n", there, "address", "add", f"{address}/32", "dev", DEVICE)
            own = trial.laboratory.state / f"resolver-{address}"
            own.mkdir()
            stack.enter_context(resolver.resolver(own, address, trial.regions, there))
        wait_until(lambda: why_no_names(there), deadline_seconds=resolver.READY_SECONDS)
        plan = Plan(name=NAME, groups=groups(share), resolvers=RESOLVERS, resolver_port=resolver.PORT, seed=seed)
        users = stack.enter_context(crowd(plan, folder, enter=enter, state=trial.laboratory.state))
        yield Scene(trial, doors, users, land.region(FOURTH))
