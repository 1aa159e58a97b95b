"""Long texts, each distinct one stored once and named by its own digest.

A text is never changed and never deleted: the same descriptions return term after term, one that no course refers to
any more costs its own bytes, and deleting it could race with another region that begins to refer to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.tables import TEXT_ID_BYTES, texts
from whirlpool.batches import batches

FOLDED_LENGTH = 16_000
"""Folding may lengthen a text; what is beyond its column is not found."""

_INSERT_MISSING = insert(texts).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")


def text_id(body: str) -> bytes:
    return hashlib.sha256(body.encode()).digest()[:TEXT_ID_BYTES]


def folded(body: str) -> str:
    """As a search compares it: in lower case."""
    return body.lower()


async def keep_texts(connection: AsyncConnection, bodies: Iterable[str]) -> None:
    """In the order of their ids, so that two writers of the same texts do not wait for each other crosswise."""
    wanted = {text_id(body): body for body in bodies}
    for ids in batches(sorted(wanted)):
        there = set(await connection.scalars(select(texts.c.id).where(texts.c.id.in_(ids))))
        missing = [_row(each, wanted[each]) for each in ids if each not in there]
        if missing:
            await connection.execute(_INSERT_MISSING, missing)


def _row(id_: bytes, body: str) -> dict[str, object]:
    return {"id": id_, "body": body, "folded": folded(body)[:FOLDED_LENGTH]}
