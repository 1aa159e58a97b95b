"""Processes beside the regions' own, one a region, which supervision does not know: started, killed and started again
as it would, and made to suffer what their region suffers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from lab.laboratory import MARK
from lab.programs import STOP_SECONDS
from lab.readiness import why_unready
from lab.regions import Region
from lab.supervisor import end_with_parent
from lab.trial import Trial


class Beside:
    """`module` is run in the region with what it is `told` by its environment; `metrics` is where it says how it is."""

    def __init__(self, trial: Trial, region: Region, module: str, told: Mapping[str, str], metrics: str) -> None:
        self.region = region
        self._trial = trial
        self._module = module
        self._told = told
        self._metrics = metrics
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Unless it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        laboratory = self._trial.laboratory
        with (laboratory.logs / f"{self._module.rpartition('.')[2]}-{self.region.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._trial.enter(self.region, sys.executable, "-m", self._module),
                env=os.environ | self._told | {MARK: str(laboratory.state)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
            )

    def why_not_serving(self) -> str | None:
        return why_unready(f"http://{self._metrics}/readyz")

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT, say."""
        if self._process is not None:
            self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM lets it finish what it began, for as long as supervision would."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running(found: Iterable[Beside]) -> Iterator[dict[str, Beside]]:
    """By region."""
    by_region = {each.region.name: each for each in found}
    try:
        for each in by_region.values():
            each.start()
        yield by_region
    finally:
        for each in by_region.values():
            each.send(signal.SIGCONT)
            each.end()
