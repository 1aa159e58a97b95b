"""The description of the public API, put together from the contracts: shapes come from the same types that check
every reply, so the description cannot say anything else than the mesh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from andromeda.catalogue import RESOURCES, SUFFIX, Resource
from andromeda.courses import SEARCH_PATH
from andromeda.openapi_words import (
    ABOUT,
    DOCUMENT_EXAMPLES,
    ERRORS,
    OPERATION,
    PATH_PARAMETERS,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    SEARCH_EXAMPLE,
    SEARCH_PARAMETERS,
    TITLE,
)
from schema.action import Action
from schema.courses import SEARCH

Json = dict[str, Any]

OPENAPI_VERSION = "3.1.0"
SCHEMA_REFERENCE = "#/components/schemas/{model}"


def description(version: str) -> Json:
    actions: list[Action[Any, Any]] = [resource.action for resource in RESOURCES.values()] + [SEARCH]
    schemas, definitions = _schemas(actions)
    paths = {resource.template: {"get": _document(resource, schemas)} for resource in RESOURCES.values()}
    paths[SEARCH_PATH] = {"get": _search(schemas[SEARCH.name], definitions.pop("Search"))}
    paths |= {path: {"get": _operation(path, *words)} for path, words in OPERATION.items()}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": TITLE,
            "version": version,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "this region"}],
        "tags": [
            {"name": "catalogue", "description": "Documents by key, and a search over their classes."},
            {"name": "operation", "description": "For those who run it, and for programs."},
        ],
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Error": _error_schema()},
            "responses": {str(status): _error(*error) for status, error in ERRORS.items()},
            "parameters": {name: _header_parameter(name, *words) for name, words in REQUEST_HEADERS.items()},
            "headers": {name: _header(text) for name, text in RESPONSE_HEADERS.items()},
        },
    }


def _schemas(actions: list[Action[Any, Any]]) -> tuple[dict[str, Json], Json]:
    """The schema of each action's response, by its name, and what those refer to."""
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (action.name, "serialization", action.response_adapter) for action in actions
    ]
    wanted.append(("request", "validation", TypeAdapter(SEARCH.request)))
    schemas, shared = TypeAdapter.json_schemas(wanted, ref_template=SCHEMA_REFERENCE)
    return {name: schema for (name, _), schema in schemas.items()}, shared["$defs"]


def _document(resource: Resource, schemas: Mapping[str, Json]) -> Json:
    return {
        "operationId": resource.action.name,
        "tags": ["catalogue"],
        "summary": resource.summary,
        "description": f"The same with `{SUFFIX}` at the end.",
        "parameters": _path_parameters(resource) + _header_parameters(),
        "responses": _responses(schemas[resource.action.name], DOCUMENT_EXAMPLES[resource.folder], (404, 405)),
    }


def _path_parameters(resource: Resource) -> list[Json]:
    if resource.parameter is None:
        return []
    properties = resource.action.request.model_json_schema()["properties"]
    return [
        {
            "name": resource.parameter,
            "in": "path",
            "required": True,
            "description": PATH_PARAMETERS[resource.parameter],
            "schema": _given(properties[resource.parameter]),
            "example": resource.example,
        }
    ]


def _search(response: Json, request: Json) -> Json:
    return {
        "operationId": SEARCH.name,
        "tags": ["catalogue"],
        "summary": "Classes that match, best first",
        "description": "Every word must be in the code, the title, an instructor's name or the description. Matches of "
        "the code rank above those of the title, of an instructor and of the description, in this order.",
        "parameters": [_query_parameter(name, schema) for name, schema in request["properties"].items()]
        + _header_parameters(),
        "responses": _responses(response, SEARCH_EXAMPLE, (405, 422)),
    }


def _query_parameter(name: str, schema: Json) -> Json:
    text, example = SEARCH_PARAMETERS[name]
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": text,
        "schema": _given(schema),
        "example": example,
    }


def _given(schema: Json) -> Json:
    """A parameter is absent or has a value; it is never null, whatever the field behind it may be."""
    values = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    kept = values[0] if values else schema
    return {key: value for key, value in kept.items() if key not in ("title", "examples")}


def _header_parameters() -> list[Json]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in REQUEST_HEADERS]


def _header_parameter(name: str, text: str, example: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
        "example": example,
    }


def _operation(path: str, summary: str, text: str, media_type: str) -> Json:
    schema = {"type": "string"} if media_type == "text/plain" else {"type": "object"}
    responses = {"200": {"description": summary, "content": {media_type: {"schema": schema}}}}
    if path == "/readyz":
        responses["503"] = {"description": text, "content": {media_type: {"schema": schema}}}
    return {
        "operationId": path.strip("/").removesuffix(".json"),
        "tags": ["operation"],
        "summary": summary,
        "description": text,
        "responses": responses,
    }


def _responses(schema: Json, example: Any, refusals: tuple[int, ...]) -> Json:
    errors = sorted({400, *refusals, 429, 503, 504})
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in RESPONSE_HEADERS}
    return {
        "200": {
            "description": "The document.",
            "headers": headers,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        "304": {"description": "You have it already: no body.", "headers": headers},
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in errors},
    }


def _header(text: str) -> Json:
    return {"description": text, "schema": {"type": "string"}}


def _error(text: str, example: Json) -> Json:
    schema = {"$ref": SCHEMA_REFERENCE.format(model="Error")}
    return {"description": text, "content": {"application/json": {"schema": schema, "example": {"error": example}}}}


def _error_schema() -> Json:
    parts = {"code": {"type": "string"}, "message": {"type": "string"}, "parameter": {"type": "string"}}
    error = {"type": "object", "properties": parts, "required": ["code", "message"]}
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}
