from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.nats import nkey
from broker.nats.nkey import Kind
from schema.errors import Invalid

KNOWN_SEED = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU"
KNOWN_PUBLIC = "UCK5N7N66OBOINFXAYC2ACJQYFSOD4VYNU6APEJTAVFZB2SVHLKGEW7L"
"""A pair from the documentation of NATS."""


def test_derives_the_public_key_that_nats_derives() -> None:
    assert nkey.read_seed(KNOWN_SEED).public == KNOWN_PUBLIC


@pytest.mark.parametrize(("kind", "first"), [(Kind.USER, "U"), (Kind.ACCOUNT, "A"), (Kind.OPERATOR, "O")])
def test_reads_the_seed_that_it_writes(kind: Kind, first: str) -> None:
    pair = nkey.create(kind)
    again = nkey.read_seed(pair.seed)
    assert (again.kind, again.public) == (kind, pair.public)
    assert pair.public.startswith(first)
    assert pair.seed.startswith(f"S{first}")


@given(st.integers(0, 57), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
@example(57, "A")
@example(57, "B")
@example(57, "C")
def test_notices_one_wrong_letter(position: int, letter: str) -> None:
    seed = KNOWN_SEED
    wrong = seed[:position] + letter + seed[position + 1 :]
    if wrong != seed:
        with pytest.raises(Invalid):
            nkey.read_seed(wrong)


@given(st.text(max_size=70))
def test_refuses_what_is_no_seed(text: str) -> None:
    with pytest.raises(Invalid):
        nkey.read_seed(text)


def test_refuses_a_public_key_in_place_of_a_seed() -> None:
    with pytest.raises(Invalid):
        nkey.read_seed(nkey.create().public)


def test_never_prints_the_secret() -> None:
    pair = nkey.create()
    assert pair.seed not in repr(pair)
    assert bytes(pair.key).hex() not in repr(pair)
