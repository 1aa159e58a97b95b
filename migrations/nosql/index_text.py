"""What an index of RethinkDB is over, read from its query text: the function itself is compiled."""

from __future__ import annotations

import re

from migrations.nosql.paths import Path

_STEP = r"""(?:\.getField)?\(\s*(?:"([^"]+)"|'([^']+)')\s*\)"""
_CHAIN = re.compile(rf"(?:r\.row|\b_?var\d+)((?:{_STEP})+)")
_NAME = re.compile(_STEP)


def fields(query: str) -> list[Path]:
    """The fields, in order. None where the function does more than name fields."""
    _, _, body = query.partition(",")
    chains = [tuple(a or b for a, b in _NAME.findall(chain.group(1))) for chain in _CHAIN.finditer(body)]
    left = re.sub(r"\bfunction\s*\(\s*_?var\d+\s*\)|r\.expr|return|multi:|geo:|true|false", "", _CHAIN.sub("", body))
    return chains if not re.search(r"\w", left) else []
