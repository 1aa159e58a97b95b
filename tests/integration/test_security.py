"""What each role may say and hear at real hubs: everything that it needs, and nothing else.

The tables below are written by hand, from what nodes are for. The permissions that they are held against are those
that the hubs of every laboratory get.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from broker.credentials.guests import Guest
from broker.credentials.issuing import read_issuer
from broker.nats.client import NatsClient
from broker.nats.credentials import CredentialsFile
from broker.nats.faults import Fault
from broker.nats.settings import NatsSettings
from broker.settings import trusting
from broker.transport import Listener
from lab import certificates, credentials
from lab.roles import NAMES
from lab.tiers import TIERS
from lab.trial import Trial

ALL = frozenset({"whirlpool", "messier", "andromeda", "names", "loader", "mesh", "guest"})


def only(*roles: str) -> frozenset[str]:
    return frozenset(roles)


PUBLISH = {
    # Who is there is everybody's business.
    **{f"MOL.{kind}": ALL for kind in ("DISCOVER", "INFO", "HEARTBEAT", "PING", "DISCONNECT")},
    **{f"MOL.{kind}.whirlpool-east-1": ALL for kind in ("DISCOVER", "INFO", "PING", "PONG")},
    **{f"MOL.{kind}.guest.other": ALL for kind in ("DISCOVER", "INFO", "PING", "PONG")},
    "MOL.HEARTBEAT.whirlpool-east-1": only(),
    # Requests go one tier down.
    "MOL.REQ.whirlpool-west-1": only("messier", "loader", "mesh"),
    "MOL.REQ.whirlpool-east-8": only("messier", "loader", "mesh"),
    "MOL.REQ.whirlpool-east-9": only(),
    "MOL.REQ.whirlpool-north-1": only(),
    "MOL.REQ.whirlpool-east.pod-x": only("messier", "loader", "mesh"),
    "MOL.REQ.whirlpool-north.pod-x": only(),
    "MOL.REQ.messier-central-1": only("andromeda", "guest", "mesh"),
    "MOL.REQ.andromeda-west-1": only("mesh"),
    "MOL.REQ.names-west-1": only("mesh"),
    "MOL.REQ.loader.west.1": only("mesh"),
    "MOL.REQ.mesh.1": only("mesh"),
    "MOL.ORDER.whirlpool-west-1": only("mesh"),
    "MOL.ORDER.messier-east-8": only("mesh"),
    "MOL.ORDER.andromeda-central-1": only("mesh"),
    "MOL.ORDER.mesh.1": only(),
    "MOL.ORDER.guest.other": only(),
    "MOL.ORDER": only(),
    "MOL.REQ.guest.other": only("guest", "mesh"),
    "MOL.REQ": only(),
    "MOL.REQB.courses.term": only(),
    # Answers go to those who may ask.
    "MOL.RES.whirlpool-west-1": only(),
    "MOL.RES.messier-central-1": only("whirlpool"),
    "MOL.RES.andromeda-west-1": only("messier"),
    "MOL.RES.andromeda-west.pod-x": only("messier"),
    "MOL.RES.loader.west.1": only("whirlpool"),
    "MOL.RES.mesh.1": ALL,
    "MOL.RES.guest.other": only("messier", "guest"),
    "MOL.STREAM.whirlpool-west-1": only("messier", "loader", "mesh"),
    "MOL.STREAM.messier-central-1": only("whirlpool", "andromeda", "guest", "mesh"),
    "MOL.STREAM.andromeda-west-1": only("messier", "mesh"),
    # News go one tier up.
    "MOL.EVENT.whirlpool-west-1": only("mesh"),
    "MOL.EVENT.messier-central-1": only("whirlpool", "mesh"),
    "MOL.EVENT.andromeda-west-1": only("messier", "mesh"),
    "MOL.EVENT.names-east-1": only("andromeda", "names", "mesh"),
    "MOL.EVENT.loader.west.1": only("mesh"),
    "MOL.EVENT.mesh.1": only("whirlpool", "messier", "guest", "mesh"),
    "MOL.EVENT.guest.other": only("whirlpool", "messier", "guest", "mesh"),
    "MOL.EVENTB.courses.changed": only(),
    # The micro door: the guest of this test may call `courses` and answers for `billing`.
    "courses.say": only("guest"),
    "db-courses.versions": only(),
    "billing.pay": only(),
    **{f"$SRV.{verb}": only("guest") for verb in ("PING", "INFO", "STATS")},
    "$SRV.INFO.courses": only("guest"),
    "$SRV.INFO.courses.1": only("guest"),
    "$SRV.INFO.db-courses": only(),
    "_INBOX.somebody": only("whirlpool", "messier"),
    "_INBOX.guest.other.1": only("whirlpool", "messier"),
    "_INBOX.MOL.messier-west-1.1": only(),
    "_INBOX.MOL.guest.other.1": only(),
    # Nothing of the servers', of other namespaces, or of nobody.
    "$SYS.REQ.SERVER.PING": only(),
    "$JS.API.INFO": only(),
    "MOL-other.INFO": only(),
    "MOL-other.REQ.whirlpool-west-1": only(),
    "anything": only(),
}
"""Each role's user is that of region west."""

OWN = {
    "whirlpool": ("whirlpool-west-1", "whirlpool-west-8", "whirlpool-west.pod-x"),
    "messier": ("messier-west-1", "messier-west-8", "messier-west.pod-x"),
    "andromeda": ("andromeda-west-1", "andromeda-west-8", "andromeda-west.pod-x"),
    "names": ("names-west-1", "names-west-8", "names-west.pod-x"),
    "loader": ("loader.west.1", "loader.west.abc"),
    "mesh": ("mesh.1", "mesh.abc"),
    "guest": ("guest.test", "guest.test.2"),
}
NOBODYS = (
    "whirlpool-west-9",
    "whirlpool-east-1",
    "whirlpool-east.pod-x",
    "messier-central-1",
    "messier-central.pod-x",
    "andromeda-east-1",
    "names-east-1",
    "loader.east.1",
    "guest.other",
    "guest",
    "*",
    ">",
)
"""Of nobody in west, or of everybody at once."""
TARGETED = ("REQ", "RES", "EVENT", "STREAM", "ORDER", "PONG", "DISCOVER", "INFO", "PING")


def own_subjects(node: str) -> list[str]:
    return [*(f"MOL.{kind}.{node}" for kind in TARGETED), f"_INBOX.MOL.{node}.*"]


SUBSCRIBE = {
    **{f"MOL.{kind}": ALL for kind in ("DISCOVER", "INFO", "HEARTBEAT", "PING", "DISCONNECT")},
    **{subject: only(role) for role, nodes in OWN.items() for name in nodes for subject in own_subjects(name)},
    **{subject: only() for name in NOBODYS for subject in own_subjects(name)},
    "courses.say": only("messier"),
    "courses.*": only("messier"),
    "db-courses.versions": only("whirlpool"),
    "billing.pay": only("guest"),
    **{f"$SRV.{verb}": only("whirlpool", "messier", "guest") for verb in ("PING", "INFO", "STATS")},
    "$SRV.INFO.courses": only("messier"),
    "$SRV.INFO.courses.1": only("messier"),
    "$SRV.INFO.db-courses.1": only("whirlpool"),
    "$SRV.INFO.billing": only("guest"),
    "$SRV.INFO.>": only(),
    "_INBOX.guest.test.>": only("guest"),
    "_INBOX.guest.test.abc.*": only("guest"),
    "_INBOX.guest.other.>": only(),
    "_INBOX.>": only(),
    "_INBOX.*.*": only(),
    "MOL.>": only(),
    "MOL.*": only(),
    "MOL.*.whirlpool-west-1": only(),
    "MOL-other.INFO": only(),
    "$SYS.>": only(),
    "$JS.>": only(),
    ">": only(),
    "*": only(),
}


def credentials_of(hubs: Trial, role: str, folder: Path) -> CredentialsFile:
    if role != "guest":
        user = credentials.user_of(role, hubs.region("west"))
        return CredentialsFile(credentials.user_file(hubs.laboratory, user))
    guest = Guest(name="test", services=("courses",), serves=("billing",))
    issuer = read_issuer(hubs.laboratory.credentials / "roles" / "guest.json")
    path = folder / "guest.creds"
    path.write_text(issuer.credentials(guest.node, tags=guest.tags, now_seconds=0))
    return CredentialsFile(path)


@pytest.fixture(scope="module", params=sorted(ALL))
async def role(
    request: pytest.FixtureRequest, hubs: Trial, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, NatsClient]]:
    name: str = request.param
    settings = NatsSettings(
        (hubs.region("west").nats_url,),
        credentials=credentials_of(hubs, name, tmp_path_factory.mktemp(name)),
        tls=trusting(certificates.authority(hubs.laboratory)),
    )
    client = NatsClient(settings)
    await client.connect("matrix", Listener())
    yield name, client
    await client.close()


async def is_forbidden(client: NatsClient) -> bool:
    """What was just said or asked for."""
    await client.flush()
    return bool(client.faults.counts.pop(Fault.FORBIDDEN, 0))


async def test_each_role_publishes_where_it_needs_to_and_nowhere_else(role: tuple[str, NatsClient]) -> None:
    name, client = role
    allowed = set()
    for subject in PUBLISH:
        await client.publish(subject, b"")
        if not await is_forbidden(client):
            allowed.add(subject)
    assert allowed == {subject for subject, roles in PUBLISH.items() if name in roles}


async def test_each_role_hears_what_it_needs_to_and_nothing_else(role: tuple[str, NatsClient]) -> None:
    name, client = role
    allowed = set()
    for subject in SUBSCRIBE:
        number = client.listen(subject, lambda *message: None)
        if not await is_forbidden(client):
            allowed.add(subject)
        client.unlisten(number)
    assert allowed == {subject for subject, roles in SUBSCRIBE.items() if name in roles}


async def test_joining_a_queue_group_lets_nobody_hear_more(role: tuple[str, NatsClient]) -> None:
    _, client = role
    for subject in ("MOL.REQ.whirlpool-east-1", "MOL.RES.*", "_INBOX.>", ">"):
        number = client.listen(subject, lambda *message: None, queue="q")
        assert await is_forbidden(client), subject
        client.unlisten(number)


def test_no_tier_has_ever_asked_for_what_it_may_not(regions: Trial) -> None:
    """After whatever the tests before this one have done with them."""
    tiers = (*TIERS, NAMES) if regions.laboratory.dns else TIERS
    for region in regions.regions:
        for tier in tiers:
            told = httpx.get(f"http://{region.metrics_address(tier)}/metrics", timeout=10).text
            assert 'localgroup_nats_faults_total{fault="forbidden"} 0.0' in told.splitlines(), region.node(tier)
