"""What a node or client of somebody else needs to join a secured mesh: credentials, whom to trust, and how to say so.

A guest is called `guest.<name>`: as a Moleculer node it may ask the tier that takes questions from strangers, and it
is asked by tools and other guests; as a plain NATS client it calls, and serves, the services named in its credentials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field

from broker.credentials.issuing import Issuer
from broker.credentials.private_files import write_private

ROLE = "guest"
NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
SERVICE_PATTERN = r"^[a-z0-9_-]{1,64}(\.[a-z0-9_-]{1,64})*$"
"""In lower case, as servers compare them."""
SERVICES_MAX = 32
"""So many fit into what a client may say when it connects."""
DAY_SECONDS = 86_400

Services = Annotated[tuple[Annotated[str, Field(pattern=SERVICE_PATTERN)], ...], Field(max_length=SERVICES_MAX)]

MOLECULER = """\
// What Moleculer's broker needs to join: `moleculer-runner --config moleculer.config.js`, or require() it.
"use strict";
const {{ readFileSync }} = require("node:fs");
const {{ join }} = require("node:path");
const {{ credsAuthenticator }} = require("nats");

module.exports = {{
	nodeID: {node},
	transporter: {{
		type: "NATS",
		options: {{
			servers: {servers},
			authenticator: credsAuthenticator(readFileSync(join(__dirname, {credentials}))),
			tls: {{ caFile: join(__dirname, "ca.pem") }},
		}},
	}},
}};
"""


class Guest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    services: Services = ()
    """That it may call."""
    serves: Services = ()
    """That it may answer for."""

    @property
    def node(self) -> str:
        """Further nodes of it are called this, a dot and anything."""
        return f"{ROLE}.{self.name}"

    @property
    def inbox(self) -> str:
        return f"_INBOX.{self.node}"

    @property
    def credentials_name(self) -> str:
        return f"{self.name}.creds"

    @property
    def tags(self) -> list[str]:
        return [*(f"service:{name}" for name in self.services), *(f"serves:{name}" for name in self.serves)]


def write(
    folder: Path, guest: Guest, issuer: Issuer, *, authority: Path, urls: Sequence[str], now_seconds: int, days: int
) -> None:
    """All of it in this folder, which may be copied to wherever the guest runs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    credentials = issuer.credentials(
        guest.node, tags=guest.tags, now_seconds=now_seconds, expires_at_seconds=now_seconds + days * DAY_SECONDS
    )
    write_private(folder / guest.credentials_name, credentials)
    (folder / "ca.pem").write_bytes(authority.read_bytes())
    (folder / "moleculer.config.js").write_text(_moleculer(guest, urls), encoding="utf-8")
    (folder / "localgroup.env").write_text(_lines(_environment(folder, guest, urls)), encoding="utf-8")


def command_line(folder: Path, guest: Guest, urls: Sequence[str]) -> str:
    """For people with NATS' own tool."""
    given = f"--creds {folder / guest.credentials_name} --tlsca {folder / 'ca.pem'} --inbox-prefix {guest.inbox}"
    return (
        f"nats --server {','.join(urls)} {given} req {guest.services[0] if guest.services else 'service'}.action '{{}}'"
    )


def _moleculer(guest: Guest, urls: Sequence[str]) -> str:
    servers, node, name = (orjson.dumps(value).decode() for value in (urls, guest.node, guest.credentials_name))
    return MOLECULER.format(node=node, servers=servers, credentials=name)


def _environment(folder: Path, guest: Guest, urls: Sequence[str]) -> Mapping[str, str]:
    return {
        "LOCALGROUP_NODE": guest.node,
        "LOCALGROUP_NATS_URLS": ",".join(urls),
        "LOCALGROUP_NATS_TLS_CA": str(folder / "ca.pem"),
        "LOCALGROUP_NATS_CREDENTIALS": str(folder / guest.credentials_name),
    }


def _lines(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in variables.items())
