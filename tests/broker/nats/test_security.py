"""Who may connect, and what those who did may do."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trustme

from broker.clock import SystemClock
from broker.nats import nkey
from broker.nats.client import NatsClient
from broker.nats.credentials import CredentialsFile, NKey, Token, UserAndPassword
from broker.nats.dial import Dialer
from broker.nats.faults import Fault, Faults
from broker.nats.nkey import Kind, NKeyPair
from broker.nats.servers import Servers
from broker.nats.settings import NatsSettings
from broker.transport import Delivery, Listener
from schema.errors import Invalid, Unauthorized, Unavailable
from tests.broker.hubs import HOST, QUICK, client, hub
from tests.waiting import eventually

ALICE = UserAndPassword("alice", "p w")
PASSWORDS = 'authorization { users: [ { user: alice, password: "p w" } ] }'


async def works(url: str, **settings: Any) -> bool:
    heard: list[Delivery] = []
    async with client(url, **settings) as both:
        await both.subscribe("hello", heard.append)
        await both.publish("hello", b"")
        await both.flush()
    return len(heard) == 1


async def dial(url: str, **settings: Any) -> None:
    servers, how = Servers([url], 1, Random(1)), NatsSettings((url,), **(QUICK | settings))
    await Dialer(how, servers, SystemClock(), Random(1), Faults(), lambda *message: None).first_of(servers.home())


# --- who ----------------------------------------------------------------------------------------------------


async def test_comes_in_with_a_password(tmp_path: Path) -> None:
    async with hub(tmp_path, PASSWORDS) as secured:
        assert await works(secured.url, credentials=ALICE)
        assert await works(secured.url.replace("//", "//alice:p%20w@"))


async def test_comes_in_with_a_token(tmp_path: Path) -> None:
    async with hub(tmp_path, "authorization { token: s3cret }") as secured:
        assert await works(secured.url, credentials=Token("s3cret"))


async def test_comes_in_with_an_nkey(tmp_path: Path) -> None:
    pair = nkey.create()
    async with hub(tmp_path, f"authorization {{ users: [ {{ nkey: {pair.public} }} ] }}") as secured:
        assert await works(secured.url, credentials=NKey(pair.seed))
        with pytest.raises(Unauthorized):
            await dial(secured.url, credentials=NKey(nkey.create().seed))


async def test_comes_in_with_a_jwt(tmp_path: Path) -> None:
    operator, account, user = nkey.create(Kind.OPERATOR), nkey.create(Kind.ACCOUNT), nkey.create()
    account_jwt = jwt(operator, account, "account", UNLIMITED)
    path = tmp_path / "user.creds"
    async with hub(
        tmp_path,
        f"operator: {jwt(operator, operator, 'operator', {})}",
        "resolver: MEMORY",
        f"resolver_preload: {{ {account.public}: {account_jwt} }}",
    ) as secured:
        path.write_text(credentials_file(jwt(account, user, "user", {"subs": -1, "data": -1, "payload": -1}), user))
        assert await works(secured.url, credentials=CredentialsFile(path))
        path.write_text(credentials_file(jwt(user, user, "user", {"subs": -1, "data": -1, "payload": -1}), user))
        with pytest.raises(Unauthorized):
            await dial(secured.url, credentials=CredentialsFile(path))


@pytest.mark.parametrize("credentials", [UserAndPassword("alice", "wrong"), Token("s3cret"), NKey("nonsense")])
async def test_says_at_once_that_it_is_not_let_in(tmp_path: Path, credentials: Any) -> None:
    async with hub(tmp_path, PASSWORDS) as secured:
        stranger = NatsClient(NatsSettings((secured.url,), credentials=credentials, **QUICK))
        with pytest.raises(Unauthorized):
            await stranger.connect("stranger", Listener())
        await stranger.close()


async def test_keeps_trying_when_a_server_comes_back_with_other_users(tmp_path: Path) -> None:
    async with hub(tmp_path, PASSWORDS) as secured, client(secured.url, credentials=ALICE) as both:
        right = secured.lines[-1]
        await secured.kill()
        secured.lines[-1] = right.replace("alice", "bob")
        await secured.start()
        await eventually(lambda: both.faults.counts[Fault.UNAUTHORIZED])
        await secured.kill()
        secured.lines[-1] = right
        await secured.start()
        await eventually(lambda: both.connected)


async def test_reads_renewed_credentials_when_it_reconnects(tmp_path: Path) -> None:
    path = tmp_path / "missing.creds"
    with pytest.raises(Invalid, match=r"missing\.creds"):
        CredentialsFile(path).answer("nonce")
    path.write_text("-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n")
    with pytest.raises(Invalid, match="does not hold"):
        CredentialsFile(path).answer("nonce")
    path.write_text(credentials_file("x", nkey.create()))
    assert CredentialsFile(path).answer("nonce")["jwt"] == "x"


@pytest.mark.parametrize(
    "credentials", [UserAndPassword("alice", "secret-part"), Token("secret-part"), NKey("secret-part")]
)
def test_never_prints_its_secrets(credentials: object) -> None:
    assert "secret-part" not in repr(credentials)
    assert "secret-part" not in repr(NatsSettings(("nats://hub",), credentials=credentials))  # type: ignore[arg-type]


# --- what ---------------------------------------------------------------------------------------------------


async def test_counts_what_it_may_not_do_and_goes_on(tmp_path: Path) -> None:
    allowed = '{ publish: "mine.>", subscribe: "mine.>" }'
    users = f'authorization {{ users: [ {{ user: alice, password: "p w", permissions: {allowed} }} ] }}'
    async with hub(tmp_path, users) as secured, client(secured.url, credentials=ALICE) as both:
        heard: list[Delivery] = []
        await both.publish("theirs.now", b"")
        await both.subscribe("theirs.>", heard.append)
        await both.subscribe("mine.>", heard.append)
        await both.publish("mine.now", b"")
        await both.flush()
        assert both.faults.counts == {Fault.FORBIDDEN: 2}
        assert [delivery.subject for delivery in heard] == ["mine.now"]


# --- TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_block(folder: Path, authority: trustme.CA, *more: str) -> str:
    certificate = authority.issue_cert(HOST)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    files = {"cert_file": "cert.pem", "key_file": "key.pem", "ca_file": "ca.pem"}
    return "\n".join(["tls {", *(f'{name}: "{folder / file}"' for name, file in files.items()), *more, "}"])


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_speaks_tls(tmp_path: Path, authority: trustme.CA) -> None:
    async with hub(tmp_path, tls_block(tmp_path, authority)) as secured:
        assert await works(secured.url, tls=trusting(authority))


async def test_speaks_tls_before_anything_else(tmp_path: Path, authority: trustme.CA) -> None:
    async with hub(tmp_path, tls_block(tmp_path, authority, "handshake_first: true")) as secured:
        assert await works(secured.url, tls=trusting(authority), tls_first=True)


async def test_shows_its_own_certificate(tmp_path: Path, authority: trustme.CA) -> None:
    context = trusting(authority)
    authority.issue_cert("node@example.org").configure_cert(context)
    async with hub(tmp_path, tls_block(tmp_path, authority, "verify: true")) as secured:
        assert await works(secured.url, tls=context)
        with pytest.raises(Unavailable):
            await dial(secured.url, tls=trusting(authority))


LARGE_SECONDS = 30.0
"""Twenty megabytes are more than the write buffer takes; what is encrypted on a busy machine leaves slowly."""


async def test_carries_large_payloads_by_tls(tmp_path: Path, authority: trustme.CA) -> None:
    heard: list[Delivery] = []
    async with (
        hub(tmp_path, tls_block(tmp_path, authority)) as secured,
        client(secured.url, tls=trusting(authority), congestion_seconds=LARGE_SECONDS) as both,
    ):
        await both.subscribe("large", heard.append)
        for _ in range(20):
            await both.publish("large", bytes(1_000_000))
        await eventually(lambda: len(heard) == 20, deadline_seconds=LARGE_SECONDS)


async def test_comes_back_by_tls(tmp_path: Path, authority: trustme.CA) -> None:
    async with (
        hub(tmp_path, tls_block(tmp_path, authority)) as secured,
        client(secured.url, tls=trusting(authority)) as both,
    ):
        await secured.kill()
        await eventually(lambda: not both.connected)
        await secured.start()
        await eventually(lambda: both.connected)
        await both.flush()


async def test_trusts_no_server_of_another_authority(tmp_path: Path, authority: trustme.CA) -> None:
    async with hub(tmp_path, tls_block(tmp_path, authority)) as secured:
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await dial(secured.url, tls=trusting(trustme.CA()))
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await dial(secured.url)


async def test_says_nothing_in_the_clear_when_told_to_use_tls(tmp_path: Path, authority: trustme.CA) -> None:
    async with hub(tmp_path) as plain:
        with pytest.raises(Unavailable, match="does not offer TLS"):
            await dial(plain.url, tls=trusting(authority))
        with pytest.raises(Unavailable, match="does not offer TLS"):
            await dial(plain.url.replace("nats:", "tls:"))


# --- what an operator's tools would make ---------------------------------------------------------------------

UNLIMITED = {"limits": {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1}}


def jwt(issuer: NKeyPair, subject: NKeyPair, kind: str, claims: Mapping[str, Any]) -> str:
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    body = {
        "jti": subject.public,
        "iat": int(time.time()),
        "iss": issuer.public,
        "sub": subject.public,
        "name": kind,
        "nats": {"type": kind, "version": 2, **claims},
    }
    signed = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, body)
    )
    return f"{signed}.{issuer.signature(signed)}"


def credentials_file(token: str, user: NKeyPair) -> str:
    sections = {"NATS USER JWT": token, "USER NKEY SEED": user.seed}
    return "\n".join(f"-----BEGIN {name}-----\n{text}\n------END {name}------\n" for name, text in sections.items())
