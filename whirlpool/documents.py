"""A document's version: who holds its row writes the document, and every change counts it up by one."""

from __future__ import annotations

import hashlib

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.courses import DocumentVersion, Saved
from schema.errors import NotFound
from schema.tables import documents
from whirlpool.driver_errors import CONTENDED, Contended

NEVER_REPLACED = hashlib.sha256(b"").hexdigest()
"""Digest of a document that came about by others' changes only."""

_READ = select(documents).where(documents.c.key == bindparam("of_key"))
_NOW: ColumnElement[int] = bindparam("now", type_=BigInteger)
_COUNT_UP = update(documents).values(
    version=documents.c.version + 1,
    # Later than before even within one second: clients fetch again only when this moves.
    changed_at=case((documents.c.changed_at >= _NOW, documents.c.changed_at + 1), else_=_NOW),
)


async def read_version(connection: AsyncConnection, key: str) -> DocumentVersion:
    row = (await connection.execute(_READ, {"of_key": key})).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no document {key}", {"key": key})
    return DocumentVersion(**row)


async def read_versions(connection: AsyncConnection) -> list[DocumentVersion]:
    rows = await connection.execute(select(documents).order_by(documents.c.key))
    return [DocumentVersion(**row) for row in rows.mappings()]


async def claim(connection: AsyncConnection, key: str, digest: str, now: int) -> Saved:
    """Count the document up and hold its row until the transaction ends, unless it has this digest already."""
    newer = _COUNT_UP.values(digest=digest).where(documents.c.key == key, documents.c.digest != digest)
    counted = await connection.execute(newer, {"now": now})
    if counted.rowcount == 0 and not await _exists(connection, key):
        await _create(connection, key, digest, now)
        return Saved(key=key, version=1, changed=True)
    return Saved(key=key, version=await _version(connection, key), changed=counted.rowcount > 0)


async def touch(connection: AsyncConnection, key: str, now: int) -> int:
    """Count up a document that others' rows are part of; its digest stays. Returns the new version."""
    counted = await connection.execute(_COUNT_UP.where(documents.c.key == key), {"now": now})
    if counted.rowcount == 0:
        await _create(connection, key, NEVER_REPLACED, now)
    return await _version(connection, key)


async def _exists(connection: AsyncConnection, key: str) -> bool:
    found = await connection.execute(select(documents.c.key).where(documents.c.key == key).with_for_update())
    return found.first() is not None


async def _version(connection: AsyncConnection, key: str) -> int:
    row = await connection.execute(select(documents.c.version).where(documents.c.key == key))
    return int(row.scalar_one())


async def _create(connection: AsyncConnection, key: str, digest: str, now: int) -> None:
    first = insert(documents).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
    created = await connection.execute(first.values(key=key, version=1, digest=digest, changed_at=now))
    if created.rowcount == 0:
        raise Contended(CONTENDED)
