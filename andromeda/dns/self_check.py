"""Asks the region's own name server now and then: to know whether it answers, and to keep its own checks running.

PowerDNS looks at addresses only once it was asked for them. As the standby it must have looked before it is needed.
"""

from __future__ import annotations

import logging
from random import Random

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
from prometheus_client import CollectorRegistry, Gauge

from andromeda.dns.declaration import Family
from broker.clock import Clock
from broker.periodic import Rhythm
from broker.settings import Address

ASK_SECONDS = 10.0
ANSWER_SECONDS = 2.0

logger = logging.getLogger(__name__)


class SelfCheck:
    def __init__(self, server: Address, host: str, family: Family, registry: CollectorRegistry) -> None:
        self._server = server
        self._host = host
        self._family = family
        self._answers = Gauge("localgroup_name_server_answers", "Whether it does, when last asked.", registry=registry)

    def asking(self, clock: Clock, random: Random) -> Rhythm:
        return Rhythm(clock, ASK_SECONDS, random, self.ask)

    async def ask(self) -> None:
        problem = await self._problem()
        self._answers.set(0 if problem else 1)
        if problem:
            logger.warning("the name server at %s does not answer: %s", self._server, problem)

    async def _problem(self) -> str | None:
        question = dns.message.make_query(self._host, self._family)
        try:
            found = await dns.asyncquery.udp(question, self._server.host, ANSWER_SECONDS, self._server.port)
        except (dns.exception.DNSException, OSError) as error:
            return f"{type(error).__name__}: {error}"
        if found.rcode() != dns.rcode.NOERROR:
            return dns.rcode.to_text(found.rcode())
        return None if found.answer else "an empty answer"
