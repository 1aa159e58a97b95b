from __future__ import annotations

import subprocess
import sys


def test_serve_names_each_variable_that_is_missing() -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "whirlpool", "serve"], capture_output=True, text=True, env={}, timeout=60
    )
    assert refused.returncode == 2
    assert "LOCALGROUP_REGION" in refused.stderr
    assert "LOCALGROUP_DATABASE_URL" in refused.stderr
    assert "Traceback" not in refused.stderr
