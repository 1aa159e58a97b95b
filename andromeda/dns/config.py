"""What a watcher may be told. Read once, at the start."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from broker.settings import HostAndPort, TierSettings


class NamesSettings(TierSettings):
    tier: ClassVar[str] = "names"

    dns_declaration: Path
    dns_folder: Path
    """The one that its region's name server reads."""
    dns_server: HostAndPort | None = None
    """Where that name server answers. None: nobody looks whether it does."""
