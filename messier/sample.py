"""Generates a small catalogue in the shapes of a real one, the same for the same seed.

A real catalogue has oddities, and so has this one: every oddity that storage and clients must survive occurs in each
term, not by chance but by turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import orjson

from messier.sample_oddities import ODDITIES, ordinary
from messier.sample_words import (
    CREDITS,
    FIRST_NAMES,
    GENERAL_EDUCATION,
    HOURS,
    KINDS,
    LAST_NAMES,
    MIDDLE_NAMES,
    PLACES,
    ROOMS,
    SUBJECT_WITHOUT_CLASSES,
    SUBJECTS,
    TITLES,
    WEEKS,
)
from schema.catalogue import (
    Class,
    Course,
    CoursesDocument,
    Instructors,
    LocationsDocument,
    Meeting,
    OfferedDocument,
    RatingsDocument,
    Section,
    Term,
    TermDocument,
    TermsDocument,
)

SEED = 31
"""The spiral in Andromeda."""
CLASSES_PER_SUBJECT = 5
FIRST_NUMBER = 20_001
TERMS: TermsDocument = [
    Term(code="2168", name="2016 Fall Quarter", date={"start": "09/22/16", "end": "12/02/16"}),
    Term(code="2164", name="2016 Summer Quarter", date={"start": "N/A", "end": "N/A"}),
    Term(code="2162", name="2016 Spring Quarter", date={"start": "03/28/16", "end": ""}),
]
YEAR = "2016"
QUARTERS = {"0": "winter", "2": "spring", "4": "summer", "8": "fall"}


def sample_catalogue(seed: int = SEED) -> dict[str, Any]:
    """Key to document."""
    random = Random(seed)  # noqa: S311 (chance for a sample, not for a secret)
    terms = {term["code"]: _term_document(random) for term in TERMS}
    catalogue: dict[str, Any] = {"terms": TERMS, "ge": GENERAL_EDUCATION, "subjects": SUBJECTS}
    catalogue |= {"rmp": _ratings(random), "locations": _locations(random)}
    catalogue |= {f"terms/{code}": document for code, document in terms.items()}
    catalogue |= {f"courses/{code}": _courses_document(document, random) for code, document in terms.items()}
    return catalogue | {f"offered/{quarter}": document for quarter, document in _offered(terms).items()}


def write_sample(folder: Path, seed: int = SEED) -> list[Path]:
    """Writes the files of a catalogue and answers their paths."""
    paths = []
    for key, document in sample_catalogue(seed).items():
        path = folder / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(document))
        paths.append(path)
    return paths


# --- classes --------------------------------------------------------------------------------------------------


def _term_document(random: Random) -> TermDocument:
    oddities = cycle((*ODDITIES, *[ordinary] * len(ODDITIES)))
    document: TermDocument = {subject: [] for subject in SUBJECTS}
    number = FIRST_NUMBER
    for subject, classes in document.items():
        for index in range(CLASSES_PER_SUBJECT if subject != SUBJECT_WITHOUT_CLASSES else 0):
            each = _class(random, number, subject, index)
            next(oddities)(each)
            classes.append(each)
            number += random.randint(1, 9)
    return document


def _class(random: Random, number: int, subject: str, index: int) -> Class:
    return {
        "c": f"{10 * index + 1}{random.choice(['', '', 'A', 'L'])}",
        "s": f"0{random.randint(1, 3)}",
        "n": f"{random.choice(TITLES)} {SUBJECTS[subject] or subject}",
        "num": number,
        "cap": str(10 * random.randint(1, 30)),
        "ins": _instructors(random),
        "loct": [_meeting(random)],
    }


def _instructors(random: Random) -> Instructors:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return {"d": [f"{last},{first[0]}."], "f": first, "l": last, "m": random.choice((None, *MIDDLE_NAMES))}


def _meeting(random: Random) -> Meeting:
    start, end = random.choice(HOURS)
    return {
        "t": {"day": list(random.choice(WEEKS)), "time": {"start": start, "end": end}},
        "loc": random.choice(ROOMS),
    }


# --- what follows from the classes ----------------------------------------------------------------------------


def _courses_document(term: TermDocument, random: Random) -> CoursesDocument:
    """The first class of every subject has no details."""
    details: CoursesDocument = {}
    for classes in term.values():
        for index, each in enumerate(classes):
            if number := each.get("num"):
                details[str(number)] = _course(each, random) if index else False
    return details


def _course(each: Class, random: Random) -> Course:
    return {
        "ty": random.choice(KINDS),
        "cr": random.choice(CREDITS),
        "ge": random.sample(sorted(GENERAL_EDUCATION), random.randint(0, 2)),
        "desc": f"{each['n']}: what is known, how it came to be known,\nand what is not known yet.",
        "re": random.choice((None, "", "Prerequisite(s): a clear night.")),
        "com": [f"HALO {each['c']}"] * random.randint(0, 1),
        "sec": [_section(random, index) for index in range(random.choice((0, 0, 1, 3)))],
    }


def _section(random: Random, index: int) -> Section:
    taught = index != 1
    return {
        "num": str(30_001 + random.randint(0, 9_999)),
        "sec": f"01{chr(ord('A') + index)}",
        "loct": [_meeting(random)] if taught else [{"t": None, "loc": None}],
        "ins": f"{random.choice(LAST_NAMES)},{random.choice(FIRST_NAMES)[0]}." if taught else None,
        "cap": "25" if taught else None,
    }


def _offered(terms: Mapping[str, TermDocument]) -> dict[str, OfferedDocument]:
    """A course that was announced and never given has no years."""
    offered: dict[str, OfferedDocument] = {}
    for code, term in terms.items():
        counts = Counter(f"{subject} {each['c']}" for subject, classes in term.items() for each in classes)
        offered[QUARTERS[code[-1]]] = {course: {YEAR: count} for course, count in counts.items()} | {"VOID 0": {}}
    return offered


def _ratings(random: Random) -> RatingsDocument:
    return {
        f"{first}{last}": str(random.randint(10_000, 99_999))
        for first, last in zip(FIRST_NAMES, LAST_NAMES, strict=True)
    }


def _locations(random: Random) -> LocationsDocument:
    return {
        kind: [{"lat": random.uniform(-1, 1), "lon": random.uniform(-1, 1), "label": label} for label in labels]
        for kind, labels in PLACES.items()
    }
