"""The door for writes of a region, beside its gateway: a POST becomes a keyed call of `db-drill`, which keeps it.

Users' writes come by name as their reads do. One process has both sides, each with a node of its own: the store, built
as a whirlpool is, and the door, which asks any region's store as a gateway does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from andromeda.bootstrap import Upstream
from andromeda.config import Limits
from andromeda.doors import Doors
from andromeda.errors import body_of, status_of
from andromeda.metrics import EdgeMetrics
from andromeda.server import HttpServer
from broker import Broker, Metrics
from broker.clock import SystemClock
from broker.environment import read_environment
from broker.nats.client import NatsClient
from broker.policies.idempotency import KEY_HEADER
from broker.process import Fail, Part, run
from broker.settings import HostAndPort, TierSettings
from schema.errors import Invalid, MeshError
from tests.drills.contracts import INSERT, SERVICE, Insert
from tests.drills.node import build
from whirlpool.config import WhirlpoolSettings

PATH = "/drill/written"
SET = "outage"
KEY = "idempotency-key"
ASK_SECONDS = 4.0
"""Longer than a commit waits for a region that went dark."""
PREFIX = "DOOR_"
"""Of the door's own settings in an environment that the store's are in as well."""


class DoorSettings(TierSettings):
    tier: ClassVar[str] = "loader"

    http_address: HostAndPort


class Door:
    def __init__(self, broker: Broker, doors: Doors) -> None:
        self._broker = broker
        self._doors = doors
        self.app = Starlette(routes=[Route(PATH, self._write, methods=["POST"])])

    async def _write(self, request: Request) -> Response:
        """Acknowledged once it is committed."""
        try:
            key = request.headers.get(KEY)
            if not key:
                raise Invalid(f"{KEY} is missing")
            await self._broker.call(
                INSERT, Insert(name=SET, elements=[key]), headers={KEY_HEADER: key}, deadline_seconds=ASK_SECONDS
            )
        except MeshError as error:
            return self._response(body_of(error), status_of(error))
        return self._response(b"{}")

    def _response(self, body: bytes, status: int = 200) -> Response:
        return Response(body, status, {"connection": "close"} if self._doors.shut else {})


def parts(store: WhirlpoolSettings, settings: DoorSettings, fail: Fail) -> Sequence[Part]:
    """Users are let in last, and are the first to go."""
    metrics = Metrics()
    broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()), metrics=metrics)
    broker.on_fatal(fail)
    doors = Doors(SystemClock())
    app = Door(broker, doors).app
    server = HttpServer(settings.http_address, app, EdgeMetrics(metrics.registry), Limits(), doors)
    return [*build(store, fail), broker, Upstream(broker, SERVICE), server]


def main() -> int:
    store = read_environment(WhirlpoolSettings, os.environ)
    settings = read_environment(DoorSettings, os.environ, PREFIX)
    node = store.broker_config().node
    return run(
        lambda fail: parts(store, settings, fail), log_level=settings.log_level, node=node, region=settings.region
    )


if __name__ == "__main__":
    sys.exit(main())
