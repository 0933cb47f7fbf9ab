"""The real function app, but its key ranges compare codes of PostgreSQL as plain text, whatever their type is.

Versions without typed columns did so. Ranges of `citext` codes were compared in another order than clients were sorted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, bindparam

from exports.adapters.clients_sql.sql import statements
from exports.adapters.clients_sql.sql.columns import ClientView
from tests.faults.real_app import load_real_app


def _as_plain_text(view: ClientView, name: str, text: str) -> ColumnElement[Any]:
    return bindparam(name, text, String())


statements.code_bound = _as_plain_text
app = load_real_app()
