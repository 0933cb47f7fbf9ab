"""Renders JSON Schemas as HTML: types, bounds, tables of properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]

_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matches {}",
}


def inline(text: str) -> str:
    """Escape text, and render the parts in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def name_of(schema: Json) -> str:
    """Return the name of the component that a reference points to."""
    return str(schema["$ref"]).rpartition("/")[2]


def kind_of(schema: Json) -> str:
    """Render the type of a value, with links to the models."""
    if "$ref" in schema:
        name = escape(name_of(schema))
        return f'<a href="#model-{name}">{name}</a>'
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return " or ".join(kind_of(option) for option in schema[word])
    if "items" in schema:
        return f"array of {kind_of(schema['items'])}{_or_null(schema)}"
    kinds = schema.get("type", "any")
    return escape(" or ".join(kinds) if isinstance(kinds, list) else kinds)


def constraints_of(schema: Json) -> str:
    """Render the bounds of a value."""
    bounds = [escape(schema["format"])] if "format" in schema else []
    if "enum" in schema:
        bounds.append("one of " + ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"]))
    if "enum" in schema.get("items", {}):
        bounds.append(constraints_of(schema["items"]))
    for name, bound in _BOUNDS.items():
        if name in schema:
            shown = f"<code>{escape(schema[name])}</code>" if name == "pattern" else f"{schema[name]:,}"
            bounds.append(bound.format(shown))
    if "default" in schema:
        bounds.append(f"default <code>{escape(str(schema['default']).lower())}</code>")
    return f'<span class="dim">{"; ".join(bounds)}</span>' if bounds else ""


def render_schema(schema: Json, label: str) -> str:
    """Render an object as a table of its properties, and any other schema in one line."""
    if "properties" not in schema:
        return f"<p>{kind_of(schema)} {constraints_of(schema)}</p>"
    required = schema.get("required", ())
    rows = (_row(name, value, name in required) for name, value in schema["properties"].items())
    return render_table(label, ("Property", "Type", "Meaning"), rows)


def render_table(label: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Render a table. A keyboard reaches it, because in a narrow window it may be wider than its place."""
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    lines = []
    for first, *rest in rows:
        lines.append(f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(label)}"><table>'
        f"<thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def render_example(label: str, text: str, language: str = "json") -> str:
    """Render lines of code. A keyboard reaches them, for the same reason."""
    return (
        f'<pre tabindex="0" role="group" aria-label="{escape(label)}" data-language="{language}">'
        f"<code>{escape(text)}</code></pre>"
    )


def _row(name: str, schema: Json, required: bool) -> tuple[str, str, str]:
    mark = ' <span class="dim">required</span>' if required else ""
    return (
        f"<code>{escape(name)}</code>{mark}",
        f"{kind_of(schema)} {constraints_of(schema)}",
        inline(schema.get("description", "")),
    )


def _or_null(schema: Json) -> str:
    return " or null" if isinstance(schema.get("type"), list) and "null" in schema["type"] else ""
