"""The commands, as a person or a script types them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from messier.cli import app
from messier.sample import sample_catalogue

runner = CliRunner()


def test_sample_writes_a_catalogue(tmp_path: Path) -> None:
    result = runner.invoke(app, ["sample", str(tmp_path / "sample"), "--seed", "7"])
    assert result.exit_code == 0
    assert len(list((tmp_path / "sample").rglob("*.json"))) == len(sample_catalogue())


def test_sample_says_why_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = runner.invoke(app, ["sample", str(tmp_path / "file")])
    assert result.exit_code == 1
    assert result.stderr.startswith("messier: ")


@pytest.mark.parametrize("command", [["serve"], ["load", "somewhere"]])
def test_missing_setting_is_named(command: list[str]) -> None:
    result = runner.invoke(app, command, env={"LOCALGROUP_REGION": None})
    assert result.exit_code == 1
    assert "LOCALGROUP_REGION" in result.stderr


def test_load_of_a_path_that_does_not_exist_says_so(tmp_path: Path) -> None:
    result = runner.invoke(app, ["load", str(tmp_path / "nowhere.tar.xz")], env={"LOCALGROUP_REGION": "west"})
    assert result.exit_code == 1
    assert "nowhere.tar.xz" in result.stderr
