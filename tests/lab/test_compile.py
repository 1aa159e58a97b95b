"""The path of a call is compiled where that can be done; where not, somebody is told, and nothing fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker import compiled
from lab import compile as compiling

MODULE = "broker.observe.quantile"
"""Small, and it imports nothing of ours."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    monkeypatch.setattr(compiled, "MODULES", (MODULE,))
    return tmp_path


def test_says_that_there_is_no_compiler(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    compiling.main()
    assert "plain Python" in capsys.readouterr().out
    assert list(folder.iterdir()) == []


def test_says_that_it_did_not_compile(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "missing", lambda: None)
    monkeypatch.setattr(compiling, "SETUP", folder / "nothing.py")
    compiling.main()
    assert "plain Python" in capsys.readouterr().out
    assert sorted(each.name for each in folder.iterdir()) == ["compile.log", "looked"]


def test_compiles_or_says_why_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = folder / "older"
    older.mkdir()
    compiling.main()
    if reason := compiling.missing():
        assert reason in capsys.readouterr().out
        return
    files = compiled.compiled_files(folder / compiled.digest())
    assert MODULE in files
    assert not older.exists()
