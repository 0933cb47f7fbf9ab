"""Ask PostgreSQL about the view `clients`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, event, text

from exports.adapters.clients_sql.dialects.postgresql_plans import INDEX_SCANS, Plan, nodes_of, plan_of
from exports.adapters.clients_sql.inspection.findings import ChangedCollation, KeyUse, UnstableFunction
from exports.adapters.clients_sql.inspection.inspector import Explain, ViewInspector
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit

_COLUMN = re.compile(r'(?P<alias>"(?:[^"]|"")+"|\w+)\.(?P<column>"(?:[^"]|"")+"|\w+)')
_PLAIN_COLUMN = re.compile(r'"(?:[^"]|"")+"|\w+')

_UNSTABLE = r"""
WITH RECURSIVE views (oid) AS (
    SELECT to_regclass('clients')::oid
    UNION
    SELECT relation.oid
    FROM views
    JOIN pg_rewrite AS rule ON rule.ev_class = views.oid
    JOIN pg_depend AS needs ON needs.classid = 'pg_rewrite'::regclass AND needs.objid = rule.oid
    JOIN pg_class AS relation ON needs.refclassid = 'pg_class'::regclass AND relation.oid = needs.refobjid
    WHERE relation.relkind = 'v'
), calls (view, function) AS (
    SELECT views.oid, needs.refobjid
    FROM views
    JOIN pg_rewrite AS rule ON rule.ev_class = views.oid
    JOIN pg_depend AS needs ON needs.classid = 'pg_rewrite'::regclass AND needs.objid = rule.oid
    WHERE needs.refclassid = 'pg_proc'::regclass
    UNION
    SELECT views.oid, found.id[1]::oid
    FROM views
    JOIN pg_rewrite AS rule ON rule.ev_class = views.oid
    CROSS JOIN LATERAL regexp_matches(
        rule.ev_action::text, ':(?:funcid|aggfnoid|winfnoid|tsmhandler) (\d+)', 'g'
    ) AS found (id)
    UNION
    SELECT views.oid, operator.oprcode::oid
    FROM views
    JOIN pg_rewrite AS rule ON rule.ev_class = views.oid
    CROSS JOIN LATERAL regexp_matches(rule.ev_action::text, ':opno (\d+)', 'g') AS found (id)
    JOIN pg_operator AS operator ON operator.oid = found.id[1]::oid
)
SELECT DISTINCT calls.function::regprocedure::text, calls.view::regclass::text
FROM calls JOIN pg_proc AS function ON function.oid = calls.function
WHERE function.provolatile = 'v'
ORDER BY 1, 2
"""
"""Finds volatile functions in the stored trees of views. `pg_depend` alone names no built-in function, such as
`random`, because it has no rows for pinned objects."""

_WITH_POLICIES = r"""
WITH RECURSIVE relations (oid, reader) AS (
    SELECT to_regclass('clients')::oid, (SELECT oid FROM pg_roles WHERE rolname = current_user)
    UNION
    SELECT read.oid, read.reader
    FROM relations
    JOIN pg_class AS relation ON relation.oid = relations.oid AND relation.relkind = 'v'
    JOIN pg_rewrite AS rule ON rule.ev_class = relations.oid
    JOIN pg_depend AS needs ON needs.classid = 'pg_rewrite'::regclass AND needs.objid = rule.oid
    CROSS JOIN LATERAL (
        SELECT needs.refobjid, CASE WHEN (
            SELECT option_value::boolean FROM pg_options_to_table(relation.reloptions)
            WHERE option_name = 'security_invoker'
        ) THEN relations.reader ELSE relation.relowner END
        WHERE needs.refclassid = 'pg_class'::regclass AND needs.refobjid <> relations.oid
        UNION ALL
        SELECT named.oid, CASE WHEN function.prosecdef THEN function.proowner ELSE (
            SELECT oid FROM pg_roles WHERE rolname = current_user
        ) END
        FROM pg_proc AS function
        JOIN pg_class AS named ON named.relkind = 'v' OR named.relrowsecurity
        WHERE needs.refclassid = 'pg_proc'::regclass AND function.oid = needs.refobjid
            AND named.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            AND (function.prosrc ~* ('\m' || regexp_replace(named.relname, '(\W)', '\\\1', 'g') || '\M') OR EXISTS (
                SELECT FROM pg_depend AS body WHERE body.classid = 'pg_proc'::regclass AND body.objid = function.oid
                AND body.refclassid = 'pg_class'::regclass AND body.refobjid = named.oid
            ))
    ) AS read (oid, reader)
)
SELECT DISTINCT relation.oid::regclass::text
FROM relations
JOIN pg_class AS relation ON relation.oid = relations.oid
JOIN pg_roles AS role ON role.oid = relations.reader
WHERE relation.relrowsecurity AND NOT role.rolsuper AND NOT role.rolbypassrls
    AND (relation.relforcerowsecurity OR NOT pg_has_role(role.oid, relation.relowner, 'USAGE'))
ORDER BY 1
"""
"""Finds the tables whose row-level security applies. A view reads with the rights of its owner, one with
`security_invoker` with those of its reader ("CREATE VIEW" and "Row Security Policies" in the documentation), and a
function with those of the user, or of its owner if it is SECURITY DEFINER. Of a function's body the catalogue mostly
keeps only text, so a table or a view counts if its name is a word of the text. Calls in the body are not followed."""

_CHANGED_COLLATIONS = """
SELECT DISTINCT format('%%I.%%I', schema.nspname, used.collname), used.collversion, found.version,
    format('ALTER COLLATION %%I.%%I REFRESH VERSION', schema.nspname, used.collname)
FROM pg_attribute AS attribute
JOIN pg_collation AS used ON used.oid = attribute.attcollation
JOIN pg_namespace AS schema ON schema.oid = used.collnamespace
CROSS JOIN LATERAL (SELECT pg_collation_actual_version(used.oid) AS version) AS found
WHERE attribute.attrelid = to_regclass('clients') AND used.collversion <> found.version
"""
_CHANGED_DEFAULT = """
UNION ALL
SELECT format('of the database %%I', database.datname), database.datcollversion, found.version,
    format('ALTER DATABASE %%I REFRESH COLLATION VERSION', database.datname)
FROM pg_database AS database
CROSS JOIN LATERAL (SELECT pg_database_collation_actual_version(database.oid) AS version) AS found
WHERE database.datname = current_database() AND database.datcollversion <> found.version AND EXISTS (
    SELECT FROM pg_attribute AS attribute JOIN pg_collation AS used ON used.oid = attribute.attcollation
    WHERE attribute.attrelid = to_regclass('clients') AND used.collprovider = 'd'
)
"""
_VERSION_OF_DEFAULTS = (15,)
"""The first version of PostgreSQL that records a version of a database's default collation."""

_HAS_BOTH = text(
    "SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attname IN ('tenant', 'code')"
)

_HAS_INDEX = text("""
SELECT EXISTS (
    SELECT FROM pg_index AS index WHERE index.indrelid = to_regclass(:table) AND index.indisvalid
    AND index.indpred IS NULL AND CAST(:columns AS text[]) = (
        SELECT array_agg(quote_ident(attribute.attname) ORDER BY part.place)
        FROM unnest(index.indkey::int2[]) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = part.number
        WHERE part.place <= 2
    )
)
""")
_ROOTS = text(
    "SELECT DISTINCT pg_partition_root(to_regclass(name))::regclass::text "
    "FROM unnest(CAST(:tables AS text[])) AS of (name)"
)


class PostgresqlInspector(ViewInspector):
    """Reads the catalogue and the plans of PostgreSQL."""

    def limit(self, engine: Engine, limit: TimeLimit) -> None:
        """Limit each transaction, after the source has given it the limit of exports."""

        def shorten(connection: Connection) -> None:
            milliseconds = round(limit.seconds_left * 1000)
            connection.execute(text(f"SELECT set_config('statement_timeout', '{milliseconds}ms', true)")).close()

        event.listen(engine, "begin", shorten)

    def unstable_functions(self, connection: Connection) -> list[UnstableFunction] | None:
        """Search the stored trees of the view, and of all views below it."""
        found = connection.exec_driver_sql(_UNSTABLE)
        return [UnstableFunction(name, "VOLATILE", view) for name, view in found]

    def tables_with_hidden_rows(self, connection: Connection) -> list[str]:
        """Search the relations behind the view for row-level security that applies to the user who reads them."""
        return list(connection.exec_driver_sql(_WITH_POLICIES).scalars())

    def changed_collations(self, connection: Connection) -> list[ChangedCollation]:
        """Compare the versions in the catalogue with those of the libraries, as PostgreSQL does for its own warning."""
        records_defaults = (connection.dialect.server_version_info or ()) >= _VERSION_OF_DEFAULTS
        found = connection.exec_driver_sql(_CHANGED_COLLATIONS + _CHANGED_DEFAULT * records_defaults)
        return [ChangedCollation(*row) for row in found]

    def key_use(self, connection: Connection, page: Select[Any], keys: Select[Any]) -> KeyUse | None:
        """Explain the page; if no index serves it, explain it again without the rival plans of small tables."""
        plan = _explain(connection, page)
        if (scan := _ordered_scan(plan)) is not None:
            return KeyUse(True, "reads each page from the index", str(scan["Index Name"]))
        connection.execute(
            text("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)")
        )
        if (scan := _ordered_scan(_explain(connection, page))) is not None:
            rare = "does not use it now, because the table is small or needs ANALYZE"
            return KeyUse(True, rare, str(scan["Index Name"]))
        change = _change(connection, _explain(connection, keys))
        steps = ", ".join(dict.fromkeys(node["Node Type"] for node in nodes_of(plan)))
        costs = f"reads and sorts a table for each page ({steps}; cost {plan['Total Cost']:,.0f})"
        return KeyUse(False, costs, change=change)


def _explain(connection: Connection, statement: Select[Any]) -> Plan:
    return plan_of(connection.execute(Explain("EXPLAIN (VERBOSE, FORMAT JSON)", statement)).scalar_one())


def _ordered_scan(plan: Plan) -> Plan | None:
    """Return the scan of an index that gives a page in order; None if the plan sorts, or compares codes row by row."""
    nodes = list(nodes_of(plan))
    if any(node["Node Type"] in ("Sort", "Incremental Sort") for node in nodes):
        return None
    scans = (node for node in nodes if node["Node Type"] in INDEX_SCANS)
    return next((scan for scan in scans if ">=" in scan.get("Index Cond", "")), None)


def _change(connection: Connection, plan: Plan) -> str:
    """Write the index, from the expressions that the plan shows behind `tenant` and `code`."""
    scans = [node for node in nodes_of(plan) if "Relation Name" in node]
    tables = {node["Alias"]: f"{node['Schema']}.{node['Relation Name']}" for node in scans}
    if foreign := [tables[node["Alias"]] for node in scans if node["Node Type"] == "Foreign Scan"]:
        return (
            f"{foreign[0]} is a foreign table, which has no index here. On its own server, give the table behind it a "
            "unique index on the columns behind (tenant, code)."
        )
    if "Output" not in plan:
        return _change_of_parts(connection, scans, tables)
    tenant, code = _keys(plan, tables)
    if tenant is not None and code is not None:
        if tenant[0] == code[0]:
            return _index(connection, code[0], tenant[1], code[1])
        return (
            f"tenant is a column of {tenant[0]} and code one of {code[0]}, so no index can hold both. "
            f"Copy the tenant into {code[0]} and index (tenant, {code[1]}) there."
        )
    if len(tables) == 1:  # PostgreSQL plans a view with a volatile function on its own
        (table,) = tables.values()
        has_both = connection.execute(_HAS_BOTH, {"table": table}).scalar()
        if has_both:
            return _index(connection, table, "tenant", "code")
    return "Let tenant and code be plain columns of one table, and give this table a unique index on them."


def _index(connection: Connection, table: str, tenant: str, code: str) -> str:
    """Write the index, unless the table has it: then it is the view that keeps a page from using it."""
    if connection.execute(_HAS_INDEX, {"table": table, "columns": [tenant, code]}).scalar():
        return (
            f"{table} has an index on ({tenant}, {code}), but the view keeps a page from using it. Write the view "
            "without LIMIT, DISTINCT, GROUP BY, window functions and WITH."
        )
    return f"CREATE UNIQUE INDEX ON {table} ({tenant}, {code});"


def _change_of_parts(connection: Connection, scans: Sequence[Plan], tables: Mapping[str, str]) -> str:
    """Write the index of a view that puts several tables together: the partitions of one table, or a UNION ALL.

    A unique index of a partitioned table would have to hold the columns by which it is partitioned.
    """
    roots = set(connection.execute(_ROOTS, {"tables": list(tables.values())}).scalars())
    if len(roots) == 1 and None not in roots:
        tenant, code = _keys(scans[0], tables)
        if tenant is not None and code is not None:
            return f"CREATE INDEX ON {roots.pop()} ({tenant[1]}, {code[1]});"
    return "Give each of the tables that the view puts together an index on the columns behind (tenant, code)."


def _keys(plan: Plan, tables: Mapping[str, str]) -> list[tuple[str, str] | None]:
    """Return the tables and the columns behind `tenant` and `code`, as far as they are plain columns."""
    return [_column(expression, tables) for expression in plan["Output"][:2]]


def _column(expression: str, tables: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the table and the column of a plain expression."""
    if (found := _COLUMN.fullmatch(expression)) is not None:
        table = tables.get(found["alias"].strip('"'))
        return None if table is None else (table, found["column"])
    if len(tables) == 1 and _PLAIN_COLUMN.fullmatch(expression):
        return next(iter(tables.values())), expression
    return None
