"""What the tests of this folder keep in each kind of database, and what they expect of the service."""

from __future__ import annotations

from typing import Any, NamedTuple

CLIENTS = 1_100
UUID = "6ecd8c99-4036-403d-bf84-cf8400f67836"
MIXED = "substr('aBcDeF', 1 + mod(g, 6), 1)"

KEYS = {
    "postgresql": {
        "citext": f"{MIXED} || lpad(g::text, 6, '0')",
        "int": "g - 500",
        "uuid": "md5(g::text)::uuid",
        "numeric(12, 2)": "g - 500.25",
    },
    "mysql": {
        "varchar(20) COLLATE utf8mb4_general_ci": f"concat({MIXED}, lpad(g, 6, '0'))",
        "int": "g - 500",
        "uuid": "uuid()",
        "decimal(12, 2)": "g - 500.25",
    },
    "sqlite": {"TEXT COLLATE NOCASE": "substr('aBcDeF', 1 + g % 6, 1) || printf('%06d', g)", "INTEGER": "g - 500"},
}

STATUS = {
    "postgresql": "st",
    "mysql": "enum('Active', 'Inactive', 'Prospect', 'LostProspect')",
    "sqlite": "text",
}
FOUND: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({}, ["A1", "A2"]),
    ({"statuses": ["Active"]}, ["A1"]),
    ({"managerCodes": ["1"]}, ["A1"]),
    ({"managerCodes": ["x", "2"]}, ["A2"]),
    ({"teamCodes": [UUID, "no uuid"]}, ["A1"]),
    ({"search": "123"}, ["A1"]),
    ({"statuses": ["Active", "Prospect"], "managerCodes": ["1", "2"], "teamCodes": [UUID]}, ["A1"]),
)
FOREIGN: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"search": "Łódź"}, []),
    ({"search": "😀"}, []),
    ({"search": "C\0"}, []),
    ({"managerCodes": ["Ł1", "\0", "M1\0"]}, []),
    ({"serviceCodes": ["Ł"]}, []),
    ({"teamCodes": ["Ł", "T1"]}, ["A1"]),
)


class Kept(NamedTuple):
    """A column of a type, some values in SQL, and what is expected: cells, or words of the refusal."""

    declared: str
    values: tuple[str, ...]
    expected: tuple[str, ...]
    column: str = "telephone"
    field: str = "Telephone"


CELLS = {
    "postgresql": (
        Kept("numeric(20, 10)", ("0", "0.0000001"), ("0.0000000000", "0.0000001000")),
        Kept("text[]", ("'{Director,Shareholder}'",), ("Director; Shareholder",)),
        Kept("jsonb", ("""'{"a": "x", "n": null}'""",), ('"{""a"":""x"",""n"":null}"',)),
        Kept("interval", ("'-1 month'",), ("'-1 mons",)),
        Kept("float8", ("'NaN'", "1e300", "0.1"), ("NaN", "1e+300", "0.1")),
        Kept("bool", ("true",), ("true",)),
        Kept("timestamptz", ("'2026-06-01 00:00+01'",), ("2026-05-31T23:00:00Z",)),
    ),
    "mysql": (
        Kept("decimal(20, 10)", ("0", "0.0000001"), ("0.0000000000", "0.0000001000")),
        Kept("set('Director', 'Shareholder')", ("'Director,Shareholder'",), ("Director; Shareholder",)),
        Kept("double", ("1e30", "0.1"), ("1e30", "0.1")),
        Kept("bit(8)", ("5",), ("5",)),
        Kept("time", ("'-100:00:01'",), ("'-100:00:01",)),
    ),
    "sqlite": (
        Kept("REAL", ("1234567890", "0.1", "1e300"), ("1234567890.0", "0.1", "1e+300")),
        Kept("", ("1", "'text'"), ("1", "text")),
    ),
}

DATE = ("incorporation_date", "IncorporationDate")
REFUSED_TYPES = {
    "postgresql": (
        Kept("bytea", (r"'\xdeadbeef'",), ("bytea", "encode(telephone, 'base64') AS telephone")),
        Kept("timestamptz", ("now()",), ("AT TIME ZONE 'Europe/London')::date AS incorporation_date",), *DATE),
        Kept("point", ("'(1,2)'",), ("point", "telephone::text AS telephone")),
    ),
    "mysql": (
        Kept("varbinary(10)", ("'ok'",), ("varbinary(10)", "HEX(telephone) AS telephone")),
        Kept("timestamp", ("'2026-06-01 00:00:00'",), ("CONVERT_TZ(incorporation_date", *DATE[:1]), *DATE),
    ),
    "sqlite": (Kept("REAL", ("1.5",), ("CAST(code AS TEXT) AS code", "REAL"), "code", "Name"),),
}
REFUSED_VALUES = {
    "postgresql": (
        Kept("date", ("'2026-01-31'", "'infinity'"), ("years 1 to 9999",), *DATE),
        Kept("date", ("'2026-01-31'", "'10000-01-01'"), ("years 1 to 9999",), *DATE),
        Kept("timestamp", ("'2026-01-31'", "'0044-03-15 BC'"), ("years 1 to 9999",)),
        Kept("time", ("'09:00'", "'24:00'"), ("before 24:00",)),
        Kept("text", ("'true'", "'maybe'"), ("boolean",), "vat_registered", "VatRegistered"),
    ),
    "mysql": (Kept("date", ("'2026-01-31'", "'0000-00-00'"), ("not a date (YYYY-MM-DD)",), *DATE),),
    "sqlite": (
        Kept("", ("'text'", "x'436166c3a9'"), ("has no text in a file", "to text in the view")),
        Kept("TEXT", ("'text'", "CAST(x'ff' AS TEXT)"), ("text must be valid",)),
        Kept("", ("'2026-01-31'", "'2026-06-01T00:00:00+01:00'"), ("not a date (YYYY-MM-DD)",), *DATE),
    ),
}

HEADERS = [{"csvHeader": "ID", "targetField": "Code"}, {"csvHeader": "Name", "targetField": "Name"}]
FORMULAS = ("x;=1+1;y", "x;=HYPERLINK(0)&1;", "a\n=1+1", "0123")
GUARDED = {
    "rfc4180": b"""\"ID",Name\r\nc0,x;'=1+1;y\r\nc1,x;'=HYPERLINK(0)&1;\r\nc2,"a\n'=1+1"\r\nc3,0123\r\n""",
    "tsv": b"""\"ID"\tName\r\nc0\tx;'=1+1;y\r\nc1\tx;'=HYPERLINK(0)&1;\r\nc2\t"a\n'=1+1"\r\nc3\t0123\r\n""",
    "excel": b"\xef\xbb\xbf"
    b"""ID,Name\r\nc0,x;'=1+1;y\r\nc1,x;'=HYPERLINK(0)&1;\r\nc2,"a\n'=1+1"\r\nc3,"=""0123\"""\r\n""",
    "excelEu": b"\xef\xbb\xbf"
    b"""ID;Name\r\nc0;"x;'=1+1;y"\r\nc1;"x;'=HYPERLINK(0)&1;"\r\nc2;"a\n'=1+1"\r\nc3;"=""0123\"""\r\n""",
}
NUL = {"mysql": "concat(char(0), '{}')", "sqlite": "char(0) || '{}'"}
