"""Entity tags: how a body is named, and whether a client has it already (RFC 9110, 8.8.3 and 13.1.2).

Our tags are strong: equal tags mean equal bytes, so each content coding of a body has a tag of its own.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from andromeda.encoding import Coding

DIGEST_BYTES = 12
"""96 bits: two different bodies of one key never meet by chance."""

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
TAG = re.compile(ENTITY_TAG)
TAG_LIST = re.compile(rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t]*(?:{ENTITY_TAG})?)*[ \t]*")
ANY = "*"


def digest(body: bytes) -> str:
    return blake2b(body, digest_size=DIGEST_BYTES).hexdigest()


def entity_tag(digest_of_body: str, coding: Coding) -> str:
    return f'"{digest_of_body}"' if coding == "identity" else f'"{digest_of_body}-{coding}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Weak comparison, as the header asks for. A malformed header matches nothing: the client gets the body."""
    if if_none_match == tag:
        return True
    if if_none_match.strip(" \t") == ANY:
        return True
    if not TAG_LIST.fullmatch(if_none_match):
        return False
    return any(candidate.removeprefix("W/") == tag for candidate in TAG.findall(if_none_match))
