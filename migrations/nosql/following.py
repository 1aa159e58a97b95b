"""All tables of a plan, followed side by side, and how far behind they are together."""

from __future__ import annotations

from threading import Thread

from migrations.nosql import progress as records
from migrations.nosql.follow import TableFollow
from migrations.nosql.plan import TablePlan
from migrations.nosql.progress import Progress
from migrations.nosql.run import Job, plan_digest
from migrations.nosql.sources.live import Live


class Following:
    def __init__(self, job: Job, source: Live) -> None:
        records.metadata.create_all(job.engine)
        job.tables.metadata.create_all(job.engine)
        keys = {table.name: table.key for table in source.tables()}
        self._tables = [
            TableFollow(job.engine, source, plan, keys[plan.source], job.tables.of[plan.name], _state(job, plan))
            for plan in job.plan.tables
        ]

    def run(self) -> None:
        """Until `stop`; a table that cannot be followed any more tells why in `failure`."""
        threads = [Thread(target=table.run, name=f"follow-{table.name}") for table in self._tables]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        for table in self._tables:
            table.stop()

    def is_within(self, seconds: float) -> bool:
        """Every copy is through, every feed runs, and no change waits for longer."""
        return all(table.caught_up and table.lag_seconds() <= seconds for table in self._tables)

    def failure(self) -> Exception | None:
        return next((table.failure for table in self._tables if table.failure is not None), None)

    def lag_seconds(self) -> float:
        return max(table.lag_seconds() for table in self._tables)

    def applied(self) -> int:
        return sum(table.applied for table in self._tables)

    def scans(self) -> int:
        """How often the table that was scanned least has been scanned."""
        return min(table.scans for table in self._tables)


def _state(job: Job, plan: TablePlan) -> Progress:
    """What quarantined documents are filed under."""
    return Progress(records.identity(job.fingerprint, plan.source), job.source.name, plan.source, plan_digest(plan))
