"""Let the database rank codes exactly as it orders clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal_column, select, union_all

from exports.adapters.clients_sql.sql.columns import CLIENTS, CellForm, ClientView
from exports.adapters.clients_sql.sql.statements import code_bound, code_type_changed

_NUMBERS = (int, Decimal, float)
_Bind = Callable[[str, str], ColumnElement[Any]]


def rank_codes(connection: Connection, view: ClientView, codes: Sequence[str]) -> list[int]:
    """Return the dense rank of each code in key order. Equal codes are sent once."""
    places = {code: place for place, code in enumerate(dict.fromkeys(codes))}
    statement = _ranks([*places], _as_described(view) if _is_described(view) else _typed(connection))
    ranks = [rank for _, rank in connection.execute(statement)]
    return [ranks[places[code]] for code in codes]


def _ranks(codes: Sequence[str], bind: _Bind) -> Select[Any]:
    """Select the position of each code in `codes`, from 0, and its dense rank in key order; sorted by position.

    The union with an empty selection of clients gives the codes the type and the collation of the view's column. So the
    database orders them by the same rules as its clients, which it orders by the column itself.
    """
    nobody = select(CLIENTS.c.code.label("ranked"), literal_column("0").label("place")).where(
        literal_column("1") == literal_column("0")
    )
    numbered: list[Any] = [
        select(bind(f"code{place}", code).label("ranked"), literal_column(str(place)).label("place"))
        for place, code in enumerate(codes)
    ]
    all_codes = union_all(nobody, *numbered).subquery("codes")
    return select(all_codes.c.place, func.dense_rank().over(order_by=all_codes.c.ranked)).order_by(all_codes.c.place)


def _is_described(view: ClientView) -> bool:
    return view.column("code").form is not CellForm.UNKNOWN


def _as_described(view: ClientView) -> _Bind:
    return lambda name, code: code_bound(view, name, code)


def _typed(connection: Connection) -> _Bind:
    """Bind codes as values of the type that the driver gives: numbers in a union with text would be ordered as text."""
    kind = type(connection.execute(select(CLIENTS.c.code).limit(1)).scalar())

    def bind(name: str, code: str) -> ColumnElement[Any]:
        try:
            return bindparam(name, kind(code) if kind in _NUMBERS else code)
        except (ValueError, ArithmeticError):
            raise code_type_changed() from None

    return bind
