"""Whether names lead to a region, by what the watchers wrote for the name servers beside them."""

from __future__ import annotations

import re

from andromeda.dns import declaration
from andromeda.dns.watcher import HEALTH
from lab.laboratory import Laboratory
from lab.regions import Region


def why_still_named(laboratory: Laboratory, region: Region) -> str | None:
    found = [other.name for other in laboratory.regions if names(laboratory, other, region)]
    return f"name servers of {', '.join(found)} name {region.name}" if found else None


def why_not_named(laboratory: Laboratory, region: Region) -> str | None:
    found = [other.name for other in laboratory.regions if not names(laboratory, other, region)]
    return f"name servers of {', '.join(found)} do not name {region.name}" if found else None


def names(laboratory: Laboratory, at: Region, region: Region) -> bool:
    """Whether the name server of `at` may answer with that region."""
    path = laboratory.dns_folder(at) / HEALTH
    return path.exists() and re.search(rf"(?<![\d.]){re.escape(region.address)}(?![\d.])", path.read_text()) is not None


def ttl_seconds(laboratory: Laboratory) -> int:
    """For how long a resolver may go on leading users to a region that is not named any more."""
    return declaration.read(laboratory.dns_declaration).ttl_seconds
