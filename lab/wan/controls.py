"""The running forwarder, from outside: links changed, cut and healed, and its account of what it carried.

Works from any process of this machine that knows the laboratory's folder, so a command can cut what a test started.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.wan.answers import MESSAGE_BYTES_MAX, Answer, Change, Question
from lab.wan.sites import HOME

ANSWER_SECONDS = 10.0

AS_IT_SHOULD_BE: dict[str, object] = {"cut": False, "cut_ports": []}


class ForwarderGone(ConnectionError):
    """Nobody forwards: the laboratory does not run."""


class ChangeRefused(ValueError):
    """The forwarder says why."""


class Links:
    """All links between these sites. `home` is never cut."""

    def __init__(self, control: Path, sites: Sequence[str]) -> None:
        self._control = control
        self.sites = tuple(name for name in sites if name != HOME)

    # --- what a link is like ------------------------------------------------------------------------------------

    def change_one_way(self, source: str, target: str, **settings: object) -> None:
        """Settings are those of `LinkSettings`; what is not named stays."""
        self._change([(source, target)], settings)

    def change(self, here: str, there: str, **settings: object) -> None:
        """Each way: a delay of 20 ms makes an RTT of 40 ms."""
        self._change(both_ways(here, there), settings)

    # --- cuts ---------------------------------------------------------------------------------------------------

    def cut(self, here: str, there: str) -> None:
        self.change(here, there, cut=True)

    def cut_one_way(self, source: str, target: str) -> None:
        """What `source` sends does not arrive at `target`; the other way all is well."""
        self.change_one_way(source, target, cut=True)

    def cut_port(self, here: str, there: str, port: int) -> None:
        """Connections between the two to this port of either."""
        self.change(here, there, cut_ports=[port])

    def cut_off(self, site: str) -> None:
        """From all others."""
        self._change(self._around(site), {"cut": True})

    def heal(self, here: str, there: str) -> None:
        """Takes every cut back; delays and losses stay."""
        self.change(here, there, **AS_IT_SHOULD_BE)

    def rejoin(self, site: str) -> None:
        self._change(self._around(site), AS_IT_SHOULD_BE)

    def heal_all(self) -> None:
        self._change(self._all(), AS_IT_SHOULD_BE)

    # --- accounts -----------------------------------------------------------------------------------------------

    def report(self, *, begin: bool = False) -> Answer:
        """`begin`: links are accounted for anew from now on."""
        return self._ask(Question(report=True, begin=begin))

    def _change(self, pairs: Iterable[tuple[str, str]], settings: dict[str, object]) -> None:
        changes = tuple(Change(source=source, target=target, settings=settings) for source, target in pairs)
        problem = self._ask(Question(change=changes)).problem
        if problem:
            raise ChangeRefused(problem)

    def _around(self, site: str) -> list[tuple[str, str]]:
        return [pair for pair in self._all() if site in pair]

    def _all(self) -> list[tuple[str, str]]:
        return [(here, there) for here in self.sites for there in self.sites if here != there]

    def _ask(self, question: Question) -> Answer:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.settimeout(ANSWER_SECONDS)
            channel.bind("")  # a name that the kernel makes up
            try:
                channel.connect(str(self._control))
                channel.send(question.model_dump_json().encode())
                return Answer.model_validate_json(channel.recv(MESSAGE_BYTES_MAX))
            except OSError as error:
                raise ForwarderGone(f"no forwarder answers at {self._control}") from error


def both_ways(here: str, there: str) -> list[tuple[str, str]]:
    return [(here, there), (there, here)]
