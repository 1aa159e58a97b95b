"""What the sample catalogue is made of. Everything is invented: people are a Greek letter and a star."""

from __future__ import annotations

from schema.catalogue import Day

SUBJECTS: dict[str, str | None] = {
    "COMT": "Comets",
    "DUST": "Dust and Gas",
    "GLXY": "Galaxies",
    "HALO": "Halos",
    "LENS": "Lenses",
    "NOVA": "Novae",
    "ORBT": "Orbits",
    "TIDE": None,
    "VOID": "Voids",
}
SUBJECT_WITHOUT_CLASSES = "VOID"

GENERAL_EDUCATION = {
    "OB": "Observation",
    "QR": "Quantity and Reason",
    "ST": "Storytelling",
    "SK-D": "Dark Skies",
    "SK-L": "Light Skies",
}

TITLES = (
    "Introduction to",
    "Seminar on",
    "History of",
    "Measuring",
    "Advanced",
    "Laboratory of",
    "Reading about",
    "The Physics of",
)
FIRST_NAMES = ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta", "Iota", "Kappa")
LAST_NAMES = ("Vega", "Rigel", "Altair", "Deneb", "Mizar", "Adhara", "Sirrah", "O'Procyon", "Mira-Algol", "Ñunki")
MIDDLE_NAMES = ("Minor", "Major")

ROOMS = ("Dome 1", "Dome 2", "Cellar 110", "Mirror Hall", "Prism Lab 3", "Annex 2-D")
KINDS = ("Lecture", "Laboratory", "Seminar", "Studio")
CREDITS = ("2", "3", "5", "2 or 5")

WEEKS: tuple[list[Day], ...] = (
    ["Monday", "Wednesday", "Friday"],
    ["Tuesday", "Thursday"],
    ["Monday", "Wednesday"],
    ["Wednesday"],
    ["Saturday", "Sunday"],
)
HOURS = (("08:00", "09:05"), ("09:20", "10:25"), ("11:40", "13:15"), ("17:20", "18:55"), ("19:10", "20:45"))

PLACES = {"domes": ("Dome 1", "Dome 2"), "halls": ("Mirror Hall",), "cafés": ()}
EXOTIC_TITLE = "Moons \U0001fa90 and \U0001d510irrors"
"""Beyond the basic plane: four bytes a character in UTF-8, two units in UTF-16."""
