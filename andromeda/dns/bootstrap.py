"""Where a watcher is put together."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from andromeda.dns.config import NamesSettings
from andromeda.dns.decisions import Decisions
from andromeda.dns.declaration import Declaration
from andromeda.dns.metrics import expose
from andromeda.dns.nearest import Nearest
from andromeda.dns.probing import HttpProbe
from andromeda.dns.self_check import SelfCheck
from andromeda.dns.service import Names
from andromeda.dns.sharing import NearestFile, telling
from andromeda.dns.watcher import Watcher
from andromeda.dns.zone import host_name
from broker import Broker
from broker.clock import SystemClock
from broker.nats.client import NatsClient
from broker.observe.exposition import Exposition
from broker.process import Fail, Part

DECISIONS = "decisions.json"


def parts(settings: NamesSettings, declaration: Declaration, fail: Fail) -> Sequence[Part]:
    """Looking at the regions needs no mesh, so it begins before there is one, and goes on without."""
    clock, random = SystemClock(), Random()  # noqa: S311 (spreads probes over time)
    folder, regions = settings.dns_folder, declaration.regions
    nearest, decisions = Nearest(regions), Decisions(regions, folder / DECISIONS)
    nearest_file = NearestFile(nearest, folder, clock)
    watcher = Watcher(
        declaration,
        folder,
        HttpProbe(declaration.health, host_name(declaration)),
        clock=clock,
        random=random,
        out=decisions.out,
        nearest_version=lambda: nearest_file.version,
    )
    broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()), clock=clock, random=random)
    broker.on_fatal(fail)
    expose(broker.metrics.registry, regions, watcher, decisions)
    broker.add(Names(declaration, watcher, decisions, nearest, clock))
    address, checks = settings.metrics_address, {"regions": watcher.why_unready}
    exposition = [Exposition(address, broker.metrics, checks)] if address else []
    host, server = host_name(declaration), settings.dns_server
    self_check = (
        [SelfCheck(server, host, declaration.families[0], broker.metrics.registry).asking(clock, random)]
        if server
        else []
    )
    return [
        *exposition,
        watcher,
        *self_check,
        broker,
        nearest_file.writing(random),
        telling(broker, decisions, clock, random),
    ]
