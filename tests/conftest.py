"""For all suites: which of them may run side by side, and databases for those that run against each kind of store, new
ones, empty, as many as a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.mariadb import STORES, Member, galera_member


class Folders(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests of one folder share servers and addresses, so that one process runs them."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("/")[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Folders:
    return Folders(config, log)


@pytest.fixture(scope="session")
def member() -> Iterator[Member]:
    """One server for all tests that need a real one."""
    with galera_member() as running:
        yield running


@pytest.fixture(scope="session", params=STORES)
def fresh_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes an empty database, and returns its URL."""
    if request.param == "galera":
        member: Member = request.getfixturevalue("member")
        return member.fresh_database
    folder, numbers = tmp_path_factory.mktemp("sqlite"), count(1)
    return lambda: f"sqlite:///{folder}/trial_{next(numbers)}.db"
