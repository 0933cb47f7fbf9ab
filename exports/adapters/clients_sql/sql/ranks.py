"""Let the database rank codes exactly as it orders clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, literal_column, select, union_all

from exports.adapters.clients_sql.sql.columns import CLIENTS, ClientView
from exports.adapters.clients_sql.sql.statements import code_bound


def ranks(view: ClientView, codes: Sequence[str]) -> Select[Any]:
    """Select the place of each code in `codes`, counted from 0, and its dense rank in key order; sorted by place.

    The union with an empty selection of clients gives the codes the type and the collation of the view's column. So the
    database orders them by the same rules as its clients, which it orders by the column itself.
    """
    nobody = select(CLIENTS.c.code.label("ranked"), literal_column("0").label("place")).where(
        literal_column("1") == literal_column("0")
    )
    numbered = (
        select(code_bound(view, f"code{place}", code).label("ranked"), literal_column(str(place)).label("place"))
        for place, code in enumerate(codes)
    )
    all_codes = union_all(nobody, *numbered).subquery("codes")
    return select(all_codes.c.place, func.dense_rank().over(order_by=all_codes.c.ranked)).order_by(all_codes.c.place)
