"""`python -m broker.alive`: does the tier in this container answer at `/healthz`? Ends with 0 if it does, else with 1.

Engines that run an image by its own health check ask this; Kubernetes asks the same address itself.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping

from broker.environment import PREFIX
from broker.settings import Address, parse_address

VARIABLE = f"{PREFIX}METRICS_ADDRESS"
ANSWER_SECONDS = 1.0
"""It answers from memory, at the same machine."""


def complaint(environ: Mapping[str, str]) -> str | None:
    """Why it does not count as alive; None if it does."""
    try:
        address = parse_address(environ.get(VARIABLE, ""))
    except ValueError as error:
        return f"{VARIABLE} {error}"
    try:
        status = _status(address)
    except (OSError, http.client.HTTPException) as error:
        return f"{address}: {error}"
    return None if status == http.client.OK else f"{address} answers {status}"


def _status(address: Address) -> int:
    connection = http.client.HTTPConnection(*address, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


def main() -> None:
    if reason := complaint(os.environ):
        sys.exit(reason)


if __name__ == "__main__":
    main()
