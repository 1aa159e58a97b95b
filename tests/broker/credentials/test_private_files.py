from __future__ import annotations

import stat
from pathlib import Path

import pytest

from broker.credentials.private_files import write_private


@pytest.mark.parametrize("before", [None, "older"])
def test_only_the_owner_may_read_it(tmp_path: Path, before: str | None) -> None:
    path = tmp_path / "secret"
    if before is not None:
        path.write_text(before)
        path.chmod(0o644)
    write_private(path, "newer")
    assert path.read_text() == "newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_leaves_the_old_one_and_nothing_else_when_it_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "older")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]
