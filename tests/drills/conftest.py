"""A drill needs real databases; where only embedded storage can run, it is no test of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lab.packages import why_embedded_now

OBJECTION = why_embedded_now()
collect_ignore = ["test_drill.py"] if OBJECTION and os.environ.get("CI") != "true" else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"NOT RUN {Path(__file__).parent / 'test_drill.py'}: {OBJECTION}", yellow=True)


settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
