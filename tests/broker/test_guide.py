"""The page about the broker as a library does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from broker.config import BrokerConfig
from broker.policies.call_policy import CallPolicy

GUIDE = Path(__file__).parents[2] / "docs" / "broker.md"


async def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(example, str(GUIDE), "exec"), names)
    await names["main"]()


@pytest.mark.parametrize("settings", [BrokerConfig, CallPolicy])
def test_the_settings_that_it_names_exist(settings: type) -> None:
    used = re.findall(rf"`{settings.__name__}\(([^)]*)\)`", GUIDE.read_text(encoding="utf-8"))
    names = {name for arguments in used for name in re.findall(r"(\w+)=", arguments)}
    assert names
    assert names <= set(settings.__annotations__)
