"""What Python writes, Lua reads as the same."""

from __future__ import annotations

from typing import Any

import lupa.luajit21 as lupa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andromeda.dns import lua

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'))
SCALARS = TEXTS | st.integers(-(2**31), 2**31) | st.floats(-1e9, 1e9) | st.booleans()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


def plain(value: Any) -> Any:
    """Lists and mappings are both tables in Lua, so an empty one is both."""
    if lupa.lua_type(value) != "table":
        return value
    keys = list(value)
    if keys == list(range(1, len(keys) + 1)):
        return [plain(value[key]) for key in keys]
    return {key: plain(value[key]) for key in keys}


def normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()} or []
    return [normal(item) for item in value] if isinstance(value, list) else value


@given(VALUES)
def test_lua_reads_what_was_written(value: Any) -> None:
    assert plain(lupa.LuaRuntime().execute(lua.chunk(value))) == normal(value)


@pytest.mark.parametrize("text", ['"', "\\", "\n", "é"])
def test_a_string_that_needs_escaping_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Lua string"):
        lua.literal(text)
