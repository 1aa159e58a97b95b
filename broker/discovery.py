"""Who is there: INFO, DISCOVER, HEARTBEAT and DISCONNECT by Moleculer's rules.

An INFO is believed if it is news. A heartbeat that shows that an INFO was missed is answered by asking for it. A node
that is silent for too long is lost, and when a lost node is heard again, what it told meanwhile has been missed.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from importlib.metadata import version
from random import Random
from typing import Protocol

from broker.clock import Clock
from broker.config import BrokerConfig
from broker.node_info import NodeInfo, ServiceInfo
from broker.packets import Disconnect, Discover, Heartbeat, Info
from broker.periodic import every
from broker.registry import Registry
from broker.tasks import Tasks
from broker.topics import Kind, Topics
from broker.transport import Transport

EXPIRY_CHECK_SECONDS = 1.0
STALL_SECONDS = 3.0
"""A check that comes this late says that this process stood still, not that the others did."""
ASK_AGAIN_SECONDS = 1.0
"""A node that does not answer DISCOVER is asked again after this, not at each of its heartbeats' copies."""
ASKED_MAX = 1_024
LOST_MAX = 4_096
"""Lost nodes whose return is remembered to mean missed events; where names change at every start, most never return."""

logger = logging.getLogger(__name__)


class Observer(Protocol):
    def registry_changed(self) -> None: ...

    def node_joined(self, node: str) -> None: ...

    def node_gone(self, node: str) -> None: ...

    def events_missed(self) -> None: ...

    def impostor_found(self, info: NodeInfo) -> None: ...


class Discovery:
    def __init__(
        self,
        config: BrokerConfig,
        instance: str,
        *,
        transport: Transport,
        topics: Topics,
        registry: Registry,
        clock: Clock,
        random: Random,
        tasks: Tasks,
        observer: Observer,
    ) -> None:
        self._config = config
        self._transport = transport
        self._topics = topics
        self._registry = registry
        self._clock = clock
        self._random = random
        self._tasks = tasks
        self._observer = observer
        self._info = NodeInfo(
            config.node,
            instance,
            0,
            config.region,
            version=config.protocol,
            hostname=socket.gethostname(),
            client=version("localgroup"),
        )
        self._listening_since_seconds = clock.now()
        self._checked_at_seconds = clock.now()
        self._asked_at_seconds: dict[str, float] = {}
        self._lost: set[str] = set()

    # --- what this node says --------------------------------------------------------------------------------

    async def ask_everybody(self) -> None:
        packet = Discover(self._config.protocol, self._config.node)
        await self._transport.publish(self._topics.everybody(Kind.DISCOVER), packet.encode())

    async def announce(self, services: Iterable[ServiceInfo]) -> None:
        """From now on these are the services of this node."""
        self._info = self._info._replace(services=tuple(services), seq=self._info.seq + 1)
        self._registry.admit(self._info, self._clock.now(), local=True)
        self._observer.registry_changed()
        await self.tell_everybody()

    async def tell_everybody(self) -> None:
        packet = Info(self._config.protocol, self._info)
        await self._transport.publish(self._topics.everybody(Kind.INFO), packet.encode())

    async def leave(self) -> None:
        packet = Disconnect(self._config.protocol, self._config.node)
        await self._transport.publish(self._topics.everybody(Kind.DISCONNECT), packet.encode())

    def begin(self) -> None:
        """Heartbeats, and watching for others', until the tasks are cancelled."""
        self._listen_anew()
        self._tasks.spawn(every(self._clock, self._config.heartbeat_seconds, self._random, self._beat))
        self._tasks.spawn(every(self._clock, EXPIRY_CHECK_SECONDS, self._random, self._check))

    async def rejoin(self) -> None:
        """After a lost connection: nobody could be heard, so nobody's silence counts."""
        self._listen_anew()
        await self.ask_everybody()
        await self.tell_everybody()

    # --- what it hears --------------------------------------------------------------------------------------

    def receive_info(self, packet: Info) -> None:
        info = packet.info
        if info.node == self._config.node:
            if info.instance and info.instance != self._info.instance:
                self._observer.impostor_found(info)
            return
        self._asked_at_seconds.pop(info.node, None)
        self._note_return(info.node)
        known = self._registry.get(info.node)
        joins = known is None or not known.available
        if known is not None and known.info.instance != info.instance:
            self._observer.node_gone(info.node)
        if self._registry.admit(info, self._clock.now()):
            self._observer.registry_changed()
        if joins:
            self._observer.node_joined(info.node)

    def receive_discover(self, packet: Discover) -> None:
        """One's own question is answered too: another node may have asked it under the same name."""
        if self._info.seq:
            self._tasks.spawn(self._answer(packet))

    def receive_heartbeat(self, packet: Heartbeat) -> None:
        if packet.sender == self._config.node:
            return
        known = self._registry.get(packet.sender)
        if known is None or not known.available or _is_newer(packet, known.info):
            self._ask(packet.sender)
            return
        known.heard_at_seconds = self._clock.now()

    def receive_disconnect(self, packet: Disconnect) -> None:
        if packet.sender != self._config.node:
            self._gone(packet.sender)

    def lose(self, node: str) -> None:
        """Gone without a word. It may be cut off and come back."""
        if self._gone(node):
            logger.warning("%s is lost", node)
            if len(self._lost) >= LOST_MAX:
                self._lost.pop()
            self._lost.add(node)

    # --- how ------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        if self._transport.connected:
            packet = Heartbeat(self._config.protocol, self._config.node, self._info.seq, self._info.instance)
            await self._transport.publish(self._topics.everybody(Kind.HEARTBEAT), packet.encode())

    async def _check(self) -> None:
        now = self._clock.now()
        stalled = now - self._checked_at_seconds > STALL_SECONDS
        self._checked_at_seconds = now
        if stalled:
            self._listen_anew()
        if not self._transport.connected or now - self._listening_since_seconds < self._timeout_seconds:
            return
        for node in self._registry.silent_since(now - self._timeout_seconds):
            self.lose(node)
        self._registry.forget_silent_since(now - self._config.forget_seconds)

    @property
    def _timeout_seconds(self) -> float:
        return self._config.heartbeat_timeout_seconds

    async def _answer(self, question: Discover) -> None:
        packet = Info(question.version, self._info)
        await self._transport.publish(self._topics.of(Kind.INFO, question.sender), packet.encode())

    def _ask(self, node: str) -> None:
        now = self._clock.now()
        asked_at_seconds = self._asked_at_seconds.get(node)
        if asked_at_seconds is not None and now - asked_at_seconds < ASK_AGAIN_SECONDS:
            return
        if len(self._asked_at_seconds) >= ASKED_MAX:
            self._asked_at_seconds.clear()
        self._asked_at_seconds[node] = now
        self._tasks.spawn(self._discover(node))

    async def _discover(self, node: str) -> None:
        packet = Discover(self._config.protocol, self._config.node)
        await self._transport.publish(self._topics.of(Kind.DISCOVER, node), packet.encode())

    def _gone(self, node: str) -> bool:
        if not self._registry.withdraw(node):
            return False
        self._observer.node_gone(node)
        self._observer.registry_changed()
        return True

    def _note_return(self, node: str) -> None:
        if node in self._lost:
            self._lost.discard(node)
            self._observer.events_missed()

    def _listen_anew(self) -> None:
        self._listening_since_seconds = self._checked_at_seconds = self._clock.now()


def _is_newer(packet: Heartbeat, known: NodeInfo) -> bool:
    if packet.instance is not None and packet.instance != known.instance:
        return True
    return packet.seq is not None and packet.seq > known.seq
