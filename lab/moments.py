"""Names of what is made at a time: they sort as time goes, and are the same in every region."""

from __future__ import annotations

import time

NAME_FORMAT = "%Y-%m-%dT%H%M%SZ"


def name_of(epoch_seconds: float) -> str:
    return time.strftime(NAME_FORMAT, time.gmtime(epoch_seconds))
