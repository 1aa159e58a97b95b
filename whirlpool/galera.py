"""What there is to know of members of a Galera cluster, MariaDB's and Percona XtraDB Cluster's: the one place that
knows where the two differ.

                      MariaDB Galera                       Percona XtraDB Cluster
    in a cluster      wsrep_on, for the whole server       wsrep_provider; wsrep_on is each session's own
    maintenance       read_only                            pxc_maint_mode, super_read_only
    longest statement max_statement_time, in seconds       max_execution_time, in milliseconds, SELECT alone
    left transactions idle_transaction_timeout             nothing: ended by the connection's end
    too large         1105 "Maximum writeset size ..."     1180 "Transaction size exceed set threshold"

Each server skips the comments that are code for the other, so a session is opened with the same words everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

QUEUE_LENGTH_MAX = 64
"""Write-sets that were received and are not applied. Members slow each other down from 16 times the root of their
number on (`gcs.fc_limit`), 28 of three; so this is a member that is let fall behind."""

ASKED = (
    "read_only",
    "super_read_only",
    "pxc_maint_mode",
    "wsrep_provider",
    "wsrep_ready",
    "wsrep_cluster_status",
    "wsrep_local_state_comment",
    "wsrep_local_recv_queue",
    "wsrep_reject_queries",
)
_NAMES = ", ".join(f"'{name}'" for name in ASKED)
# SHOW, because a member that is not ready refuses to SELECT even its own variables.
_SHOW = [text(f"SHOW GLOBAL {kind} WHERE Variable_name IN ({_NAMES})") for kind in ("VARIABLES", "STATUS")]

OFF = ("OFF", "0")
TOO_LARGE: Sequence[str] = (
    "writeset size exceeded",  # MariaDB: wsrep_max_ws_size
    "max_ws_rows exceeded",  # both: wsrep_max_ws_rows
    "transaction size exceed",  # Percona: wsrep_max_ws_size
    "message too long",  # both, of older servers: error 90 during COMMIT
)
"""Parts of what a server says of a transaction that it will not replicate, in lower case. The numbers, 1105 and 1180,
stand for other things as well."""


def session_settings(*, lock_seconds: int, statement_seconds: float, transaction_seconds: float) -> str:
    """TRADITIONAL: a value that does not fit is an error, never cut. A transaction whose owner fell silent gives its
    locks back. Old answers are allowed until somebody says otherwise (`freshness`): a connection can be opened then
    even where the cluster is lost."""
    return (
        f"SET SESSION sql_mode='TRADITIONAL', innodb_lock_wait_timeout={lock_seconds}, wsrep_dirty_reads=ON"
        f" /*M!100300 , max_statement_time={statement_seconds}, idle_transaction_timeout={int(transaction_seconds)} */"
        f" /*!80000 , max_execution_time={int(statement_seconds * 1000)} */"
    )


def freshness_settings(*, wait: bool, dirty: bool) -> str:
    """`wait`: every read first waits until this member has applied what the cluster had committed when it was asked.
    `dirty`: reads are answered even without a quorum."""
    return f"SET SESSION wsrep_sync_wait={int(wait)}, wsrep_dirty_reads={'ON' if dirty else 'OFF'}"


async def ask(connection: AsyncConnection) -> dict[str, str]:
    values: dict[str, str] = {}
    for statement in _SHOW:
        values.update((str(name).lower(), str(value)) for name, value in await connection.execute(statement))
    return values


def complaint(values: Mapping[str, str]) -> str | None:
    """Why a member that says this of itself must not serve. Without a cluster there is less to complain of."""
    if in_cluster(values) and (reason := _apart(values)) is not None:
        return reason
    if values.get("pxc_maint_mode", "DISABLED").upper() != "DISABLED":
        return f"the database is being maintained ({values['pxc_maint_mode'].upper()})"
    if any(values.get(name, "OFF").upper() not in OFF for name in ("read_only", "super_read_only")):
        return "the database is read-only"
    return None


def burden(values: Mapping[str, str]) -> str | None:
    """Why others had better be asked, as long as there are others."""
    length = int(values.get("wsrep_local_recv_queue", 0))
    if in_cluster(values) and length > QUEUE_LENGTH_MAX:
        return f"the database lags behind its cluster ({length} changes wait)"
    return None


def in_cluster(values: Mapping[str, str]) -> bool:
    """By its provider: Percona's members do not list `wsrep_on` among their global variables."""
    return values.get("wsrep_provider", "none").lower() not in ("", "none")


def _apart(values: Mapping[str, str]) -> str | None:
    if values.get("wsrep_cluster_status", "").lower() != "primary":
        return f"the database's part of the cluster has no quorum ({values.get('wsrep_cluster_status', 'unknown')})"
    if values.get("wsrep_local_state_comment", "").lower() != "synced":
        return f"the database is not in step with its cluster ({values.get('wsrep_local_state_comment', 'unknown')})"
    if values.get("wsrep_ready", "OFF").upper() != "ON":
        return "the database does not accept queries yet"
    if values.get("wsrep_reject_queries", "NONE").upper() != "NONE":
        return f"the database rejects queries ({values['wsrep_reject_queries'].upper()})"
    return None
