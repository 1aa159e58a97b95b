"""Tests of the cluster need the servers; where only embedded storage can run, they are no tests of this machine."""

from __future__ import annotations

import os

from lab import galera
from lab.packages import is_root, why_embedded

collect_ignore = ["test_cluster.py"] if why_embedded(os.environ, galera.installed, root=is_root()) else []
