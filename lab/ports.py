"""Which addresses and ports a laboratory listens on, and whether somebody else is there already."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterable

from lab.laboratory import Laboratory
from lab.readiness import PAUSE_SECONDS
from lab.regions import DATABASE_PORTS, DNS, SERVING_PORTS

PATIENCE_SECONDS = 3.0
"""A server that was just killed takes a moment to let go of its ports."""

Endpoint = tuple[str, int]


class PortTaken(Exception):
    """Somebody else listens where we want to."""


class AddressMissing(Exception):
    """This machine does not answer to a region's address."""


def endpoints(laboratory: Laboratory) -> list[Endpoint]:
    """None where each region has a network of its own: nobody else listens there."""
    if laboratory.wan:
        return []
    ports = SERVING_PORTS if laboratory.embedded else (*SERVING_PORTS, *DATABASE_PORTS)
    ports = (*ports, DNS) if laboratory.dns else ports
    return [(region.address, port) for region in laboratory.regions for port in ports]


def taken(endpoint: Endpoint) -> bool:
    """By trying to listen there; connections that are still closing do not count."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(endpoint)
            attempt.listen()
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise AddressMissing(
                    f"this machine has no address {endpoint[0]}; on Linux all of 127.* is there"
                ) from error
            if error.errno == errno.EADDRINUSE:
                return True
            raise
    return False


def still_taken(laboratory: Laboratory) -> list[Endpoint]:
    return [endpoint for endpoint in endpoints(laboratory) if taken(endpoint)]


def listed(found: Iterable[Endpoint]) -> str:
    return ", ".join(f"{address}:{port}" for address, port in found)


def require_free(laboratory: Laboratory, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience_seconds
    while (found := still_taken(laboratory)) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    if found:
        raise PortTaken(
            f"already in use by another program: {listed(found)}. Stop it (`ss -ltnp` shows its name), then try again."
        )
