from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.event_patterns import matches


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("user.created", "user.created", True),
        ("user.created", "user.removed", False),
        ("user.*", "user.created", True),
        ("user.*", "user.mail.sent", False),
        ("user.**", "user.mail.sent", True),
        ("**", "anything.at.all", True),
        ("*", "one", True),
        ("*", "one.two", False),
        ("*.created", "user.created", True),
        ("user.?reated", "user.created", True),
        ("user.(created|x)", "user.created", False),
        ("$node.*", "$node.connected", True),
    ],
)
def test_matches_as_moleculer_does(pattern: str, name: str, *, expected: bool) -> None:
    assert matches(pattern, name) is expected


@given(st.text(max_size=20), st.text(max_size=20))
def test_takes_any_pattern_of_a_foreign_node(pattern: str, name: str) -> None:
    assert matches(pattern, pattern)
    matches(pattern, name)
