"""Credentials as the account's roles make them, shown to a real server."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from broker.clock import SystemClock
from broker.credentials.issuing import Issuer, IssuerFile, read_issuer, write_issuer
from broker.credentials.permissions import Permissions
from broker.nats import jwt as nats_jwt
from broker.nats import nkey
from broker.nats.client import NatsClient
from broker.nats.credentials import CredentialsFile
from broker.nats.dial import Dialer
from broker.nats.faults import Fault, Faults
from broker.nats.jwt import Scope
from broker.nats.nkey import Kind
from broker.nats.servers import Servers
from broker.nats.settings import NatsSettings
from broker.transport import Delivery
from schema.errors import Invalid, Unauthorized
from tests.broker.hubs import QUICK, client, hub
from tests.waiting import eventually

NOW_SECONDS = int(time.time())
ROLES = {
    "writer": Permissions(("mail.{{name()}}", "news.>"), ("news.secret",), (), replies=False),
    "reader": Permissions((), (), ("mail.{{tag(box)}}", "news.today"), replies=True),
}


@dataclass
class Mesh:
    url: str
    folder: Path
    issuers: Mapping[str, Issuer]

    def credentials(self, role: str, name: str, *tags: str, expires_in_seconds: int | None = None) -> CredentialsFile:
        expires = None if expires_in_seconds is None else NOW_SECONDS + expires_in_seconds
        text = self.issuers[role].credentials(name, tags=tags, now_seconds=NOW_SECONDS, expires_at_seconds=expires)
        path = self.folder / f"{name}.creds"
        path.write_text(text)
        return CredentialsFile(path)


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    operator, account, system = nkey.create(Kind.OPERATOR), nkey.create(Kind.ACCOUNT), nkey.create(Kind.ACCOUNT)
    issuers = {role: Issuer(account.public, nkey.create(Kind.ACCOUNT)) for role in ROLES}
    scopes = [Scope(role, issuers[role].public, allowed) for role, allowed in ROLES.items()]
    accounts = {
        account.public: nats_jwt.account(operator, account.public, "mesh", scopes, now_seconds=NOW_SECONDS),
        system.public: nats_jwt.account(operator, system.public, "system", (), now_seconds=NOW_SECONDS),
    }
    told = nats_jwt.operator(operator, "test", system_account=system.public, now_seconds=NOW_SECONDS)
    lines = (f"operator: {told}", f"system_account: {system.public}", "resolver: MEMORY")
    async with hub(tmp_path, *lines, f"resolver_preload: {json.dumps(accounts)}") as running:
        yield Mesh(running.url, tmp_path, issuers)


async def refused_publications(by: NatsClient, *subjects: str) -> list[str]:
    refused = []
    for subject in subjects:
        before = by.faults.counts[Fault.FORBIDDEN]
        await by.publish(subject, b"")
        await by.flush()
        if by.faults.counts[Fault.FORBIDDEN] > before:
            refused.append(subject)
    return refused


async def test_a_user_may_do_what_its_role_may_under_its_own_name(mesh: Mesh) -> None:
    async with client(mesh.url, credentials=mesh.credentials("writer", "ada")) as ada:
        asked = ("mail.ada", "mail.bob", "news.today", "news.secret", "elsewhere")
        assert await refused_publications(ada, *asked) == ["mail.bob", "news.secret", "elsewhere"]


async def test_tags_open_what_they_name(mesh: Mesh) -> None:
    heard: list[Delivery] = []
    async with (
        client(mesh.url, credentials=mesh.credentials("reader", "eve", "box:ada", "box:bob")) as eve,
        client(mesh.url, credentials=mesh.credentials("writer", "ada")) as ada,
    ):
        for box in ("ada", "bob", "carl"):
            await eve.subscribe(f"mail.{box}", heard.append)
        await eve.flush()
        assert eve.faults.counts == {Fault.FORBIDDEN: 1}
        await ada.publish("mail.ada", b"")
        await eventually(lambda: heard)


async def test_who_may_only_reply_replies_once_and_to_nobody_else(mesh: Mesh) -> None:
    asked: list[Delivery] = []
    async with (
        client(mesh.url, credentials=mesh.credentials("reader", "eve", "box:x")) as eve,
        client(mesh.url, credentials=mesh.credentials("writer", "ada")) as ada,
    ):
        await eve.subscribe("news.today", asked.append)
        await eve.flush()
        await ada.publish("news.today", b"", "_INBOX.ada.1")
        await eventually(lambda: asked)
        once_and_again = ("_INBOX.ada.1", "_INBOX.ada.1", "_INBOX.ada.2")
        assert await refused_publications(eve, *once_and_again) == ["_INBOX.ada.1", "_INBOX.ada.2"]


async def test_an_expired_user_is_not_let_in(mesh: Mesh) -> None:
    credentials = mesh.credentials("writer", "ada", expires_in_seconds=-10)
    servers, settings = Servers([mesh.url], 1, Random(1)), NatsSettings((mesh.url,), credentials=credentials, **QUICK)
    dialer = Dialer(settings, servers, SystemClock(), Random(1), Faults(), lambda *message: None)
    with pytest.raises(Unauthorized):
        await dialer.first_of(servers.home())


async def test_a_key_that_is_no_role_of_the_account_makes_no_users(mesh: Mesh) -> None:
    stranger = Issuer(mesh.issuers["writer"].account, nkey.create(Kind.ACCOUNT))
    path = mesh.folder / "stranger.creds"
    path.write_text(stranger.credentials("ada", now_seconds=NOW_SECONDS))
    servers = Servers([mesh.url], 1, Random(1))
    settings = NatsSettings((mesh.url,), credentials=CredentialsFile(path), **QUICK)
    dialer = Dialer(settings, servers, SystemClock(), Random(1), Faults(), lambda *message: None)
    with pytest.raises(Unauthorized):
        await dialer.first_of(servers.home())


def test_an_issuer_is_written_and_read_again(tmp_path: Path) -> None:
    issuer = Issuer(nkey.create(Kind.ACCOUNT).public, nkey.create(Kind.ACCOUNT))
    write_issuer(tmp_path / "issuer.json", issuer)
    found = read_issuer(tmp_path / "issuer.json")
    assert (found.account, found.public) == (issuer.account, issuer.public)


@pytest.mark.parametrize("text", ["", "{}", '{"account": "Axx", "seed": "s3cret"}', "\0"])
def test_a_file_that_is_no_issuer_is_named_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "issuer.json"
    with pytest.raises(Invalid, match=r"issuer\.json"):
        read_issuer(path)
    path.write_text(text)
    with pytest.raises(Invalid, match=r"issuer\.json") as caught:
        read_issuer(path)
    assert "s3cret" not in caught.value.message


def test_an_issuer_never_prints_its_secret() -> None:
    issuer = Issuer(nkey.create(Kind.ACCOUNT).public, nkey.create(Kind.ACCOUNT))
    assert issuer.pair.seed not in repr(issuer)
    assert "s3cret" not in repr(IssuerFile(account=issuer.account, seed="s3cret"))
