"""The documents that are one list or one table: terms, offerings, labels (ge, rmp, subjects) and places."""

from __future__ import annotations

from collections.abc import Mapping

from messier.positions import in_order
from schema.catalogue import LocationsDocument, OfferedDocument, TermsDocument
from schema.courses import (
    LabelRow,
    LabelsRows,
    LocationsRows,
    OfferedCourseRow,
    OfferedRows,
    OfferingRow,
    PlaceKindRow,
    PlaceRow,
    TermRow,
    TermsRows,
)


def rows_of_terms(document: TermsDocument) -> TermsRows:
    return TermsRows(
        terms=[
            TermRow(
                position=position,
                code=term["code"],
                name=term["name"],
                starts=term["date"]["start"],
                ends=term["date"]["end"],
            )
            for position, term in enumerate(document)
        ]
    )


def document_of_terms(rows: TermsRows) -> TermsDocument:
    return [
        {"code": row["code"], "name": row["name"], "date": {"start": row["starts"], "end": row["ends"]}}
        for row in in_order(rows.terms)
    ]


def rows_of_offered(document: OfferedDocument) -> OfferedRows:
    return OfferedRows(
        courses=[OfferedCourseRow(position=position, course=course) for position, course in enumerate(document)],
        offerings=[
            OfferingRow(course=course, year=year, classes=classes)
            for course, years in document.items()
            for year, classes in years.items()
        ],
    )


def document_of_offered(rows: OfferedRows) -> OfferedDocument:
    document: OfferedDocument = {row["course"]: {} for row in in_order(rows.courses)}
    for row in rows.offerings:
        document[row["course"]][row["year"]] = row["classes"]
    return document


def rows_of_labels(document: Mapping[str, str | None]) -> LabelsRows:
    return LabelsRows(
        labels=[
            LabelRow(position=position, code=code, label=label)
            for position, (code, label) in enumerate(document.items())
        ]
    )


def document_of_labels(rows: LabelsRows) -> dict[str, str | None]:
    return {row["code"]: row["label"] for row in in_order(rows.labels)}


def rows_of_locations(document: LocationsDocument) -> LocationsRows:
    return LocationsRows(
        kinds=[PlaceKindRow(position=position, kind=kind) for position, kind in enumerate(document)],
        places=[
            PlaceRow(kind=kind, position=position, latitude=place["lat"], longitude=place["lon"], label=place["label"])
            for kind, places in document.items()
            for position, place in enumerate(places)
        ],
    )


def document_of_locations(rows: LocationsRows) -> LocationsDocument:
    document: LocationsDocument = {row["kind"]: [] for row in in_order(rows.kinds)}
    for row in in_order(rows.places):
        document[row["kind"]].append({"lat": row["latitude"], "lon": row["longitude"], "label": row["label"]})
    return document
