"""Files that hold a secret: for their owner's eyes only from the first byte on, and never half written."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex

OWNER_ONLY = 0o600


def write_private(path: Path, text: str) -> None:
    """Also in place of an older one, whose readers see either the old or the new."""
    beside = path.with_name(f".{path.name}.{token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
