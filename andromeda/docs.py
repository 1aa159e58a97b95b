"""The documentation for people: one page made from the OpenAPI description, readable without scripts or network.

A script of ours adds a button that tries a request; nothing comes from anywhere else, so the page's security policy
allows nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import orjson

Json = Mapping[str, Any]

STYLE_PATH = "/static/andromeda.css"
SCRIPT_PATH = "/static/try.js"
ICON_PATH = "/static/galaxy.svg"

CODE_SPAN = re.compile(r"`([^`]+)`")
TOKEN = re.compile(r'(?P<key>"[^"\n]*")(?=:)|(?P<text>"[^"\n]*")|(?P<word>\b(?:true|false|null)\b|-?\b[0-9][0-9.]*\b)')
PATH_VARIABLE = re.compile(r"\{(\w+)\}")


def page(description: Json) -> str:
    """`description` is an OpenAPI document as `andromeda.openapi` makes it."""
    info = description["info"]
    operations = [(path, item["get"]) for path, item in description["paths"].items()]
    tags = description["tags"]
    body = f"""
<nav aria-label="Contents">
  <a class="home" href="/"><img src="{ICON_PATH}" alt="" width="28" height="28">Local Group</a>
  {"".join(_contents(tag, operations) for tag in tags)}
  <h2>Shapes</h2>
  <ul>{"".join(_shape_link(name) for name in description["components"]["schemas"])}</ul>
</nav>
<main>
  <header>
    <h1>{escape(info["title"])} <small>{escape(info["version"])}</small></h1>
    {_prose(info["description"])}
    <p>For programs: <a href="/openapi.json">openapi.json</a></p>
  </header>
  {"".join(_section(tag, operations, description) for tag in tags)}
  {_errors(description)}
  {_shapes(description["components"]["schemas"])}
</main>"""
    return document(str(info["title"]), body, script=True)


def document(title: str, body: str, *, script: bool = False) -> str:
    scripts = f'<script src="{SCRIPT_PATH}" defer></script>' if script else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="{ICON_PATH}" type="image/svg+xml">
<link rel="stylesheet" href="{STYLE_PATH}">
{scripts}
</head>
<body>{body}
</body>
</html>
"""


def _contents(tag: Json, operations: Iterable[tuple[str, Json]]) -> str:
    links = "".join(
        f'<li><a href="#{_anchor(operation)}">{escape(operation["summary"])}</a></li>'
        for _, operation in _of(tag, operations)
    )
    return f"<h2>{escape(tag['name'].capitalize())}</h2><ul>{links}</ul>"


def _section(tag: Json, operations: Iterable[tuple[str, Json]], description: Json) -> str:
    cards = "".join(_card(path, operation, description) for path, operation in _of(tag, operations))
    return f"<section><h2>{escape(tag['name'].capitalize())}</h2><p>{escape(tag['description'])}</p>{cards}</section>"


def _of(tag: Json, operations: Iterable[tuple[str, Json]]) -> list[tuple[str, Json]]:
    return [(path, operation) for path, operation in operations if tag["name"] in operation["tags"]]


def _card(path: str, operation: Json, description: Json) -> str:
    parameters = [_resolved(parameter, description) for parameter in operation.get("parameters", [])]
    own = [parameter for parameter in parameters if parameter["in"] != "header"]
    return f"""
<article id="{_anchor(operation)}">
  <h3>{escape(operation["summary"])}</h3>
  <p class="path"><b>GET</b> <code>{_path(path)}</code></p>
  {_prose(operation["description"])}
  {_parameters(own)}
  {_trial(path, own)}
  {_responses(operation["responses"], description)}
</article>"""


def _path(path: str) -> str:
    return PATH_VARIABLE.sub(r"<var>{\1}</var>", escape(path))


def _parameters(parameters: Iterable[Json]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{_inline(parameter['description'])}</td>"
        f"<td>{_type(parameter['schema'])}</td></tr>"
        for parameter in parameters
    )
    head = "<thead><tr><th>Parameter</th><th>Meaning</th><th>Values</th></tr></thead>"
    return f'<div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>' if rows else ""


def _trial(path: str, parameters: Iterable[Json]) -> str:
    """Works as a plain link where there are no scripts."""
    fields = "".join(
        f'<label>{escape(parameter["name"])} <input name="{escape(parameter["name"])}" data-in="{parameter["in"]}"'
        f' value="{escape(str(parameter["example"]))}" size="12"></label>'
        for parameter in parameters
    )
    return (
        f'<form class="try" data-path="{escape(path)}" action="{escape(path)}">{fields}'
        '<button type="submit">Try it</button><output aria-live="polite"></output></form>'
    )


def _responses(responses: Json, description: Json) -> str:
    parts = []
    for status, response in responses.items():
        resolved = _resolved(response, description)
        if status == "200":
            parts.append(_answer(resolved))
    others = ", ".join(
        f'<a href="#error-{status}">{status}</a>' if "$ref" in response else escape(status)
        for status, response in responses.items()
        if status != "200"
    )
    return "".join(parts) + (f'<p class="others">Also: {others}</p>' if others else "")


def _answer(response: Json) -> str:
    content = next(iter(response["content"].values()))
    example = f"<pre><code>{_json(content['example'])}</code></pre>" if "example" in content else ""
    return f'<p class="answer"><b class="ok">200</b> {_type(content["schema"])}</p>{example}'


def _errors(description: Json) -> str:
    rows = "".join(
        f'<tr id="error-{status}"><td><b>{status}</b></td><td>{_inline(response["description"])}</td>'
        f"<td><code>{escape(response['content']['application/json']['example']['error']['code'])}</code></td></tr>"
        for status, response in description["components"]["responses"].items()
    )
    example = description["components"]["responses"]["422"]["content"]["application/json"]["example"]
    return (
        "<section><h2>Errors</h2><p>Every error has this one shape:</p>"
        f"<pre><code>{_json(example)}</code></pre>"
        '<div class="wide"><table><thead><tr><th>Status</th><th>When</th><th>Code</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _shapes(schemas: Json) -> str:
    return "<section><h2>Shapes</h2>" + "".join(_shape(name, schema) for name, schema in schemas.items()) + "</section>"


def _shape(name: str, schema: Json) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_type(part)}</td>"
        f"<td>{'always' if field in required else 'may be missing'}</td></tr>"
        for field, part in schema.get("properties", {}).items()
    )
    return (
        f'<article id="shape-{escape(name)}"><h3>{escape(name)}</h3>{_prose(schema.get("description", ""))}'
        f'<div class="wide"><table><tbody>{rows}</tbody></table></div></article>'
    )


def _shape_link(name: str) -> str:
    return f'<li><a href="#shape-{escape(name)}">{escape(name)}</a></li>'


def _type(schema: Json) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "const" in schema:
        return f"<code>{_json(schema['const'])}</code>"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"by key: {_type(schema['additionalProperties'])}"
    return escape(schema.get("type", "anything")) + _bounds(schema)


def _bounds(schema: Json) -> str:
    if "pattern" in schema:
        return f" <code>{escape(schema['pattern'])}</code>"
    if "maximum" in schema:
        return f", {schema.get('minimum', 0)} to {schema['maximum']}"
    if "maxLength" in schema:
        return f", up to {schema['maxLength']} characters"
    return ""


def _json(value: object) -> str:
    """Indented and coloured, with every character of it escaped."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    parts, end = [], 0
    for match in TOKEN.finditer(text):
        parts += [escape(text[end : match.start()]), f'<i class="{match.lastgroup}">{escape(match[0])}</i>']
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def _resolved(part: Json, description: Json) -> Json:
    """Follows a reference inside the document."""
    if "$ref" in part:
        found: Any = description
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return dict(found)
    return part


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph)


def _inline(text: str) -> str:
    return CODE_SPAN.sub(r"<code>\1</code>", escape(text, quote=False))


def _anchor(operation: Json) -> str:
    return escape(str(operation["operationId"]).replace(".", "-"))
