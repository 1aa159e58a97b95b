"""A messier that only repeats what it is told: a node of its own process, small enough to restart in no time."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import ClassVar

from broker import Broker, Context, Service, action
from broker.environment import read_environment
from broker.nats.client import NatsClient
from broker.process import Fail, Part, run
from broker.settings import TierSettings
from schema.action import Action, Message


class Say(Message):
    text: str


SAY = Action("courses.say", Say, Say, safe=True)


class Echo(Service):
    name: ClassVar[str] = "courses"

    @action(SAY)
    async def say(self, context: Context, request: Say) -> Say:
        return request


class EchoSettings(TierSettings):
    tier: ClassVar[str] = "messier"


def main() -> int:
    settings = read_environment(EchoSettings, os.environ)

    def build(fail: Fail) -> Sequence[Part]:
        broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()))
        broker.on_fatal(fail)
        broker.add(Echo())
        return [broker]

    node = settings.broker_config().node
    return run(build, log_level=settings.log_level, node=node, region=settings.region)


if __name__ == "__main__":
    sys.exit(main())
