"""Bodies of the sizes that matter: a document like `terms/2168`, with its 1,527 classes, and one of a few bytes."""

from __future__ import annotations

from typing import Any

from andromeda.openapi_words import DOCUMENT_EXAMPLES

LARGE_CLASSES = 1_527
CLASSES_PER_SUBJECT = 25


def large() -> dict[str, Any]:
    (example,) = DOCUMENT_EXAMPLES["terms/"]["AMS"]
    classes = [example | {"num": 20_000 + number, "c": str(number % 290)} for number in range(LARGE_CLASSES)]
    return {
        f"S{first:04}": classes[first : first + CLASSES_PER_SUBJECT]
        for first in range(0, LARGE_CLASSES, CLASSES_PER_SUBJECT)
    }


def small() -> dict[str, Any]:
    return dict(DOCUMENT_EXAMPLES["ge"])
