"""What a node remembers of versions, and for how long."""

from broker.testing import FakeClock
from messier.newest_versions import NewestVersions


def test_remembers_the_highest_version_seen() -> None:
    versions = NewestVersions(FakeClock())
    versions.observe("terms", 3)
    versions.observe("terms", 2)
    assert versions.newest("terms") == 3


def test_knows_nothing_of_other_documents() -> None:
    versions = NewestVersions(FakeClock())
    versions.observe("terms", 3)
    assert versions.newest("ge") == 0


async def test_forgets_so_that_a_restored_backup_is_believed() -> None:
    clock = FakeClock()
    versions = NewestVersions(clock, remembered_seconds=60)
    versions.observe("terms", 3)
    await clock.advance(61)
    assert versions.newest("terms") == 0
    versions.observe("terms", 1)
    assert versions.newest("terms") == 1


def test_remembers_no_more_documents_than_it_has_room_for() -> None:
    versions = NewestVersions(FakeClock(), capacity_keys=2)
    for key in ("terms", "ge", "rmp"):
        versions.observe(key, 1)
    assert [versions.newest(key) for key in ("terms", "ge", "rmp")] == [0, 1, 1]


async def test_what_is_seen_again_is_remembered_longer() -> None:
    clock = FakeClock()
    versions = NewestVersions(clock, remembered_seconds=60)
    versions.observe("terms", 3)
    await clock.advance(40)
    versions.observe("terms", 3)
    await clock.advance(40)
    assert versions.newest("terms") == 3


def test_a_version_is_news_only_where_an_older_one_was_known() -> None:
    versions = NewestVersions(FakeClock())
    assert [versions.observe("terms", version) for version in (2, 2, 3, 1)] == [False, False, True, False]
