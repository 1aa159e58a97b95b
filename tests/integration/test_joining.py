"""Who gets into the mesh of real hubs, and how guests do: with what `mesh credentials` makes, and with nothing less."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import nats
import nats.errors
import orjson
import pytest
import trustme
from nats.aio.client import Client

from broker import Broker, BrokerConfig, Context, Service, action
from broker.clock import SystemClock
from broker.credentials.issuing import Issuer
from broker.local_mesh import completed
from broker.nats import nkey
from broker.nats.client import NatsClient
from broker.nats.credentials import CredentialsFile
from broker.nats.dial import Dialer
from broker.nats.faults import Faults
from broker.nats.servers import Servers
from broker.nats.settings import NatsSettings
from broker.settings import trusting
from lab import certificates, node
from lab.regions import NATS, NATS_GATEWAY
from lab.trial import Trial
from schema.action import Action, Message
from schema.errors import Unauthorized, Unavailable
from tests.interop.foreign import MOLECULER, ForeignNode

DISCOVERY_SECONDS = 20
NOT_ANSWERED_SECONDS = 0.5


class Say(Message):
    text: str


SAY = Action("courses.say", Say, Say, safe=True)


class Courses(Service):
    """Of the tier that guests may ask."""

    name: ClassVar[str] = "courses"

    @action(SAY)
    async def say(self, context: Context, request: Say) -> Say:
        return request


@pytest.fixture(scope="module")
async def messier(hubs: Trial) -> AsyncIterator[Broker]:
    region = hubs.region("east")
    config = BrokerConfig(region=region.name, node="messier-east-1")
    broker = Broker(config, NatsClient(hubs.mesh_settings(region, "messier")))
    broker.add(Courses())
    async with broker:
        yield broker


def environment(hubs: Trial) -> dict[str, str]:
    return {**os.environ, "LOCALGROUP_STATE": str(hubs.laboratory.state), "COLUMNS": "200"}


async def mesh(hubs: Trial, *arguments: str) -> str:
    """What the command prints; it finds the hubs and its credentials by itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker", *arguments), env=environment(hubs), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest.fixture(scope="module")
async def guest(hubs: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guests")
    options = ("--services", "courses", "--serves", "billing", "--folder", str(folder))
    assert "guest.shop" in await mesh(hubs, "credentials", "shop", *options)
    return folder / "shop"


# --- strangers -----------------------------------------------------------------------------------------------


async def dial(hubs: Trial, **settings: Any) -> None:
    url = hubs.region("west").nats_url
    servers, how = Servers([url], 1, Random(1)), NatsSettings((url,), **settings)
    await Dialer(how, servers, SystemClock(), Random(1), Faults(), lambda *message: None).first_of(servers.home())


async def test_nobody_gets_in_without_credentials(hubs: Trial) -> None:
    with pytest.raises(Unauthorized):
        await dial(hubs, tls=trusting(certificates.authority(hubs.laboratory)))


async def test_nobody_gets_in_with_credentials_of_another_mesh(hubs: Trial, tmp_path: Path) -> None:
    other = Issuer(nkey.create(nkey.Kind.ACCOUNT).public, nkey.create(nkey.Kind.ACCOUNT))
    path = tmp_path / "other.creds"
    path.write_text(other.credentials("whirlpool-west", now_seconds=0))
    with pytest.raises(Unauthorized):
        await dial(hubs, tls=trusting(certificates.authority(hubs.laboratory)), credentials=CredentialsFile(path))


async def test_a_hub_of_another_authority_is_not_trusted(hubs: Trial) -> None:
    context = ssl.create_default_context()
    trustme.CA().configure_trust(context)
    with pytest.raises(Unavailable, match="certificate verify failed"):
        await dial(hubs, tls=context)


def greeting_of_gateway(hubs: Trial, context: ssl.SSLContext) -> bytes:
    address = hubs.region("west").address
    with (
        socket.create_connection((address, NATS_GATEWAY), timeout=DISCOVERY_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address) as secured,
    ):
        return secured.recv(4)


def test_hubs_of_this_mesh_join_its_gateways(hubs: Trial) -> None:
    context = trusting(certificates.authority(hubs.laboratory))
    own = certificates.certificate(hubs.laboratory, hubs.region("east"))
    context.load_cert_chain(own.chain, own.key)
    assert greeting_of_gateway(hubs, context) == b"INFO"


def test_a_hub_without_a_certificate_does_not_join(hubs: Trial) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate required"):
        greeting_of_gateway(hubs, trusting(certificates.authority(hubs.laboratory)))


def test_a_hub_of_another_authority_does_not_join(hubs: Trial) -> None:
    context = trusting(certificates.authority(hubs.laboratory))
    trustme.CA().issue_cert(hubs.region("east").address).configure_cert(context)
    with pytest.raises(ssl.SSLError, match=r"(?i)unknown ca"):
        greeting_of_gateway(hubs, context)


def test_secrets_of_a_laboratory_are_its_owners_only(hubs: Trial) -> None:
    folder = hubs.laboratory.credentials
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*"))


# --- guests --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def plain_client(hubs: Trial, guest: Path) -> AsyncIterator[Client]:
    """The client of NATS' own project."""
    credentials = CredentialsFile(guest / "shop.creds")
    client = await nats.connect(
        f"tls://{hubs.region('west').address}:{NATS}",
        tls=trusting(guest / "ca.pem"),
        inbox_prefix=b"_INBOX.guest.shop",
        user_jwt_cb=lambda: bytearray(credentials.answer("")["jwt"].encode()),
        signature_cb=lambda nonce: credentials.answer(nonce)["sig"].encode(),
    )
    try:
        yield client
    finally:
        await client.close()


@pytest.mark.usefixtures("messier")
async def test_a_plain_client_calls_the_services_it_was_let_in_for(hubs: Trial, guest: Path) -> None:
    async with plain_client(hubs, guest) as client:
        answer = await client.request("courses.say", b'{"text": "hello"}', timeout=DISCOVERY_SECONDS)
        assert orjson.loads(answer.data) == {"text": "hello"}
        with pytest.raises(nats.errors.TimeoutError):
            await client.request("db-courses.versions", b"{}", timeout=NOT_ANSWERED_SECONDS)


@asynccontextmanager
async def moleculer(guest: Path) -> AsyncIterator[None]:
    """A real node with the configuration as it was made."""
    settings = {
        "moleculer": MOLECULER["5"],
        "config": str(guest / "moleculer.config.js"),
        "broker": {},
        "services": ["foreign"],
        "needs": ["courses"],
    }
    process = await asyncio.create_subprocess_exec(
        node.node(),
        "node.js",
        orjson.dumps(settings),
        cwd=node.FOLDER,
        env=os.environ | {"NODE_PATH": str(node.FOLDER / "node_modules")},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    started = ForeignNode("shop", process)
    try:
        await started.ready()
        yield
    finally:
        await started.stop()


@pytest.mark.usefixtures("messier")
async def test_a_moleculer_node_asks_messier_and_is_asked_by_tools(hubs: Trial, guest: Path, tmp_path: Path) -> None:
    node.install(tmp_path / "npm.log")
    wanted = {"action": "courses.say", "params": {"text": "hello"}, "options": {}}
    async with moleculer(guest):
        asked = orjson.loads(await mesh(hubs, "call", "foreign.begin", orjson.dumps(wanted).decode()))
        assert asked["data"] == {"text": "hello"}
        async with asyncio.timeout(DISCOVERY_SECONDS):  # on a busy machine it answers after the command has gone
            while "guest.shop" not in await mesh(hubs, "nodes"):
                pass


async def test_a_tool_of_ours_joins_with_a_guests_credentials(hubs: Trial, guest: Path, messier: Broker) -> None:
    told = dict(line.split("=", 1) for line in (guest / "localgroup.env").read_text().splitlines())
    assert completed(told) == told
    settings = NatsSettings(
        tuple(told["LOCALGROUP_NATS_URLS"].split(",")),
        credentials=CredentialsFile(Path(told["LOCALGROUP_NATS_CREDENTIALS"])),
        tls=trusting(Path(told["LOCALGROUP_NATS_TLS_CA"])),
    )
    config = BrokerConfig(region="elsewhere", node=told["LOCALGROUP_NODE"])
    async with Broker(config, NatsClient(settings)) as broker:
        await broker.wait_for("courses", deadline_seconds=DISCOVERY_SECONDS)
        assert await broker.call(SAY, Say(text="hello")) == Say(text="hello")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(("../up",), "name"), (("shop", "--services", "Shouting"), "services"), (("shop", "--serves", "a b"), "serves")],
)
async def test_says_which_argument_is_of_no_use(hubs: Trial, arguments: tuple[str, ...], named: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker", "credentials", *arguments),
        env=environment(hubs),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert errors.decode().startswith(f"{named}: ")


async def test_only_the_owner_of_a_mesh_lets_others_in(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker", "credentials", "shop", "--services", "courses"),
        env={"LOCALGROUP_STATE": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"LOCALGROUP_NATS_ISSUER" in errors
