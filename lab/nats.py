"""One nats-server a region, joined to the others by gateways: the hub of the region's mesh."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import certificates, credentials
from lab.certificates import Certificate
from lab.laboratory import Laboratory, executable
from lab.regions import NATS, NATS_GATEWAY, NATS_MONITOR, Region

PAYLOAD_BYTES = 8 * 1024 * 1024
"""The largest document is about 2 MB of JSON; a replaced one travels as rows, which are longer."""
CONNECTIONS = 1024
PENDING_BYTES = 64 * 1024 * 1024
"""What may wait for one slow reader before the server drops it."""


TLS_SECONDS = 5
"""For a handshake, on a machine where all regions start at once."""


def configuration(
    region: Region, regions: Sequence[Region], tls: Mapping[str, object], who: Mapping[str, object]
) -> str:
    """The gateways' list is the same in every region, as the super-cluster wants it. `who` says who may join."""
    gateways = [{"name": other.name, "url": f"nats://{other.address}:{NATS_GATEWAY}"} for other in regions]
    settings = {
        "server_name": region.node("nats"),
        "host": region.address,
        "port": NATS,
        "http": f"{region.address}:{NATS_MONITOR}",
        "max_payload": PAYLOAD_BYTES,
        "max_pending": PENDING_BYTES,
        "max_connections": CONNECTIONS,
        "write_deadline": "10s",
        "ping_interval": "10s",
        "lame_duck_grace_period": "5s",
        "lame_duck_duration": "30s",
        "gateway": {
            "name": region.name,
            "host": region.address,
            "port": NATS_GATEWAY,
            "reject_unknown_cluster": True,
            "gateways": gateways,
            "tls": {**tls, "verify": True},
        },
        "tls": tls,
        **who,
    }
    return json.dumps(settings, indent=2) + "\n"


def tls_settings(certificate: Certificate, authority: Path) -> dict[str, object]:
    """Clients are told by their credentials; other hubs, who must show a certificate, by the authority."""
    return {
        "cert_file": str(certificate.chain),
        "key_file": str(certificate.key),
        "ca_file": str(authority),
        "timeout": TLS_SECONDS,
    }


def write_configuration(laboratory: Laboratory) -> None:
    who, authority = credentials.hub_settings(laboratory), certificates.authority(laboratory)
    for region in laboratory.regions:
        path = laboratory.nats_configuration(region)
        path.parent.mkdir(parents=True, exist_ok=True)
        tls = tls_settings(certificates.certificate(laboratory, region), authority)
        path.write_text(configuration(region, laboratory.regions, tls, who))


def command(laboratory: Laboratory, region: Region) -> list[str]:
    return [executable("nats-server"), "--config", str(laboratory.nats_configuration(region))]
