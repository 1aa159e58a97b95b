"""Names follow health: real PowerDNS in three real regions, and users who come by name through a real resolver."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import randrange

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from lab.name_servers import NAME, ZONE
from lab.readiness import wait_until, why_unready
from lab.regions import DNS, Region
from lab.resolver import resolver
from lab.trial import Trial
from tests.integration.users import users
from tests.waiting import eventually

OUT_SECONDS_MAX = 3.0
BACK_SECONDS_MAX = 60.0
"""Six on a quiet machine."""
FRESH_SECONDS = 5
"""As `andromeda/dns/answer.lua` has it."""
CALM_SECONDS = 1.0
"""Whoever is named at all is in two answers of three; some hundred are asked for in this time."""
ANSWERS = 30
COMES_SECONDS = 120.0
"""Until a user of a busy machine has ended a visit of 20 requests, asked a resolver that remembers answers for 10 s,
and was led to the region by one of the two addresses that it may be told."""
WEST_GATEWAY = "andromeda-west-1"


@pytest.fixture
def named(regions: Trial) -> Trial:
    """All of them, by every name server."""
    wait_until(lambda: None if everywhere(regions, 3) else "not all are named", deadline_seconds=BACK_SECONDS_MAX)
    return regions


@pytest.fixture
def hurt(named: Trial) -> Iterator[Trial]:
    """The same, healed afterwards."""
    yield named
    named.faults.heal()


def ask(server: Region, name: str = NAME, kind: str = "A", client: str = "") -> dns.message.Message:
    """For a client of this network; else for one of whom nobody knows anything, who may be answered with any region."""
    subnet = dns.edns.ECSOption.from_text(client or f"10.{randrange(256)}.{randrange(256)}.0/24")
    question = dns.message.make_query(name, kind, use_edns=0, options=[subnet])
    return dns.query.udp(question, server.address, timeout=2, port=DNS)


def addresses(message: dns.message.Message) -> list[str]:
    return [record.to_text() for records in message.answer for record in records]


def named_by(server: Region) -> set[str]:
    """Everybody it names: an answer has two of them, so it is asked again and again."""
    return {address for _ in range(ANSWERS) for address in addresses(ask(server))}


def everywhere(trial: Trial, count: int) -> bool:
    return all(len(named_by(region)) == count for region in trial.regions)


def told_long_ago(trial: Trial) -> bool:
    """Whether no name server goes by what its watcher has said last."""
    said_at = [trial.laboratory.dns_folder(region).joinpath("health.lua").stat().st_mtime for region in trial.regions]
    return time.time() - max(said_at) > FRESH_SECONDS + 1


def seconds_until_unnamed(trial: Trial, dead: Region) -> float:
    """Until no name server has named it for a while: when it was named last, from now on."""
    began = last = time.monotonic()
    while time.monotonic() - last < CALM_SECONDS:
        for region in trial.regions:
            if dead.address in addresses(ask(region)):
                last = time.monotonic()
    return last - began


def test_a_region_that_is_frozen_is_out_of_every_answer_within_3_seconds(hurt: Trial) -> None:
    hurt.faults.pause(WEST_GATEWAY)
    seconds = seconds_until_unnamed(hurt, hurt.region("west"))
    print(f"frozen: last named after {seconds:.2f} s")

    assert seconds < OUT_SECONDS_MAX


def test_a_region_that_was_killed_is_out_within_3_seconds_while_all_sql_is_down(hurt: Trial) -> None:
    hurt.faults.pause(*(hurt.programs("galera") or hurt.programs("whirlpool")))  # one file: whoever reads it
    urls = [region.public_url for region in hurt.regions]
    wait_until(lambda: None if all(map(unready, urls)) else "somebody is ready", deadline_seconds=BACK_SECONDS_MAX)
    wait_until(lambda: None if everywhere(hurt, 3) else "not all are named", deadline_seconds=BACK_SECONDS_MAX)
    hurt.faults.kill_for_good(WEST_GATEWAY)
    seconds = seconds_until_unnamed(hurt, hurt.region("west"))
    print(f"killed while all SQL was down: last named after {seconds:.2f} s")

    assert seconds < OUT_SECONDS_MAX


def test_a_cold_start_names_no_dead_region_and_all_of_them_when_all_are_dead(hurt: Trial) -> None:
    west, east = hurt.region("west"), hurt.region("east")
    hurt.faults.kill_for_good(WEST_GATEWAY, *hurt.programs("names", "pdns"))
    for region in hurt.regions:
        hurt.laboratory.dns_folder(region).joinpath("health.lua").unlink()
    hurt.faults.start(*hurt.programs("names", "pdns"))
    at_first = first_answers(east)
    wait_until(lambda: None if everywhere(hurt, 2) else "not all answer", deadline_seconds=BACK_SECONDS_MAX)
    hurt.faults.kill_for_good(*hurt.programs("andromeda"))
    wait_until(lambda: None if everywhere(hurt, 3) else "not all are named", deadline_seconds=BACK_SECONDS_MAX)
    found = [ask(region) for region in hurt.regions for _ in range(ANSWERS)]

    assert at_first == {region.address for region in hurt.regions} - {west.address}
    assert {message.rcode() for message in found} == {dns.rcode.NOERROR}
    assert {address for message in found for address in addresses(message)} == {r.address for r in hurt.regions}


def test_powerdns_goes_on_alone_when_its_watcher_dies(hurt: Trial) -> None:
    west = hurt.region("west")
    hurt.faults.kill_for_good(*hurt.programs("names"))
    wait_until(lambda: None if told_long_ago(hurt) else "too fresh to be doubted", deadline_seconds=BACK_SECONDS_MAX)
    still = everywhere(hurt, 3)
    hurt.faults.kill_for_good(WEST_GATEWAY)
    wait_until(
        lambda: "still named" if any(west.address in named_by(region) for region in hurt.regions) else None,
        deadline_seconds=BACK_SECONDS_MAX,
    )

    assert still


def test_an_answer_is_for_the_network_that_asks(named: Trial) -> None:
    for region in named.regions:
        found = [ask(named.regions[0], client=f"{region.address}/24") for _ in range(60)]
        first = [addresses(message)[0] for message in found]

        assert first.count(region.address) > 45  # one in twenty explores
        assert {option.scopelen for message in found for option in message.options} == {24}


def test_the_zone_is_whole(named: Trial) -> None:
    found = ask(named.regions[0], ZONE, "SOA").answer[0][0]

    assert found.minimum == 5
    assert len(ask(named.regions[0], ZONE, "NS").answer[0]) == 3
    assert ask(named.regions[0]).answer[0].ttl == 10
    assert ask(named.regions[0]).flags & dns.flags.AA
    assert addresses(ask(named.regions[0], f"east.{ZONE}")) == [named.region("east").address]
    assert ask(named.regions[0], kind="AAAA").rcode() == dns.rcode.NOERROR


async def test_a_region_is_evacuated_and_returned_and_no_user_notices(named: Trial, tmp_path: Path) -> None:
    west = named.region("west")
    named.load_sample()
    with resolver(tmp_path, "127.77.1.9", named.regions) as address:
        async with users(address) as everybody:
            await eventually(lambda: everybody.served["west"], deadline_seconds=COMES_SECONDS)
            asked = ("call", "db-jobs.slot", '{"job":"j","slot":1}', "--node", "whirlpool-west-1")
            statuses = [await mesh(named, *asked), await mesh(named, "evacuate", "west")]
            left = everybody.served["west"]
            unnamed = [named_by(region) for region in named.regions]
            drained = await mesh(named, *asked)
            await asyncio.sleep(3 * CALM_SECONDS)
            none_came = everybody.served["west"] == left
            statuses.append(await mesh(named, "return", "west"))
            await eventually(lambda: everybody.served["west"] > left, deadline_seconds=COMES_SECONDS)

    assert all(west.address not in found for found in unnamed)
    assert none_came
    assert statuses == [0, 0, 0]
    assert drained == 1
    assert everybody.failed == {}
    assert len(everybody.served) > 1


async def mesh(trial: Trial, *arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker", *arguments),
        env=os.environ | trial.mesh_environment(trial.region("east"), "mesh"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    print(f"mesh {' '.join(arguments)}: {output.decode()}")
    return process.returncode or 0


def unready(url: str) -> bool:
    return why_unready(f"{url}/readyz") is not None


def first_answers(server: Region) -> set[str]:
    """From the first on that it gives, and for some seconds. Until then it refuses or is silent, and resolvers ask
    another."""
    found: set[str] = set()
    end = time.monotonic() + BACK_SECONDS_MAX
    while time.monotonic() < end:
        with contextlib.suppress(dns.exception.DNSException, OSError):
            named = addresses(ask(server))
            end = end if found or not named else time.monotonic() + OUT_SECONDS_MAX
            found.update(named)
    return found
