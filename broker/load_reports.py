"""What replies tell their callers of this node's load: now and then is enough, and costs each reply nearly nothing."""

from __future__ import annotations

from typing import Final

from broker.context import Context
from broker.policies.bulkhead import Admission
from broker.transport import NO_NATS_HEADERS, Headers
from broker.wire.load import LOAD_HEADER, Load

REPORT_SECONDS: Final = 0.001
"""To one caller at most so often: at a thousand replies a second each tells it, beyond that some of them do."""
CALLERS_MAX: Final = 4_096


class LoadReports:
    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._reported_at_seconds: dict[str, float] = {}

    def headers(self, caller: str, context: Context, now_seconds: float) -> Headers:
        """For the reply to a request of this caller whose work is done now."""
        if now_seconds - self._reported_at_seconds.get(caller, 0.0) < REPORT_SECONDS:
            return NO_NATS_HEADERS
        if len(self._reported_at_seconds) >= CALLERS_MAX:
            self._reported_at_seconds.clear()
        self._reported_at_seconds[caller] = now_seconds
        began_at_seconds = context.began_at_seconds
        load = Load(
            self._admission.running,
            self._admission.waiting,
            max(0.0, now_seconds - began_at_seconds),
            max(0.0, began_at_seconds - context.received_at_seconds),
        )
        return {LOAD_HEADER: load.encode()}
