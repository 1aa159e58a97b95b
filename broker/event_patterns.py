"""Moleculer's patterns for event names: `*` is one part, `**` any number of them, `?` one character."""

from __future__ import annotations

import re
from functools import lru_cache

CACHED_PATTERNS = 1_024


def matches(pattern: str, name: str) -> bool:
    return pattern == name or _compiled(pattern).fullmatch(name) is not None


@lru_cache(CACHED_PATTERNS)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (_PARTS.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*|\?)", pattern))
    return re.compile("".join(parts))


_PARTS = {"**": ".*", "*": "[^.]*", "?": "."}
