"""The keys of the public API, and the action that answers each.

`terms/2168` and `terms/2168.json` are one key. What a key's variable part may be is the contract's to say: a part
that the action's request would not take is a key that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schema.action import Action
from schema.courses import COURSES, GE, LOCATIONS, OFFERED, RMP, SUBJECTS, TERM, TERMS, TIMESTAMP

PREFIX = "/slugsurvival/data/fetch/"
SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Resource:
    """`folder` ends with a slash if a variable part follows, which is the request's `parameter`."""

    folder: str
    action: Action[Any, Any]
    summary: str
    parameter: str | None = None
    example: str = ""

    @property
    def template(self) -> str:
        return f"{PREFIX}{self.folder}{{{self.parameter}}}" if self.parameter else f"{PREFIX}{self.folder}"


RESOURCES: Mapping[str, Resource] = {
    resource.folder: resource
    for resource in (
        Resource("terms", TERMS, "All terms, newest first"),
        Resource("terms/", TERM, "The classes of a term, by subject", "code", "2168"),
        Resource("courses/", COURSES, "The details of a term's classes, by class number", "code", "2168"),
        Resource("offered/", OFFERED, "How often each course was offered in a quarter", "quarter", "fall"),
        Resource("subjects", SUBJECTS, "Every subject and its name, null where none is known"),
        Resource("ge", GE, "General-education codes and their names"),
        Resource("rmp", RMP, "Instructors and their ids at the rating site"),
        Resource("locations", LOCATIONS, "Places on campus, by kind"),
        Resource("timestamp/", TIMESTAMP, "When a key last changed, in epoch seconds", "key", "terms/2168"),
    )
}


@dataclass(frozen=True, slots=True)
class Lookup:
    """One key, resolved: what to call, and with which request."""

    key: str
    resource: Resource
    request: dict[str, str]

    @property
    def timestamp_of(self) -> str | None:
        return self.request["key"] if self.resource.action is TIMESTAMP else None


def key_of(path: str) -> str:
    """Of a path that begins with `PREFIX`."""
    return path[len(PREFIX) :].removesuffix(SUFFIX)


def resolve(key: str) -> Lookup | None:
    """None for a key that cannot exist."""
    resource = RESOURCES.get(key)
    if resource is not None and resource.parameter is None:
        return Lookup(key, resource, {})
    folder, slash, variable = key.partition("/")
    resource = RESOURCES.get(folder + slash)
    if resource is None or resource.parameter is None:
        return None
    lookup = Lookup(key, resource, {resource.parameter: variable})
    return lookup if _possible(lookup) else None


def _possible(lookup: Lookup) -> bool:
    try:
        lookup.resource.action.request.model_validate(lookup.request)
    except ValidationError:
        return False
    timestamped = lookup.timestamp_of
    if timestamped is None:
        return True
    of = resolve(timestamped)
    return of is not None and of.timestamp_of is None


def outdated_by(key: str) -> set[str]:
    """The keys whose answers change when the document of this key does. Searches may look into any document."""
    outdated = {key, f"timestamp/{key}"}
    if key.startswith("terms/"):
        outdated |= {"subjects", "timestamp/subjects"}  # subjects are the union of those of all terms
    return outdated
