"""One test needs a real name server, which only root can install; continuous integration does not allow it to miss."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import name_servers

collect_ignore = [] if name_servers.installed() or os.environ.get("CI") == "true" else ["test_name_server.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in collect_ignore:
        terminalreporter.write_line(f"NOT RUN {Path(__file__).parent / name}: {name_servers.NONE_HERE}", yellow=True)
