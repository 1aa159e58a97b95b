"""Strategies for every document of a catalogue, with all the oddities that real ones have."""

from typing import Any

from hypothesis import strategies as st

texts = st.text(max_size=12)
names = st.text(max_size=6)
clocks = st.from_regex(r"[0-9]{2}:[0-9]{2}", fullmatch=True).filter(str.isascii)
codes = st.from_regex(r"[0-9]{4}", fullmatch=True).filter(str.isascii)
numbers = st.integers(min_value=0, max_value=999_999_999)
days = st.sampled_from(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])


def mappings(keys: st.SearchStrategy[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(keys, values, max_size=4)


def lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, max_size=3)


times = st.fixed_dictionaries(
    {"day": st.lists(days, max_size=7), "time": st.fixed_dictionaries({"start": clocks, "end": clocks})}
)
meetings = st.fixed_dictionaries(
    {}, optional={"t": st.one_of(st.none(), st.just(False), times), "loc": st.none() | names}
)
instructors = st.fixed_dictionaries(
    {"d": lists(names)}, optional={"f": st.none() | names, "l": st.none() | names, "m": st.none() | names}
)
classes = st.fixed_dictionaries(
    {"c": names, "s": names, "n": names, "ins": instructors, "loct": lists(meetings)},
    optional={"num": st.none() | numbers, "cap": st.none() | names, "dup": st.booleans()},
)
sections = st.fixed_dictionaries(
    {"num": names, "sec": names, "loct": lists(meetings), "ins": st.none() | names, "cap": st.none() | names}
)
courses = st.fixed_dictionaries(
    {
        "ty": names,
        "cr": names,
        "ge": lists(names),
        "desc": texts,
        "re": st.none() | texts,
        "com": lists(names),
        "sec": lists(sections),
    }
)
terms = st.fixed_dictionaries(
    {"code": codes, "name": names, "date": st.fixed_dictionaries({"start": texts, "end": texts})}
)
degrees = st.floats(min_value=-180, max_value=180)
places = st.fixed_dictionaries({"lat": degrees, "lon": degrees, "label": names})

DOCUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "terms": lists(terms),
    "terms/2168": mappings(names, lists(classes)),
    "courses/2168": mappings(numbers.map(str), st.just(False) | courses),
    "offered/fall": mappings(names, mappings(codes, st.integers(min_value=0, max_value=99))),
    "ge": mappings(names, names),
    "rmp": mappings(names, names),
    "subjects": mappings(names, st.none() | names),
    "locations": mappings(names, lists(places)),
}
"""A key of each family to documents that it may hold."""
