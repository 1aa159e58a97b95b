"""How tools find the mesh that runs on this machine: what `make up` leaves for them in its state folder.

Addresses, the authority that vouches for the servers, and credentials, as the variables that would say the same.
Variables that are set win, and credentials of this machine's mesh are never shown to servers elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from broker.credentials.private_files import write_private

SYSTEM_STATE = Path("/var/lib/localgroup")
ENVIRONMENT_FILE = "mesh.env"
URLS = "LOCALGROUP_NATS_URLS"
TLS_CA = "LOCALGROUP_NATS_TLS_CA"
CREDENTIALS = "LOCALGROUP_NATS_CREDENTIALS"
ISSUER = "LOCALGROUP_NATS_ISSUER"


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """LOCALGROUP_STATE, else the system's folder for root, which the user mysql can reach, else the user's own."""
    if chosen := environ.get("LOCALGROUP_STATE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return SYSTEM_STATE
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "localgroup"


def tell(state: Path, variables: Mapping[str, str]) -> None:
    """Lines that a shell can read too: no value has a space or a quote in it."""
    write_private(state / ENVIRONMENT_FILE, "".join(f"{name}={value}\n" for name, value in variables.items()))


def told(state: Path) -> dict[str, str]:
    """Empty where nothing runs that this user may see."""
    try:
        lines = (state / ENVIRONMENT_FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name: value for name, found, value in (line.partition("=") for line in lines) if found}


def completed(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, with what the local mesh says about itself where this asks for no other."""
    local = told(state_folder(environ))
    if not local or environ.get(CREDENTIALS) or not _all_local(environ.get(URLS), local.get(URLS, "")):
        return {**environ}
    return {**local, **{name: value for name, value in environ.items() if value}}


def _all_local(wanted: str | None, local: str) -> bool:
    return not wanted or set(_split(wanted)) <= set(_split(local))


def _split(urls: str) -> list[str]:
    return [url.strip() for url in urls.split(",") if url.strip()]
