"""Builds the JSON Schemas of the models that travel over HTTP: the components of the OpenAPI 3.1 document."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal

from pydantic.alias_generators import to_camel, to_pascal
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from shared.models import Model

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]
READ: Mode = "validation"
"""The schema of a model that the service reads: an unknown property is an error."""
WRITTEN: Mode = "serialization"
"""The schema of a model that the service writes: unknown properties are allowed, since later versions may add some."""

_IDENTIFIER = re.compile(r"[A-Za-z]\w*")
_FIRST_LONG = 2**31
_ALWAYS = "x-always"
REFERENCE = "#/components/schemas/"


class _Generator(GenerateJsonSchema):
    """Describes models and properties by the docstrings of the models, and allows answers to gain properties.

    A model that extends another one need not describe the properties of that one again. Models that the service writes
    get the list `_ALWAYS`, which `make_schemas` removes: the properties that the present version always writes.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        found = super().model_schema(schema)
        if self.mode == WRITTEN:
            found.pop("additionalProperties", None)
            fields = schema["cls"].model_fields
            found[_ALWAYS] = [field.serialization_alias for field in fields.values() if not field.exclude_if]
        properties: dict[str, str] = {}
        for cls in reversed(schema["cls"].__mro__):
            found["description"], own = parse_docstring(inspect.getdoc(cls) or "")
            properties |= own
        for name, meaning in properties.items():
            if (found_property := found.get("properties", {}).get(to_camel(name))) is not None:
                found_property["description"] = meaning
        return found

    def enum_schema(self, schema: core_schema.EnumSchema) -> Schema:
        """Name values that are no identifiers: a generated client in C# has no other names for them."""
        found, members = super().enum_schema(schema), schema["members"]
        names = [to_pascal(member.name.lower()) for member in members]
        if not all(_IDENTIFIER.fullmatch(str(member.value)) for member in members):
            values = [{"name": name, "value": member.value} for name, member in zip(names, members, strict=True)]
            found |= {"x-enum-varnames": names, "x-ms-enum": {"name": schema["cls"].__name__, "values": values}}
        return found

    def int_schema(self, schema: core_schema.IntSchema) -> Schema:
        """Say that a number may need 64 bits, as the size of a file does: clients in C# and Java otherwise read 32."""
        found = super().int_schema(schema)
        return found if found.get("maximum", _FIRST_LONG) < _FIRST_LONG else found | {"format": "int64"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def make_schemas(
    models: Iterable[tuple[type[Model], Mode]], stored: Collection[type[Model]] = ()
) -> tuple[dict[tuple[type[Model], Mode], Schema], dict[str, Schema]]:
    """Build the schemas of models, each for reading or for writing.

    An answer always has all properties of its model, except those that are left out while they are None. So these are
    required: a generated client otherwise expects that each may be absent. References that may be null stay optional,
    because OpenAPI Generator 7.26 makes clients for C# that take no null for one that is required.

    Args:
        stored: Models whose answers are stored documents. An earlier version may have written one, without the
            properties that are newer, so only properties without a default are required there.

    Returns:
        A reference for each model, and all components by name, sorted by name.
    """
    references, document = models_json_schema(
        sorted(set(models), key=lambda item: (item[0].__name__, item[1])),
        ref_template=REFERENCE + "{model}",
        schema_generator=_Generator,
    )
    components = {_name(name): _tidy(schema) for name, schema in document.get("$defs", {}).items()}
    shown = {key: _tidy(schema) for key, schema in references.items()}
    older = _reachable([shown[model, WRITTEN] for model in stored], components)
    for name, schema in components.items():
        schema["title"] = name
        if (always := schema.pop(_ALWAYS, None)) and name not in older:
            known, properties = schema.get("required", ()), schema["properties"]
            present = [each for each in always if each in known or not _is_nullable_reference(properties[each])]
            schema.update({"required": present} if present else {})
    return shown, dict(sorted(components.items()))  # type: ignore[return-value]


def _is_nullable_reference(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _reachable(schemas: Iterable[Schema], components: Mapping[str, Schema]) -> set[str]:
    """Return the names of the components to which schemas refer, directly or through other components."""
    found: set[str] = set()
    waiting = [*schemas]
    while waiting:
        names = {name.removeprefix(REFERENCE) for name in re.findall(rf"{REFERENCE}[\w.-]+", str(waiting.pop()))}
        waiting += [components[name] for name in names - found]
        found |= names
    return found


def parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Split a docstring in Google style into its text and the meaning of each attribute."""
    body, _, listed = text.partition("Attributes:\n")
    entries = re.findall(r"^ {4}([\w, ]+): (.*(?:\n {8}.*)*)", listed, re.MULTILINE)
    meanings = {name.strip(): _one_line(meaning) for names, meaning in entries for name in names.split(",")}
    paragraphs = [_one_line(paragraph) for paragraph in body.strip().split("\n\n")]
    return "\n\n".join(paragraphs), meanings


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _name(generated: str) -> str:
    """Return the published name for the generated name of a generic model, or of a model that is read and written.

    A model that clients send as a body keeps its own name; if answers contain it too, the answers use `…Shown`.
    """
    name = re.sub(r"^(\w+?)Dto_(\w+?)_(?=-|$)", r"\1Of\2", generated)
    if re.search(r"Dto-\w+$", name):
        return name.removesuffix("-Input").replace("-Output", "Shown")
    return name.removesuffix("-Output").replace("-Input", "Input")


def _tidy(schema: Any) -> Any:
    return _walk(schema, _tidy_one)


def _walk(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """Apply a change to all objects of a schema, the inner ones first."""
    if isinstance(schema, Mapping):
        return change({name: _walk(value, change) for name, value in schema.items()})
    if isinstance(schema, list):
        return [_walk(item, change) for item in schema]
    return schema


def _tidy_one(schema: Schema) -> Schema:
    """Write `type: [string, "null"]` instead of `anyOf`, use the published names, and drop empty defaults."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        schema = {**schema, "$ref": REFERENCE + _name(reference.removeprefix(REFERENCE))}
    options = schema.get("anyOf")
    if isinstance(options, list) and len(options) == 2 and options[1] == {"type": "null"} and "type" in options[0]:
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        schema = {**options[0], "type": [options[0]["type"], "null"], **rest}
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if ("default" in schema and schema["default"] in (None, [])) or isinstance(schema.get("default"), Mapping):
        schema.pop("default")
    return schema
