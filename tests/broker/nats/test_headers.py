from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.nats import headers as nats_headers
from schema.errors import Invalid

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x7E), max_size=40).map(str.strip)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_reads_what_it_writes(values: dict[str, str]) -> None:
    assert nats_headers.decode(nats_headers.encode(values)).values == values


@given(st.binary(max_size=200))
def test_reads_whatever_a_stranger_writes(header: bytes) -> None:
    nats_headers.decode(header)


@pytest.mark.parametrize(
    "values",
    [{"": "x"}, {"a:b": "x"}, {"a b": "x"}, {"a": "x\r\ny: z"}, {"a\n": "x"}, {"a": " x"}, {"a": "x" * 20_000}],
)
def test_writes_nothing_that_would_be_read_as_something_else(values: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        nats_headers.encode(values)


def test_knows_when_the_server_says_that_nobody_listens() -> None:
    header = b"NATS/1.0 503\r\n\r\n"
    assert nats_headers.says_no_responders(header)
    assert nats_headers.decode(header).status == "503"
    assert not nats_headers.says_no_responders(nats_headers.encode({"Status": "503"}))
