"""One probe of a region: is it ready, asked as its users would ask, over the network that they would come by.

A probe that takes its time is asked once more on a new connection, and whoever says yes first is right. One lost packet
then costs nothing, so a line that loses one in twenty does not make a region come and go.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable
from typing import NamedTuple, Protocol

import httpx

from andromeda.dns.declaration import HealthRules, IPAddress

AGAIN_SECONDS = 0.3
"""A retransmission on a short line takes 0.2 s; a round trip around the earth 0.3 s."""
KEEP_ALIVE_SECONDS = 10.0
REASON_CHARACTERS = 200


class Finding(NamedTuple):
    """Of a probe. `answered`: somebody is there, who may say that he is not ready."""

    answered: bool
    problem: str | None

    @property
    def ready(self) -> bool:
        return self.problem is None


READY = Finding(answered=True, problem=None)


def silent(problem: str) -> Finding:
    return Finding(answered=False, problem=problem[:REASON_CHARACTERS])


class Probe(Protocol):
    def __call__(self, address: IPAddress) -> Awaitable[Finding]:
        """Within the probes' timeout."""
        ...

    async def close(self) -> None: ...


class HttpProbe:
    """`host`: the name that users ask for, and that a certificate must be made out for."""

    def __init__(self, rules: HealthRules, host: str, tls: ssl.SSLContext | None = None) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a probe says nothing
        self._rules = rules
        self._host = host
        limits = httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS)
        self._client = httpx.AsyncClient(
            timeout=rules.timeout_seconds, limits=limits, trust_env=False, verify=tls if tls is not None else True
        )

    async def __call__(self, address: IPAddress) -> Finding:
        try:
            async with asyncio.timeout(self._rules.timeout_seconds):
                return await self._first_of_two(self._url(address))
        except TimeoutError:
            return silent(f"no answer within {self._rules.timeout_seconds:g} s")

    async def close(self) -> None:
        await self._client.aclose()

    def _url(self, address: IPAddress) -> str:
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self._rules.scheme}://{host}:{self._rules.port}{self._rules.path}"

    async def _first_of_two(self, url: str) -> Finding:
        asked = {asyncio.ensure_future(self._ask(url))}
        try:
            _, waiting = await asyncio.wait(asked, timeout=AGAIN_SECONDS)
            if waiting:
                asked.add(asyncio.ensure_future(self._ask(url)))
            found = READY
            for answer in asyncio.as_completed(asked):
                found = await answer
                if found.answered:
                    break
            return found
        finally:
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _ask(self, url: str) -> Finding:
        try:
            answer = await self._client.get(url, headers={"host": self._host}, extensions=self._extensions())
        except httpx.HTTPError as error:
            return silent(f"{type(error).__name__}: {error}")
        if answer.is_success:
            return READY
        return Finding(answered=True, problem=f"{answer.status_code}: {answer.text.strip()}"[:REASON_CHARACTERS])

    def _extensions(self) -> dict[str, str]:
        return {"sni_hostname": self._host} if self._rules.scheme == "https" else {}
