"""What the forwarder is asked and told while it runs: one JSON message, one JSON answer, on a unix socket.

{"change": [{"source": "near", "target": "far", "settings": {"delay_ms": 20}}, ...]}    what is not named stays
{"report": true}            the account of every link, and what the forwarder itself used
{"begin": true}             accounts begin anew
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.wan.link import Link, LinkSettings
from lab.wan.switch import Switch
from lab.wan.traffic import Carried
from lab.wan.validity import Used

MESSAGE_BYTES_MAX = 200_000
"""As much as a unix datagram holds by default: the account of 20 sites is half of it."""
CHANGES_MAX = 1_000


class Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    target: str
    settings: dict[str, Any]


class Question(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    change: Annotated[tuple[Change, ...], Field(max_length=CHANGES_MAX)] = ()
    report: bool = False
    begin: bool = False


class LinkReport(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    target: str
    settings: LinkSettings
    carried: Carried


class Answer(BaseModel):
    """Two answers' `cpu_seconds` and `clock_seconds` make a share of a processor.
    `refused`: packets that a site's kernel did not take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: str | None = None
    process_id: int = 0
    cpu_seconds: float = 0.0
    clock_seconds: float = 0.0
    refused: int = 0
    links: tuple[LinkReport, ...] = ()

    @property
    def used(self) -> Used:
        return Used(self.cpu_seconds, self.clock_seconds)


class Answers:
    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self.refused = 0

    def serve(self, control: socket.socket) -> None:
        """One message. Who asks and does not wait for the answer gets none."""
        message, asker = control.recvfrom(MESSAGE_BYTES_MAX)
        answer = self.answer(message).model_dump_json(exclude_defaults=True).encode()
        try:
            control.sendto(answer, asker)
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            return

    def answer(self, message: bytes) -> Answer:
        """Changes are made all or none."""
        try:
            question = Question.model_validate_json(message)
            changed = self._changed(question.change)
        except (ValidationError, KeyError) as error:
            return Answer(problem=f"not understood: {error}")
        for link, settings in changed.items():
            link.change(settings)
        answer = self._report() if question.report else Answer()
        if question.begin:
            for road in self._switch.roads:
                road.traffic.begin()
        return answer

    def _changed(self, changes: Iterable[Change]) -> Mapping[Link, LinkSettings]:
        found: dict[Link, LinkSettings] = {}
        for change in changes:
            link = self._switch.road(change.source, change.target).link
            found[link] = found.get(link, link.settings).changed(change.settings)
        return found

    def _report(self) -> Answer:
        return Answer(
            process_id=os.getpid(),
            cpu_seconds=time.process_time(),
            clock_seconds=time.monotonic(),
            refused=self.refused,
            links=tuple(
                LinkReport(
                    source=road.source,
                    target=road.target,
                    settings=road.link.settings,
                    carried=road.traffic.account(),
                )
                for road in self._switch.roads
            ),
        )
