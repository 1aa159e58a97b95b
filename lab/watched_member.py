"""A laboratory's Galera member, as its watch sees it and stops and starts it.

What only a cluster in trouble needs is imported then: a watch of one that serves takes half the memory.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pymysql

from lab import galera
from lab.laboratory import Laboratory
from lab.member import leave_to_begin
from lab.recovery import Position, position, write_state
from lab.regions import Region

if TYPE_CHECKING:
    from lab.supervisor import Supervisor

ASKED = "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_status'"
STOPPED_SECONDS = 30


class WatchedMember:
    def __init__(self, laboratory: Laboratory, region: Region) -> None:
        self._laboratory = laboratory
        self._folder = laboratory.member(region)
        self._name = region.node("galera")
        self._mark = self._folder / "stopped-by-watch"

    def status(self) -> str | None:
        try:
            ((_, status),) = galera.ask(self._folder, ASKED, answer_seconds=galera.SOCKET_SECONDS)
        except galera.MemberSilent:
            return galera.SILENT
        except pymysql.MySQLError:
            return None
        return str(status)

    def runs(self) -> bool:
        return self._supervisor.processes()[self._name].active

    def was_stopped(self) -> bool:
        return self._mark.exists()

    def stop(self) -> Position:
        """As a power failure would: a member that waits for its cluster listens to nothing milder."""
        from lab.readiness import wait_until

        self._mark.touch()
        self._supervisor.stop([self._name])
        self._supervisor.kill(self._name)
        wait_until(lambda: self._supervisor.still_stopping([self._name]), deadline_seconds=STOPPED_SECONDS)
        galera.view_path(self._folder).unlink(missing_ok=True)
        found = position(self._folder)
        if found.known and found.sure:
            write_state(self._folder, found)  # so that it need not be found out again
        return found

    def start(self, *, begin: bool) -> None:
        leave = leave_to_begin(self._folder)
        # Leave is for one that does not run: another would keep it for a start of another day.
        leave.touch() if begin and not self.runs() else leave.unlink(missing_ok=True)
        try:
            self._supervisor.start([self._name])
        except BaseException:
            leave.unlink(missing_ok=True)  # it is given for this start, not for one of another day
            raise
        self._mark.unlink(missing_ok=True)

    def restart(self) -> None:
        self._supervisor.kill(self._name)

    @cached_property
    def _supervisor(self) -> Supervisor:
        from lab.supervisor import Supervisor

        return Supervisor(self._laboratory)
