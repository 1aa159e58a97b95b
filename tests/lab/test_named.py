"""Whether names lead to a region is read from what each watcher wrote."""

from __future__ import annotations

from pathlib import Path

from andromeda.dns.watcher import HEALTH
from lab.laboratory import Laboratory
from lab.named import why_not_named, why_still_named
from lab.regions import regions_of

ADDRESSES = ("127.0.1.1", "127.0.2.1", "127.0.3.1")


def laboratory(state: Path, *lists: tuple[str, ...]) -> Laboratory:
    """One list of named addresses for each watcher, in the order of the regions."""
    found = Laboratory(state, regions_of(), embedded=True, dns=True)
    for region, addresses in zip(found.regions, lists, strict=False):
        folder = found.dns_folder(region)
        folder.mkdir(parents=True)
        (folder / HEALTH).write_text(f"return {{ A = {{ {', '.join(map(repr, addresses))} }} }}")
    return found


def test_a_region_is_named_when_all_watchers_say_so(tmp_path: Path) -> None:
    found = laboratory(tmp_path, ADDRESSES, ADDRESSES, ADDRESSES)
    assert why_not_named(found, found.regions[0]) is None
    assert why_still_named(found, found.regions[0]) == "name servers of west, central, east name west"


def test_a_region_is_left_out_when_no_watcher_says_so(tmp_path: Path) -> None:
    found = laboratory(tmp_path, ADDRESSES[1:], ADDRESSES[1:], ADDRESSES[1:])
    assert why_still_named(found, found.regions[0]) is None
    assert why_not_named(found, found.regions[0]) == "name servers of west, central, east do not name west"


def test_an_address_is_not_found_in_a_longer_one(tmp_path: Path) -> None:
    others = ("127.0.1.10", "10.127.0.1.1")
    found = laboratory(tmp_path, others, others, others)
    assert why_still_named(found, found.regions[0]) is None


def test_a_watcher_that_wrote_nothing_names_nobody(tmp_path: Path) -> None:
    found = laboratory(tmp_path, ADDRESSES)
    assert why_still_named(found, found.regions[0]) == "name servers of west name west"
