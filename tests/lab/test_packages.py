import os
from pathlib import Path

import pytest

from lab.command import CommandFailed, run
from lab.packages import services_stay_down, why_embedded


def test_services_may_not_start_while_packages_are_installed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"

    with services_stay_down(policy):
        assert os.access(policy, os.X_OK)
        assert "exit 101" in policy.read_text()

    assert not policy.exists()


def test_a_policy_that_is_there_already_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")

    with services_stay_down(policy):
        assert "exit 0" in policy.read_text()

    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_the_policy_goes_when_the_installation_fails(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"

    with pytest.raises(CommandFailed), services_stay_down(policy):
        run(["false"], log=tmp_path / "log", timeout_seconds=10)

    assert not policy.exists()


def test_embedded_storage_can_be_asked_for() -> None:
    asked = why_embedded({"LOCALGROUP_EMBEDDED": "1"}, lambda: True, root=True)

    assert asked == "LOCALGROUP_EMBEDDED asks for it"


def test_without_root_storage_is_embedded() -> None:
    assert "root" in (why_embedded({}, lambda: True, root=False) or "")


@pytest.mark.parametrize(("servers", "embedded"), [(True, False), (False, True)])
def test_root_gets_servers_where_they_can_be_installed(servers: bool, embedded: bool) -> None:
    why = why_embedded({"LOCALGROUP_EMBEDDED": "0"}, lambda: servers, root=True)

    assert (why is not None) is embedded


def test_a_command_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no such luck"):
        run(["sh", "-c", "echo no such luck; exit 3"], log=tmp_path / "log", timeout_seconds=10)
