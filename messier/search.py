"""What a user types into the search box, as words and filters; what was found, as the public API names it."""

from __future__ import annotations

from schema.courses import Found, FoundRow, Search, SearchResult, SearchResults, SearchRows
from schema.errors import Invalid

WORDS_MAX = 8
WORD_LENGTH_MAX = 64


def rows_request(search: Search) -> SearchRows:
    words = _words(search.q)
    if not words and not (search.term or search.ge or search.subject):
        raise Invalid("q: give words to search for, or a filter", {"field": "q"})
    return SearchRows(
        words=words, term=search.term, subject=search.subject, general_education=search.ge, limit=search.limit
    )


def results_of(found: Found) -> SearchResults:
    return [_result_of(row) for row in found.classes]


def _words(q: str) -> list[str]:
    """Lower case, each once, in the order typed."""
    words = list(dict.fromkeys(q.lower().split()))
    if len(words) > WORDS_MAX:
        raise Invalid(f"q: at most {WORDS_MAX} different words", {"field": "q"})
    if any(len(word) > WORD_LENGTH_MAX for word in words):
        raise Invalid(f"q: at most {WORD_LENGTH_MAX} characters a word", {"field": "q"})
    return words


def _result_of(row: FoundRow) -> SearchResult:
    return {
        "term": row["term"],
        "subject": row["subject"],
        "c": row["course"],
        "s": row["section"],
        "n": row["title"],
        "num": row["number"],
        "ins": row["instructors"],
        "ge": row["general_education"],
        "score": row["score"],
    }
