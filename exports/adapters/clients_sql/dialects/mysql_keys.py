"""Compare columns of MySQL and MariaDB with text, each in its own type and collation."""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Numeric, String, bindparam, case, collate, func, literal_column

from exports.adapters.clients_sql.dialects.mysql_types import UTF8MB4, MysqlType
from exports.adapters.clients_sql.sql.columns import CellForm

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,19}", re.ASCII)
_PADDED = re.compile(r"[0-9]{1,255}", re.ASCII)
_INTEGERS = range(-(2**63), 2**64)
_DECIMAL = re.compile(r"-?([0-9]{1,65})(?:\.([0-9]{1,38}))?", re.ASCII)
_MAX_DIGITS = 65
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
_ADDRESSES = {"inet4": IPv4Address, "inet6": IPv6Address}


def key_bound(of: MysqlType, name: str, text: str) -> ColumnElement[Any] | None:
    """Return text as a bound value that is compared as the column is ordered; None if the type has no such value."""
    if of.collation:
        return _text_bound(of, name, text)
    if of.form is CellForm.INTEGER:
        pattern = _PADDED if of.fills_zeros else _INTEGER
        is_number = pattern.fullmatch(text) is not None and int(text) in _INTEGERS
        return bindparam(name, int(text), BigInteger()) if is_number else None
    if of.form is CellForm.NUMERIC:
        return bindparam(name, Decimal(text), Numeric()) if _is_decimal(text) else None
    is_value = _UUID.fullmatch(text) is not None if of.form is CellForm.UUID else _is_address(of, text)
    return func.convert(bindparam(name, text, String()), literal_column(of.base)) if is_value else None


def _text_bound(of: MysqlType, name: str, text: str) -> ColumnElement[Any] | None:
    """Return text in the character set and the collation of a column, or NULL if the character set cannot hold it.

    The server converts it, so its own tables decide. Without this a comparison with such text fails with error 1267. So
    does one of two texts that are both literals, which a column of a view may be, without the COLLATE.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    bound: ColumnElement[Any] = bindparam(name, text, String())
    if of.charset == UTF8MB4:
        return collate(bound, of.collation)
    converted = _converted(bound, of.charset)
    is_held = func.hex(_converted(converted, UTF8MB4)) == func.hex(bound)
    return collate(case((is_held, converted)), of.collation)


def _converted(text: ColumnElement[Any], charset: str) -> ColumnElement[Any]:
    return func.convert(text.op("USING")(literal_column(charset)), type_=String())


def _is_decimal(text: str) -> bool:
    found = _DECIMAL.fullmatch(text)
    return found is not None and len(found[1].lstrip("0")) + len(found[2] or "") <= _MAX_DIGITS


def _is_address(of: MysqlType, text: str) -> bool:
    try:
        _ADDRESSES[of.base](text)
    except ValueError:
        return False
    return "%" not in text  # an IPv6 address with a zone
