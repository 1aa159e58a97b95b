"""unbound itself reads what we write for it. Run where it is installed, as `make up` installs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.regions import regions_of
from lab.resolver import configuration


def test_unbound_takes_its_configuration(tmp_path: Path) -> None:
    path = tmp_path / "unbound.conf"
    path.write_text(configuration("127.0.0.11", regions_of()))
    checked = subprocess.run(["unbound-checkconf", str(path)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
