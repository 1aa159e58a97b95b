"""Tests of the cluster need the servers; where only embedded storage can run, they are no tests of this machine."""

from __future__ import annotations

from lab.packages import why_embedded_now

collect_ignore = ["test_cluster.py"] if why_embedded_now() else []
