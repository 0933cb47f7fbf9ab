"""Writes objects as rows of Table Storage and reads them back, by the fields of their class.

An adapter names only the fields that are stored in an unusual form. So a field that is added to a class is stored
without a change to the adapter, and cannot be forgotten there.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property, lru_cache
from types import UnionType
from typing import Any, Generic, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from azure.data.tables import EdmType, EntityProperty
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from shared.same_object import SameObject

T = TypeVar("T")
_KEPT_DOCUMENTS = 8
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Form:
    """How the value of a field is stored. A value of None is not stored at all.

    Attributes:
        write: Turns the value into the one that is stored; None: the value is stored as it is.
        read: Turns the stored value back; None: it is taken as it is.
        name: Name of the stored property; None: the name of the field in camelCase.
    """

    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None
    name: str | None = None

    def named(self, name: str) -> Form:
        """Return the same form under another name of the property."""
        return dataclasses.replace(self, name=name)


def plain_moment(value: datetime) -> datetime:
    """Turn the SDK's subclass of datetime, which also holds the service's text, into a plain datetime in UTC."""
    return _EPOCH + (value - _EPOCH)


def _plain_int(value: Any) -> int:
    """Return an integer that the SDK may have wrapped to say that it has 64 bits."""
    number: int = value.value if isinstance(value, EntityProperty) else value
    return number


PLAIN = Form()
"""Strings, truth values, bytes, floats and integers of 32 bits are stored as they are."""

MOMENT = Form(read=plain_moment)
INT64 = Form(lambda value: EntityProperty(value, EdmType.INT64), _plain_int)
"""Integers that may need more than 32 bits. The SDK refuses them unless they are marked."""

TEXTS = Form(json.dumps, lambda text: tuple(json.loads(text)))
"""A tuple of strings, as a JSON array."""


def json_text(model: type[BaseModel], *, exclude_defaults: bool = False) -> Form:
    """Store a model as JSON text. A text property holds at most 32 Ki characters."""

    def write(value: BaseModel) -> str:
        return value.model_dump_json(by_alias=True, exclude_defaults=exclude_defaults)

    return Form(write, model.model_validate_json)


def compressed_json(model: type[BaseModel], *, exclude_defaults: bool = False) -> Form:
    """Store a model as compressed JSON, because a text property ends at 32 Ki characters.

    The model must be immutable. Equal properties are read once and share one object, which is written once: the same
    few documents stand in many rows, and some hold dozens of columns.
    """

    @lru_cache(maxsize=_KEPT_DOCUMENTS)
    def write(same: SameObject[BaseModel]) -> bytes:
        text = same.value.model_dump_json(by_alias=True, exclude_defaults=exclude_defaults)
        return zlib.compress(text.encode())

    @lru_cache(maxsize=_KEPT_DOCUMENTS)
    def read(data: bytes) -> BaseModel:
        return model.model_validate_json(zlib.decompress(data))

    return Form(lambda value: write(SameObject(value)), read)


class _Property(NamedTuple):
    """A field with a property of its own: the name and form of that property, and whether every row has it."""

    field: str
    name: str
    form: Form
    is_required: bool


@dataclass(frozen=True)
class RowCodec(Generic[T]):
    """Turns objects of one class into properties of a row, and back.

    Attributes:
        model: A dataclass or a pydantic model.
        elsewhere: Fields without a property of their own, because they are part of the row's keys or of its metadata.
            The caller passes their values to `read`.
        forms: Forms of the fields that are not stored in the usual form of their type.
        always_present: Fields with a default that every version of the service has stored. A row without one of them
            is damaged. A row may lack other fields with a default, which were added later, and then gets the default.
    """

    model: type[T]
    elsewhere: Collection[str] = ()
    forms: Mapping[str, Form] = field(default_factory=dict)
    always_present: Collection[str] = ()

    def write(self, item: T) -> dict[str, Any]:
        """Return the properties of an object's row, without its keys."""
        row = {}
        for field_name, name, form, _ in self._properties:
            value = getattr(item, field_name)
            if value is not None:
                row[name] = value if form.write is None else form.write(value)
        return row

    def read(self, row: Mapping[str, Any], **elsewhere: Any) -> T:
        """Build an object from a row.

        Args:
            row: The row; properties that no field names are ignored.
            elsewhere: Values of the fields in `RowCodec.elsewhere`, by name.

        Raises:
            Exception: The row is damaged. Which class of exception depends on the damage.
        """
        values = elsewhere
        for field_name, name, form, is_required in self._properties:
            if is_required or name in row:
                value = row[name]
                values[field_name] = value if form.read is None else form.read(value)
        return self.model(**values)

    @cached_property
    def _properties(self) -> list[_Property]:
        hints, has_default = get_type_hints(self.model), _fields(self.model)
        unknown = {*self.elsewhere, *self.forms, *self.always_present} - has_default.keys()
        if unknown:
            message = f"{self.model.__name__} has no fields {sorted(unknown)}."
            raise TypeError(message)
        return [
            self._property(name, hints[name], is_required=not optional or name in self.always_present)
            for name, optional in has_default.items()
            if name not in self.elsewhere
        ]

    def _property(self, name: str, hint: Any, *, is_required: bool) -> _Property:
        form = self.forms.get(name) or _usual_form(self.model, name, hint)
        return _Property(name, form.name or to_camel(name), form, is_required)


def _fields(model: type[Any]) -> dict[str, bool]:
    """List the names of a class's fields, and whether each has a default."""
    if issubclass(model, BaseModel):
        return {name: not each.is_required() for name, each in model.model_fields.items()}
    missing = dataclasses.MISSING
    return {
        each.name: each.default is not missing or each.default_factory is not missing
        for each in dataclasses.fields(model)
    }


def _usual_form(model: type[Any], name: str, hint: Any) -> Form:
    kinds = (
        [kind for kind in get_args(hint) if kind is not type(None)]
        if get_origin(hint) in (UnionType, Union)
        else [hint]
    )
    kind = kinds[0]
    if len(kinds) == 1 and isinstance(kind, type):
        if issubclass(kind, Enum):
            return Form(lambda value: value.value, kind)
        if issubclass(kind, BaseModel):
            return json_text(kind)
        if issubclass(kind, datetime):
            return MOMENT
        if issubclass(kind, (str, int, float, bytes)):
            return PLAIN
    message = f"Say in which form {model.__name__}.{name} is stored: {hint} has no usual form."
    raise TypeError(message)
