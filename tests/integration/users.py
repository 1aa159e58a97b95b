"""Users who come by name: they ask a resolver, keep a connection as long as they may, and count what goes wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import dns.asyncresolver
import httpx

from lab.name_servers import NAME
from lab.regions import HTTP
from lab.resolver import PORT

USERS = 8
PAUSE_SECONDS = 0.2
"""Between two requests of one user."""
VISIT_REQUESTS = 20
"""After which every second user leaves, and comes again by name. The others stay until they are told not to."""
TIMEOUT_SECONDS = 10.0
FETCH = "/slugsurvival/data/fetch/terms"
SEARCH = "/slugsurvival/data/search"


@dataclass
class Users:
    """`outcomes` counts answers by status and failures by what they were; `served` by the region that answered."""

    resolver: str
    outcomes: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> dict[str, int]:
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != "200"}

    async def use(self, number: int) -> None:
        """One user, for good. A plain one: the first address is the only one tried."""
        found = dns.asyncresolver.Resolver(configure=False)
        found.nameservers, found.port = [self.resolver], PORT
        while True:
            address = (await found.resolve(NAME, "A"))[0].to_text()
            async with httpx.AsyncClient(base_url=f"http://{address}:{HTTP}", timeout=TIMEOUT_SECONDS) as client:
                await self._stay(client, number)

    async def _stay(self, client: httpx.AsyncClient, number: int) -> None:
        """As long as the connection lasts, or the visit."""
        for request in count(1):
            path = FETCH if request % 2 else f"{SEARCH}?q=user {number}"
            try:
                answer = await client.get(path)
            except httpx.HTTPError as error:
                self.outcomes[f"{type(error).__name__}: {error}"] += 1
                return
            region = answer.headers["x-served-by"].split("-")[1]
            self.outcomes[str(answer.status_code)] += 1
            self.served[region] += 1
            await asyncio.sleep(PAUSE_SECONDS)
            if answer.headers.get("connection") == "close" or (number % 2 and request == VISIT_REQUESTS):
                return


@asynccontextmanager
async def users(resolver: str) -> AsyncIterator[Users]:
    found = Users(resolver)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(found.use(number)) for number in range(USERS)]
        try:
            yield found
        finally:
            print(f"{sum(found.outcomes.values())} requests: {dict(found.outcomes)}, {dict(found.served)}")
            for task in tasks:
                task.cancel()
