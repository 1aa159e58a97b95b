"""One value into one cell, exactly or not at all.

A cell is what every driver takes as it is, and what a checksum is made of: text, an integer, a fraction, bytes, or
nothing. Times and decimals are text, as both databases spell them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from migrations.nosql.plan import TYPE
from migrations.nosql.sources.json_values import spell
from migrations.nosql.values import bytes_of, kind_of, moment_of

Cell = str | int | float | bytes | None
Notes = list[str]
"""Of the coercions that were done."""
Allowed = Mapping[str, str]
"""The coercions that the plan allows, and the note of each."""
Conversion = Callable[[Any, Notes], Cell]

LOW, HIGH = -(2**63), 2**63 - 1
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
"""Of what `NUMERIC` allows, what surely fits: most of what there is, and worth a shorter way."""
SHOWN = 60


class Misfit(Exception):
    """A value that its column cannot hold as it is, and that the plan does not allow to be changed."""


def conversion(type_name: str, permitted: Allowed) -> Conversion:
    """For values that are there; nothing ever comes out of something unless the plan allows it."""
    kind = TYPE.fullmatch(type_name)
    if kind is None:
        raise ValueError(f"there is no type {type_name}")
    if kind.group(1):
        return _text(int(kind.group(2)), permitted)
    if kind.group(3):
        return _decimal(int(kind.group(4)), int(kind.group(5)), permitted)
    return _PLAIN[type_name](permitted)


def _integer(permitted: Allowed) -> Conversion:
    from_text = "text to number" in permitted

    def convert(value: Any, notes: Notes) -> Cell:
        if from_text and type(value) is str and INTEGER.fullmatch(value):
            notes.append(permitted["text to number"])
            return int(value)
        if type(value) is not int:
            value = _number_behind(value, permitted, notes)
            if value is None:
                return None
            if value != int(value):
                raise Misfit(f"{_shown(value)} is no integer")
            value = int(value)
        if not LOW <= value <= HIGH:
            raise Misfit(f"{value} is beyond 64 bits")
        return int(value)

    return convert


def _number(permitted: Allowed) -> Conversion:
    def convert(value: Any, notes: Notes) -> Cell:
        behind = _number_behind(value, permitted, notes)
        if behind is None:
            return None
        try:
            number = float(behind)
        except OverflowError as error:
            raise Misfit(f"{_shown(value)} is no number of 64 bits") from error
        if Decimal(number) != behind and not isinstance(behind, float | Decimal):
            raise Misfit(f"{_shown(value)} is more exact than a number of 64 bits")
        return number

    return convert


def _decimal(digits: int, places: int, permitted: Allowed) -> Conversion:
    whole = 10 ** (digits - places)
    tail = "." + "0" * places if places else ""

    def convert(value: Any, notes: Notes) -> Cell:
        behind = value if type(value) is int else _number_behind(value, permitted, notes)
        if behind is None:
            return None
        if not -whole < behind < whole:
            raise Misfit(f"{_shown(value)} has too many digits")
        if type(behind) is int:
            return f"{behind}{tail}"
        exact = Decimal(str(behind))
        try:
            rounded = exact.quantize(Decimal(1).scaleb(-places))
        except InvalidOperation as error:
            raise Misfit(f"{_shown(value)} has too many digits") from error
        if rounded != exact:
            raise Misfit(f"{_shown(value)} has more than {places} decimal places")
        return f"{rounded:f}"

    return convert


def _number_behind(value: Any, permitted: Allowed, notes: Notes) -> Any:
    """An int, a float or a Decimal; None where NaN may be missing."""
    kind = kind_of(value)
    if kind in {"integer", "number"}:
        return value
    if kind == "numeric text" and "text to number" in permitted:
        notes.append(permitted["text to number"])
        return Decimal(value)
    if kind == "time" and "time to number" in permitted:
        notes.append(permitted["time to number"])
        return value["epoch_time"]
    if kind == "nan" and "nan is missing" in permitted:
        notes.append(permitted["nan is missing"])
        return None
    raise Misfit(f"{_shown(value)} is {kind}, not a number")


def _text(length: int, permitted: Allowed) -> Conversion:
    any_length = _long_text(permitted)

    def convert(value: Any, notes: Notes) -> Cell:
        text = value if type(value) is str else str(any_length(value, notes))
        if len(text) > length:
            raise Misfit(f"{len(text)} characters are more than {length}")
        return text

    return convert


def _long_text(permitted: Allowed) -> Conversion:
    to_json, to_text = "value to json" in permitted, "number to text" in permitted

    def convert(value: Any, notes: Notes) -> Cell:
        if to_json:
            notes.append(permitted["value to json"])
            return spell(value)
        if isinstance(value, str):
            return value
        if to_text and isinstance(value, int | float) and not isinstance(value, bool):
            notes.append(permitted["number to text"])
            return str(int(value) if float(value).is_integer() else value)
        raise Misfit(f"{_shown(value)} is {kind_of(value)}, not text")

    return convert


def _boolean(_: Allowed) -> Conversion:
    def convert(value: Any, notes: Notes) -> Cell:
        if isinstance(value, bool):
            return int(value)
        raise Misfit(f"{_shown(value)} is {kind_of(value)}, not true or false")

    return convert


def _time(_: Allowed) -> Conversion:
    def convert(value: Any, notes: Notes) -> Cell:
        if kind_of(value) != "time":
            raise Misfit(f"{_shown(value)} is {kind_of(value)}, not a time")
        return spell_time(value)

    return convert


def spell_time(value: Mapping[str, Any]) -> str:
    try:
        return moment_of(dict(value)).isoformat(" ", "microseconds")
    except ValueError as error:
        raise Misfit(str(error)) from error


def _bytes(_: Allowed) -> Conversion:
    def convert(value: Any, notes: Notes) -> Cell:
        if kind_of(value) != "binary":
            raise Misfit(f"{_shown(value)} is {kind_of(value)}, not bytes")
        try:
            return bytes_of(value)
        except ValueError as error:
            raise Misfit(str(error)) from error

    return convert


def _json(permitted: Allowed) -> Conversion:
    def convert(value: Any, notes: Notes) -> Cell:
        return spell(value)

    return convert


def zone_of(value: Any) -> str:
    if kind_of(value) != "time":
        raise Misfit(f"{_shown(value)} is {kind_of(value)}, not a time")
    return str(value["timezone"])


def checked(convert: Conversion, minimum: float | None, pattern: str | None) -> Conversion:
    """Holds a column to what its plan says of it beyond its type."""
    shape = re.compile(pattern) if pattern else None

    def convert_and_check(value: Any, notes: Notes) -> Cell:
        cell = convert(value, notes)
        if minimum is not None and cell is not None and float(cell) < minimum:
            raise Misfit(f"{cell!r} is below {minimum:g}")
        if shape is not None and cell is not None and not shape.fullmatch(str(cell)):
            raise Misfit(f"{_shown(cell)} is not like {pattern}")
        return cell

    return convert_and_check if minimum is not None or shape else convert


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal | float) else spell(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


_PLAIN: Mapping[str, Callable[[Allowed], Conversion]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
    "bytes": _bytes,
    "json": _json,
    "long text": _long_text,
}
