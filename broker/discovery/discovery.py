"""Who is there: INFO, DISCOVER, HEARTBEAT and DISCONNECT by Moleculer's rules, with fewer packets than they make.

An INFO is believed if it is news. A heartbeat that shows that an INFO was missed is answered by asking its node for
it (`questions.py`), and questions are answered together where many come (`answers.py`). A node that is silent for three
of its heartbeats, and answers no question either, is lost; when a lost node is heard again, what it told meanwhile has
been missed.
"""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Iterable
from importlib.metadata import version
from random import Random
from typing import Protocol

from broker.clock import Clock
from broker.config import BrokerConfig
from broker.discovery.answers import Answers
from broker.discovery.questions import Questions
from broker.discovery.registry import Registry
from broker.periodic import every
from broker.tasks import Tasks
from broker.transport import Transport
from broker.wire.node_info import NodeInfo, ServiceInfo
from broker.wire.packets import Disconnect, Discover, Heartbeat, Info
from broker.wire.topics import Kind, Topics

EXPIRY_CHECK_SECONDS = 1.0
STALL_SECONDS = 3.0
"""A check that comes this late says that this process stood still, not that the others did."""
DOUBT_SECONDS = 3.0
"""So long before a silent node is lost it is asked whether it is there: heartbeats come by one subject, and that they
do not come may be due to what lies between."""
HEARD_PER_SECOND_MAX = 100
"""Every node hears every heartbeat: where they would be more than this, each node sends fewer."""
HEARTBEAT_SECONDS_MAX = 10.0
"""As Moleculer's, whose nodes take 30 s of silence for the end of a node."""
ASKING_NODES_MAX = 64
"""After a lost connection, nodes of a mesh up to this size ask all others. In a larger one, where all of them do so at
once when a server starts anew, the heartbeats tell what was missed."""
FOREIGN_HEARTBEAT_SECONDS = 10.0
"""Of nodes that do not say: Moleculer's default."""
INSTANCE_PREFIX = 8
"""Characters of it in a heartbeat: enough to tell a node from the one that had its name before."""
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
            streams=True,
        )
        self._listening_since_seconds = clock.now()
        self._checked_at_seconds = clock.now()
        self._lost: dict[str, bool] = {}
        """Nodes that may come back, and whether they were merely not heard."""
        self._answers = Answers(
            clock,
            random,
            tasks,
            tell=self._tell_soon,
            tell_everybody=lambda: tasks.spawn(self.tell_everybody()),
            audience=registry.count_available,
        )
        self._questions = Questions(clock, random, tasks, ask=self._ask, audience=registry.count_available)

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
        self._answers.settle()
        packet = Info(self._config.protocol, self._info)
        await self._transport.publish(self._topics.everybody(Kind.INFO), packet.encode())

    async def leave(self) -> None:
        packet = Disconnect(self._config.protocol, self._config.node)
        await self._transport.publish(self._topics.everybody(Kind.DISCONNECT), packet.encode())

    def begin(self) -> None:
        """Heartbeats, and watching for others', until the tasks are cancelled."""
        self._listen_anew()
        self._tasks.spawn(every(self._clock, self._heartbeat_seconds, self._random, self._beat))
        self._tasks.spawn(every(self._clock, EXPIRY_CHECK_SECONDS, self._random, self._check))

    async def rejoin(self) -> None:
        """After a lost connection: nobody could be heard, so nobody's silence counts."""
        self._listen_anew()
        if self._registry.count_available() > ASKING_NODES_MAX:
            await self._beat()
            return
        await self.ask_everybody()
        await self.tell_everybody()

    # --- what it hears --------------------------------------------------------------------------------------

    def receive_info(self, packet: Info) -> None:
        info = packet.info
        if info.node == self._config.node:
            if info.instance and info.instance != self._info.instance:
                self._observer.impostor_found(info)
            return
        self._questions.answered(info.node)
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
        if not self._info.seq:
            return
        if packet.sender == self._config.node:
            self._tell_soon(packet)
            return
        self._answers.answer(packet, known=packet.sender in self._lost or self._registry.sees(packet.sender))

    def receive_heartbeat(self, packet: Heartbeat) -> None:
        if packet.sender == self._config.node:
            return
        known = self._registry.get(packet.sender)
        if known is not None and self._lost.get(packet.sender) and _is_of(packet, known.info):
            self._take_back(packet.sender)
        if known is None or not known.available or _is_newer(packet, known.info):
            self._questions.wonder(packet.sender)
            return
        known.heard_at_seconds = self._clock.now()
        known.heartbeat_seconds = packet.interval_seconds or FOREIGN_HEARTBEAT_SECONDS

    def receive_disconnect(self, packet: Disconnect) -> None:
        if packet.sender != self._config.node:
            self._gone(packet.sender)

    def lose(self, node: str) -> None:
        """Gone without a word, though it may still be heard: it has to answer a question to be there again."""
        self._lose(node, silent=False)

    # --- how ------------------------------------------------------------------------------------------------

    def _heartbeat_seconds(self) -> float:
        shared_seconds = self._registry.count_available() / HEARD_PER_SECOND_MAX
        return max(self._config.heartbeat_seconds, min(shared_seconds, HEARTBEAT_SECONDS_MAX))

    async def _beat(self) -> None:
        if self._transport.connected:
            info, seconds = self._info, math.ceil(self._heartbeat_seconds())
            unusual_seconds = None if seconds == FOREIGN_HEARTBEAT_SECONDS else seconds
            instance = info.instance[:INSTANCE_PREFIX]
            packet = Heartbeat(self._config.protocol, info.node, info.seq, instance, unusual_seconds)
            await self._transport.publish(self._topics.everybody(Kind.HEARTBEAT), packet.encode())

    async def _check(self) -> None:
        now = self._clock.now()
        stalled = now - self._checked_at_seconds > STALL_SECONDS
        self._checked_at_seconds = now
        if stalled:
            self._listen_anew()
        patience_seconds = self._timeout_seconds
        listened_seconds = now - self._listening_since_seconds
        if not self._transport.connected or listened_seconds < patience_seconds - DOUBT_SECONDS:
            return
        silent = self._registry.silent(now, patience_seconds) if listened_seconds >= patience_seconds else []
        for node in silent:
            self._lose(node, silent=True)
        for node in self._registry.silent(now, patience_seconds, sooner_seconds=DOUBT_SECONDS):
            self._questions.wonder(node)
        self._registry.forget_silent_since(now - self._config.forget_seconds)

    @property
    def _timeout_seconds(self) -> float:
        return self._config.heartbeat_timeout_seconds

    def _tell_soon(self, question: Discover) -> None:
        self._tasks.spawn(self._tell(question))

    async def _tell(self, question: Discover) -> None:
        packet = Info(question.version, self._info)
        await self._transport.publish(self._topics.of(Kind.INFO, question.sender), packet.encode())

    async def _ask(self, node: str) -> None:
        packet = Discover(self._config.protocol, self._config.node)
        await self._transport.publish(self._topics.of(Kind.DISCOVER, node), packet.encode())

    def _lose(self, node: str, *, silent: bool) -> None:
        if self._gone(node):
            logger.warning("%s is lost", node)
            if len(self._lost) >= LOST_MAX:
                del self._lost[next(iter(self._lost))]
            self._lost[node] = silent

    def _take_back(self, node: str) -> None:
        """It was only not heard for a while, and is what it was: nothing has to be asked."""
        self._note_return(node)
        if self._registry.readmit(node, self._clock.now()):
            self._observer.registry_changed()
            self._observer.node_joined(node)

    def _gone(self, node: str) -> bool:
        if not self._registry.withdraw(node):
            return False
        self._observer.node_gone(node)
        self._observer.registry_changed()
        return True

    def _note_return(self, node: str) -> None:
        if self._lost.pop(node, None) is not None:
            self._observer.events_missed()

    def _listen_anew(self) -> None:
        self._listening_since_seconds = self._checked_at_seconds = self._clock.now()


def _is_of(packet: Heartbeat, known: NodeInfo) -> bool:
    return bool(packet.instance) and packet.seq == known.seq and not _is_newer(packet, known)


def _is_newer(packet: Heartbeat, known: NodeInfo) -> bool:
    """Of the instance a heartbeat holds no more than the beginning."""
    if packet.instance is not None and not known.instance.startswith(packet.instance):
        return True
    return packet.seq is not None and packet.seq > known.seq
