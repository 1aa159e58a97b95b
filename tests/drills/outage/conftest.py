"""Outages are drilled in network namespaces and by name: where there can be none, they are no test of this machine.

Continuous integration does not allow that: there it is collected, and fails.
"""

from __future__ import annotations

import os

import pytest

from tests.drills.outage.__main__ import why_not

OBJECTION = why_not()
collect_ignore = ["test_outage.py"] if OBJECTION and os.environ.get("CI") != "true" else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"NOT RUN {__file__}: {OBJECTION}", yellow=True)
