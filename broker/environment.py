"""Configuration from environment variables: one frozen model, read once, whose errors name the variable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

PREFIX = "LOCALGROUP_"

Model = TypeVar("Model", bound=BaseModel)


class BadEnvironment(ValueError):
    """Its text names each variable that is missing or wrong, one a line."""


def read_environment(model: type[Model], environ: Mapping[str, str], prefix: str = PREFIX) -> Model:
    """Field `nats_urls` is variable `LOCALGROUP_NATS_URLS`. An empty variable counts as not set."""
    variables = {name: f"{prefix}{name.upper()}" for name in model.model_fields}
    given = {name: value for name, variable in variables.items() if (value := environ.get(variable))}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadEnvironment(
            "\n".join(_sentence(problem["loc"], problem["msg"], prefix) for problem in problems)
        ) from None


def _sentence(location: tuple[int | str, ...], message: str, prefix: str) -> str:
    if not location:
        return message
    return f"{prefix}{str(location[0]).upper()}: {message}"
