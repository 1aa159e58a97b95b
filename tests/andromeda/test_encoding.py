from __future__ import annotations

import gzip

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from andromeda.encoding import PREFERENCE, WORTHWHILE_BYTES, acceptable, choose, encode, weights

LARGE = WORTHWHILE_BYTES
QUALITY = st.integers(0, 1000).map(lambda thousandths: f"{thousandths / 1000:.3f}")
MEMBERS = st.lists(st.tuples(st.sampled_from(["gzip", "zstd", "identity", "br", "*"]), QUALITY), max_size=6)


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.5", "gzip"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip;q=0", "identity"),
        ("br", "identity"),
        ("*", "zstd"),
        ("*;q=0, gzip", "gzip"),
        ("zstd;q=0, *", "gzip"),
        ("identity;q=0, *;q=0", "identity"),
        ("gzip ; q=0.4,\tzstd\t;\tQ=0.3", "gzip"),
        ("gzip;q=2, zstd;q=-1, gzip;q=x", "identity"),
        ("gzip;level=9", "identity"),
        (";;,,=,q=1", "identity"),
    ],
)
def test_the_best_liked_coding_wins(header: str | None, chosen: str) -> None:
    assert choose(acceptable(header), LARGE) == chosen


def test_small_bodies_stay_plain() -> None:
    assert choose(acceptable("gzip"), WORTHWHILE_BYTES - 1) == "identity"


def test_small_bodies_are_coded_for_whoever_excludes_plain_ones() -> None:
    assert choose(acceptable("gzip, identity;q=0"), 1) == "gzip"


@given(st.text(max_size=400))
def test_no_header_breaks_the_negotiation(header: str) -> None:
    assert set(acceptable(header)) <= set(PREFERENCE)


@given(MEMBERS)
def test_an_excluded_coding_is_never_accepted(members: list[tuple[str, str]]) -> None:
    header = ", ".join(f"{coding};q={quality}" for coding, quality in members)
    given_weights = weights(header)
    for coding in acceptable(header):
        assert given_weights.get(coding, given_weights.get("*", 1.0)) > 0


@given(MEMBERS)
def test_codings_come_in_the_order_of_their_weights(members: list[tuple[str, str]]) -> None:
    header = ", ".join(f"{coding};q={quality}" for coding, quality in members)
    given_weights = weights(header)
    mentioned = [given_weights[coding] for coding in acceptable(header) if coding in given_weights]
    assert mentioned == sorted(mentioned, reverse=True)


@given(st.binary(max_size=4096))
def test_what_is_encoded_comes_out_again(body: bytes) -> None:
    assert gzip.decompress(encode(body, "gzip")) == body
    assert zstd.decompress(encode(body, "zstd")) == body
    assert encode(body, "identity") is body


def test_the_same_body_is_always_the_same_bytes() -> None:
    assert encode(b"same" * 1000, "gzip") == encode(b"same" * 1000, "gzip")
