"""One test needs a real name server, which only root can install, at a port that desktops may use; continuous
integration does not allow it to miss."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import name_servers

WHY_NO_NAMES = name_servers.why_none()
collect_ignore = [] if WHY_NO_NAMES is None or os.environ.get("CI") == "true" else ["test_name_server.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in collect_ignore:
        terminalreporter.write_line(f"NOT RUN {Path(__file__).parent / name}: {WHY_NO_NAMES}", yellow=True)
