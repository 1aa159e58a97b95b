"""Somebody is always named: the ready, and where there is none, whoever there is."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from andromeda.dns.choice import Named, named, of_family
from andromeda.dns.declaration import IPAddress
from tests.andromeda.dns.declared import CENTRAL, EAST, WEST, three_regions

DECLARATION = three_regions()
ADDRESSES = [address for region in DECLARATION.regions.values() for address in region.addresses]
EVERYBODY = set(DECLARATION.regions)


def chosen(*ready: str, out: tuple[str, ...] = (), answers: tuple[str, ...] = ()) -> Named:
    grades = [{ip_address(each) for each in group}.__contains__ for group in (ready, (*ready, *answers))]
    return named(DECLARATION, grades, out)


def test_names_those_that_are_ready() -> None:
    assert set(chosen(WEST, EAST)) == {"west", "east"}


def test_does_not_name_who_was_taken_out() -> None:
    assert set(chosen(WEST, CENTRAL, EAST, out=("west",))) == {"central", "east"}


def test_names_who_was_taken_out_when_nobody_else_is_ready() -> None:
    assert set(chosen(WEST, out=("west",))) == {"west"}


def test_names_who_answers_when_nobody_is_ready() -> None:
    assert set(chosen(answers=(CENTRAL, EAST))) == {"central", "east"}
    assert set(chosen(answers=(CENTRAL, EAST), out=("east",))) == {"central"}


def test_names_all_when_nobody_answers_but_not_who_was_taken_out() -> None:
    assert set(chosen()) == EVERYBODY
    assert set(chosen(out=("west",))) == {"central", "east"}
    assert set(chosen(out=tuple(EVERYBODY))) == EVERYBODY


def test_names_only_the_ready_addresses_of_a_region() -> None:
    assert chosen(EAST) == {"east": (ip_address(EAST),)}


def test_a_family_of_which_nothing_is_ready_is_answered_with_all_of_it() -> None:
    assert of_family(DECLARATION, chosen(WEST), "AAAA") == {"east": (ip_address("2001:db8::3"),)}
    assert of_family(DECLARATION, chosen(WEST), "A") == {"west": (ip_address(WEST),)}


@given(st.sets(st.sampled_from(ADDRESSES)), st.sets(st.sampled_from(sorted(EVERYBODY))))
def test_there_is_always_an_answer_and_it_prefers_the_ready(ready: set[IPAddress], out: set[str]) -> None:
    found = named(DECLARATION, [ready.__contains__], out)

    assert found
    for family in DECLARATION.families:
        assert of_family(DECLARATION, found, family)
    if ready:
        assert {address for at in found.values() for address in at} <= ready
