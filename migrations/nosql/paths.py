"""Where in a document a value is: names joined by dots, `[]` for the elements of a list, and odd names in quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

Path = tuple[str, ...]

ELEMENT = "[]"
_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")
_STEP = re.compile(r'(\[\])|\.?("(?:[^"\\]|\\.)*"|[A-Za-z_$][\w$-]*)')


def spell(path: Iterable[str]) -> str:
    text = ""
    for step in path:
        if step == ELEMENT:
            text += ELEMENT
        else:
            text += ("." if text else "") + (step if _PLAIN.fullmatch(step) else json.dumps(step))
    return text


def parse(text: str) -> Path:
    """Raises ValueError where this is no path."""
    steps, at = [], 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError(f"{text!r} is no path in a document: it goes wrong at character {at + 1}")
        name = step.group(1) or step.group(2)
        steps.append(json.loads(name) if name.startswith('"') else name)
        at = step.end()
    return tuple(steps)
