"""Renders the OpenAPI document as one HTML document, without scripts and without content from another host."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from exports.triggers.http.api_docs.advice import ADVICE
from exports.triggers.http.api_docs.getting_started import ANCHOR, TITLE, render_getting_started
from exports.triggers.http.api_docs.render_schemas import (
    constraints_of,
    inline,
    kind_of,
    name_of,
    render_example,
    render_schema,
    render_table,
)
from exports.triggers.http.problems import PROBLEMS

Json = Mapping[str, Any]

_OF_TENANT = "_of_tenant"
_METHODS = ("get", "post", "put", "delete")


def render_docs(document: Json) -> str:
    """Render the OpenAPI document. The style is inline; `content_policy` allows it by its hash."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title>
<link rel="icon" href="data:,">
<style>{_style()}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
{_navigation(document)}
<main id="content" tabindex="-1">
<h1>{title}</h1>
{_paragraphs(document["info"]["description"])}
<p>Generated from <a href="/openapi.json">/openapi.json</a> (OpenAPI {escape(document["openapi"])}).</p>
{render_getting_started(document["servers"][0]["url"])}
{"".join(_tag_section(document, tag) for tag in _tags(document))}
{_webhook_section(document)}
{_problem_section()}
{_model_section(document["components"]["schemas"])}
</main>
</body>
</html>
"""


def content_policy() -> str:
    """Build the Content-Security-Policy: it allows the inline style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _style() -> str:
    return Path(__file__).with_name("docs.css").read_text(encoding="utf-8")


# --- the table of contents


def _navigation(document: Json) -> str:
    lists = [_links("Start", [(ANCHOR, TITLE)])]
    lists += [_links(tag["name"], _operation_links(document, tag["name"])) for tag in _tags(document)]
    lists.append(_links("Webhooks", ((each["operationId"], each["summary"]) for each in _webhooks(document))))
    lists.append(_links("Problems", ((f"problem-{kind.code}", kind.code) for kind in PROBLEMS)))
    lists.append(_links("Models", ((f"model-{name}", name) for name in document["components"]["schemas"])))
    return f'<nav aria-label="Contents">{"".join(lists)}</nav>'


def _operation_links(document: Json, tag: str) -> Iterator[tuple[str, str]]:
    for _, _, operation in _operations(document, tag):
        yield operation["operationId"], operation["summary"]


def _links(title: str, links: Iterable[tuple[str, str]]) -> str:
    items = "".join(f'<li><a href="#{escape(anchor)}">{inline(text)}</a></li>' for anchor, text in links)
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>"


# --- operations


def _tags(document: Json) -> list[Json]:
    """Return the tags of routes. Webhooks have a section of their own."""
    return [tag for tag in document["tags"] if any(_operations(document, tag["name"]))]


def _operations(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method and operation of each route in its short form; the other form only adds the tenant."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            operation = item.get(method)
            if operation and tag in operation["tags"] and not operation["operationId"].endswith(_OF_TENANT):
                yield path, method, operation


def _tag_section(document: Json, tag: Json) -> str:
    rendered = (_operation(document, *found) for found in _operations(document, tag["name"]))
    return f"<h2>{escape(tag['name'])}</h2>{_paragraphs(tag['description'])}{''.join(rendered)}"


def _operation(document: Json, path: str, method: str, operation: Json) -> str:
    name = operation["operationId"]
    long = f"/tenants/{{tenant}}{path}"
    paths = [long, path] if long in document["paths"] else [path]
    item = document["paths"][paths[0]]
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    return f"""
<section aria-labelledby="{name}">
<h3 id="{name}">{inline(operation["summary"])}</h3>
{"".join(_path_line(method, each) for each in paths)}
{_paragraphs(_described(item[method]))}
{_parameter_table(name, parameters)}
{_body(operation.get("requestBody"), document)}
<h4>Example</h4>
{render_example("Example request", _curl(method, paths[0], operation), "sh")}
{_answers(name, document, operation["responses"])}
</section>"""


def _described(operation: Json) -> str:
    return str(operation["description"])


def _path_line(method: str, path: str) -> str:
    return f'<p class="path"><code><span class="method {method}">{method.upper()}</span> {escape(path)}</code></p>'


def _parameter_table(operation: str, parameters: Iterable[Json]) -> str:
    rows = [
        (
            f"<code>{escape(each['name'])}</code>",
            f"{escape(each['in'])}{', required' if each.get('required') else ''}",
            f"{kind_of(each['schema'])} {constraints_of(each['schema'])}",
            inline(each["description"]),
        )
        for each in parameters
    ]
    if not rows:
        return ""
    table = render_table(f"Parameters of {operation}", ("Name", "Where", "Type", "Meaning"), rows)
    return f"<h4>Parameters</h4>{table}"


def _body(body: Json | None, document: Json) -> str:
    if body is None:
        return ""
    schema = next(iter(body["content"].values()))["schema"]
    name = name_of(schema)
    properties = render_schema(document["components"]["schemas"][name], f"Properties of the body, {name}")
    return f"<h4>Body: {kind_of(schema)}</h4>{properties}"


def _curl(method: str, path: str, operation: Json) -> str:
    lines = [f"curl -i {'' if method == 'get' else f'-X {method.upper()} '}$SERVICE{path}"]
    if operation["security"]:
        lines.append('-H "x-api-key: $KEY"')
    if body := operation.get("requestBody"):
        media_type, media = next(iter(body["content"].items()))
        lines += [f"-H 'content-type: {media_type}'", f"-d '{_pretty(media.get('example', {}))}'"]
    return " \\\n  ".join(lines)


def _answers(operation: str, document: Json, responses: Json) -> str:
    shared = document["components"]["responses"]
    rows, examples = [], []
    for status, given in responses.items():
        answer = shared[given["$ref"].rpartition("/")[2]] if "$ref" in given else given
        rows.append((f"<code>{status}</code>", _meaning(answer), _headers(answer)))
        examples += [
            f"<details><summary>Example of {status}</summary>"
            f"{render_example(f'Example of {status}', _pretty(media['example']))}</details>"
            for media in answer.get("content", {}).values()
            if "example" in media
        ]
    table = render_table(f"Answers of {operation}", ("Status", "Meaning", "Headers"), rows)
    return f"<h4>Answers</h4>{table}{''.join(examples)}"


def _meaning(answer: Json) -> str:
    content: dict[str, Any] = answer.get("content", {})
    media_type, media = next(iter(content.items()), ("", None))
    if media and media_type == "application/problem+json":
        codes = media["examples"]
        return "; ".join(f'<a href="#problem-{code}"><code>{code}</code></a>' for code in codes)
    shown = kind_of(media["schema"]) if media and "$ref" in media["schema"] else escape(media_type)
    return f"{inline(answer['description'])}{f': {shown}' if shown else ''}"


def _headers(answer: Json) -> str:
    return "<br>".join(
        f"<code>{escape(name)}</code>: {inline(header['description'])}"
        for name, header in answer.get("headers", {}).items()
    )


# --- webhooks


def _webhooks(document: Json) -> list[Json]:
    return [item["post"] for item in document["webhooks"].values()]


def _webhook_section(document: Json) -> str:
    return f"<h2>Webhooks</h2>{''.join(_webhook(document, each) for each in _webhooks(document))}"


def _webhook(document: Json, operation: Json) -> str:
    name = operation["operationId"]
    example = next(iter(operation["requestBody"]["content"].values()))["example"]
    return f"""
<section aria-labelledby="{name}">
<h3 id="{name}">{inline(operation["summary"])}</h3>
{_path_line("post", "your webhookUrl")}
{_paragraphs(_described(operation))}
{_parameter_table(name, operation["parameters"])}
{_body(operation["requestBody"], document)}
<h4>Example</h4>
{render_example("Example of a webhook", _pretty(example))}
{_answers(name, document, operation["responses"])}
</section>"""


# --- problems and models


def _problem_section() -> str:
    rows = [
        (f'<code id="problem-{kind.code}">{kind.code}</code>', str(kind.status), escape(kind.title), inline(advice))
        for kind in PROBLEMS
        for advice in [ADVICE.get(kind.code, "")]
    ]
    return (
        "<h2>Problems</h2><p>Errors are <code>application/problem+json</code> (RFC 9457). Programs should use "
        "<code>code</code>; <code>type</code> is a link to this table.</p>"
        + render_table("Problems", ("Code", "Status", "Title", "What to do"), rows)
    )


def _model_section(schemas: Json) -> str:
    rendered = (
        f'<section aria-labelledby="model-{name}"><h3 id="model-{name}">{name}</h3>'
        f"{_paragraphs(schema.get('description', ''))}{render_schema(schema, f'Properties of {name}')}</section>"
        for name, schema in schemas.items()
    )
    return f"<h2>Models</h2>{''.join(rendered)}"


# --- building blocks


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
