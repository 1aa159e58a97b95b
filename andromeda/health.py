"""Whether something is well, from what probes of it found: quick to leave, slow to come back.

ready     leaves after `failures_to_leave` failures in a row
away      returns after `successes_to_return` successes in a row
unknown   until the first probe, which decides at once: the first answer is right already
"""

from __future__ import annotations


class Health:
    """Of one address, say."""

    def __init__(self, *, failures_to_leave: int, successes_to_return: int) -> None:
        self._failures_to_leave = failures_to_leave
        self._successes_to_return = successes_to_return
        self._ready: bool | None = None
        self._against = 0
        """Probes in a row that say otherwise."""

    @property
    def known(self) -> bool:
        return self._ready is not None

    @property
    def ready(self) -> bool:
        return self._ready is True

    @property
    def doubtful(self) -> bool:
        """It counts as ready, and the last probe failed: better look again soon."""
        return self.ready and self._against > 0

    def observe(self, well: bool) -> bool:
        """Of a probe; whether `ready` changed by it."""
        if self._ready is None:
            self._ready = well
            return True
        self._against = self._against + 1 if well != self._ready else 0
        wanted = self._successes_to_return if well else self._failures_to_leave
        if self._against < wanted:
            return False
        self._ready, self._against = well, 0
        return True
