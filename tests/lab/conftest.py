"""Tests of the cluster need the servers; where only embedded storage can run, they are no tests of this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lab import resolver
from lab.packages import why_embedded_now

collect_ignore = ["test_cluster.py", "test_backup_of_members.py", "test_galera_pod.py"] if why_embedded_now() else []
if shutil.which(resolver.SERVER) is None:
    collect_ignore.append("test_resolver.py")
if os.environ.get("CI") == "true":
    collect_ignore.clear()  # what cannot be run there fails


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"NOT RUN {Path(__file__).parent}: {', '.join(collect_ignore)}", yellow=True)
