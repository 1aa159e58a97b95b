import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.laboratory import Laboratory
from lab.ports import AddressMissing, PortTaken, require_free, taken
from lab.regions import regions_of

LABORATORY = Laboratory(Path("/nowhere"), regions_of("127.77.37.1"), embedded=True)


@pytest.fixture
def stranger() -> Iterator[None]:
    with socket.create_server(("127.77.38.1", 4222)):
        yield


def test_free_ports_are_no_objection() -> None:
    require_free(LABORATORY)


@pytest.mark.usefixtures("stranger")
def test_a_stranger_is_named_by_address_and_port() -> None:
    with pytest.raises(PortTaken, match=r"127\.77\.38\.1:4222"):
        require_free(LABORATORY, patience_seconds=0)


def test_an_address_that_this_machine_lacks_is_named() -> None:
    with pytest.raises(AddressMissing, match=r"203\.0\.113\.7"):
        taken(("203.0.113.7", 8080))
