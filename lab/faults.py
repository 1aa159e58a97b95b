"""Everything that a laboratory can be made to suffer, for tests, drills and the `fault` command.

Processes are killed, paused and restarted; links are cut, delayed and healed (`links`); services become slow, small,
quick to fail, or silent. Programs are named as nodes (`messier-west-1`), and a region's name stands for all that runs
there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

from pydantic import ValidationError

from broker.credentials.private_files import write_private
from broker.injected_faults import ServiceFaults
from lab import rolling, up
from lab.laboratory import Laboratory
from lab.programs import NETWORK, Program, programs
from lab.readiness import wait_until
from lab.supervisor import STOPPED_SECONDS, Supervisor
from lab.wan import network
from lab.wan.controls import Links

OBEDIENT = ("messier", "whirlpool")
"""Those that serve actions. An andromeda's faults are those of whom it asks, of its links and of its process."""


class Unobeyed(ValueError):
    """Nothing here can suffer that; the message says why."""


class Faults:
    """A running laboratory, and what is done to it. Everything can be taken back: `heal`."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory
        self._supervisor = Supervisor(laboratory)
        self._programs = {program.name: program for program in programs(laboratory)}

    # --- links ----------------------------------------------------------------------------------------------------

    @property
    def links(self) -> Links:
        """Raises `Unobeyed` where regions are not apart."""
        plan = network.read_plan(self._laboratory.state)
        if plan is None or not self._laboratory.wan:
            raise Unobeyed("these regions have no links: they differ by their address only")
        return network.links_of(plan)

    # --- processes ------------------------------------------------------------------------------------------------

    def kill(self, *names: str) -> None:
        """Without warning, all at once. Supervision starts them again."""
        self._send(names, signal.SIGKILL)

    def kill_for_good(self, *names: str) -> None:
        """As a power failure: they stay down until `start`, and none gets to say that it ends."""
        chosen = [program.name for program in self._chosen(names)]
        self._send(names, signal.SIGSTOP)  # so that they do not hear supervision's SIGTERM
        self._supervisor.stop(chosen)
        self._send(names, signal.SIGKILL)
        wait_until(lambda: self._supervisor.still_stopping(chosen), deadline_seconds=STOPPED_SECONDS)

    def start(self, *names: str) -> None:
        """Those that do not run, without waiting for them."""
        self._supervisor.start(program.name for program in self._chosen(names))

    def restart(self, *names: str) -> None:
        """One after another, so that nobody notices."""
        rolling.restart(self._laboratory, self._supervisor, [program.name for program in self._chosen(names)])

    def pause(self, *names: str) -> None:
        """They hold their connections and answer nothing."""
        self._send(names, signal.SIGSTOP)

    def resume(self, *names: str) -> None:
        self._send(names, signal.SIGCONT)

    # --- services -------------------------------------------------------------------------------------------------

    def slow(self, *names: str, work_ms: float) -> None:
        """Every request takes so much longer. Together with `limit`, a node's capacity is limit / work."""
        self._tell(names, work_milliseconds=work_ms)

    def limit(self, *names: str, concurrency: int) -> None:
        """So many requests at once; the others wait for their turn in the node."""
        self._tell(names, concurrency=concurrency)

    def fail_fast(self, *names: str, code: str = "internal") -> None:
        """Every request is answered at once, with that error."""
        self._tell(names, fail=code)

    def black_hole(self, *names: str) -> None:
        """Every request is taken, and none answered in time; pings and heartbeats are."""
        self._tell(names, black_hole=True)

    def cure(self, *names: str) -> None:
        """Services do as they should again."""
        for program in self._obedient(names):
            self._laboratory.faults_of(program.name).unlink(missing_ok=True)

    # --- all of it ------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Links are whole (their delays stay), services cured, everybody runs; waits until all is well again."""
        if self._laboratory.wan:
            up.start_network(self._laboratory, self._supervisor)
            self.links.heal_all()
        self.resume(*(name for name in self._programs if name != NETWORK))
        if self._laboratory.obeys_faults:
            self.cure(*(program.name for program in self._programs.values() if program.server in OBEDIENT))
        up.run_again(self._laboratory)

    def told(self, name: str) -> ServiceFaults:
        """What that service does wrong now."""
        path = self._laboratory.faults_of(name)
        return ServiceFaults.model_validate_json(path.read_bytes()) if path.exists() else ServiceFaults()

    def _send(self, names: Iterable[str], number: signal.Signals) -> None:
        processes = self._supervisor.processes()
        for process_id in [processes[program.name].pid for program in self._chosen(names)]:
            if process_id:
                signal_to(process_id, number)

    def _chosen(self, names: Iterable[str]) -> list[Program]:
        return [program for name in names for program in self._named(name)]

    def _named(self, name: str) -> list[Program]:
        if name in self._programs:
            return [self._programs[name]]
        found = [program for program in self._programs.values() if program.region.name == name]
        if not found:
            raise Unobeyed(f"nothing here is called {name}; there are {', '.join(sorted(self._programs))}")
        return found

    def _obedient(self, names: Iterable[str]) -> list[Program]:
        """Of a region, those that serve; who is named must."""
        if not self._laboratory.obeys_faults:
            raise Unobeyed("these services obey no faults: only those of the WAN laboratory do")
        found = [program for program in self._chosen(names) if program.server in OBEDIENT]
        if not found:
            raise Unobeyed(f"none of {', '.join(names)} serves actions: {' and '.join(OBEDIENT)} nodes do")
        return found

    def _tell(self, names: Iterable[str], **changes: object) -> None:
        """What is not named stays as it was told before."""
        for program in self._obedient(list(names)):
            path = self._laboratory.faults_of(program.name)
            path.parent.mkdir(exist_ok=True)
            write_private(path, changed(self.told(program.name), changes).model_dump_json())


def changed(told: ServiceFaults, changes: dict[str, object]) -> ServiceFaults:
    """Raises `Unobeyed`."""
    try:
        return ServiceFaults.model_validate(told.model_dump() | changes)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        raise Unobeyed(f"{problem['loc'][0]}: {problem['msg']}") from error


def signal_to(process_id: int, number: signal.Signals) -> None:
    try:
        os.kill(process_id, number)
    except ProcessLookupError:
        return  # it has ended meanwhile, which is no worse
