"""Through the service, on every database: what stands in a cell, and which columns and values are refused, and how."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.sources.service import Service, columns
from tests.support.libreoffice import Language, formulas, open_csv
from tests.support.system import download


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


def _keep(service: Service, kept: Kept) -> None:
    """Keep a client C0, C1, … for each value, or clients with the values as their codes."""
    if kept.column == "code":
        service.keep(f"code {kept.declared}", *kept.values)
        service.view()
        return
    rows = (f"'C{place}', {value}" for place, value in enumerate(kept.values))
    service.keep(f"code varchar(9) PRIMARY KEY, value {kept.declared}", *rows)
    service.view(**{kept.column: "value"})


def test_values_of_other_types_stand_in_cells_as_documented(service: Service) -> None:
    for kept in CELLS[service.dialect]:
        _keep(service, kept)
        cells = "".join(f"C{place},{cell}\r\n" for place, cell in enumerate(kept.expected))
        assert service.file(columns("Code", kept.field)).decode() == f"Code,{kept.field}\r\n{cells}"


def test_job_estimate_and_health_refuse_a_type_in_the_same_words(service: Service) -> None:
    for kept in REFUSED_TYPES[service.dialect]:
        _keep(service, kept)
        answers = service.refusal(columns("Code", kept.field))
        message = answers.failure["message"]
        assert (answers.failure["code"], answers.failure["retryable"]) == ("source-mismatch", False)
        assert [word for word in (kept.column, *kept.expected) if word not in message] == []
        assert answers.problem["detail"] == message
        assert (answers.health["status"], answers.health["detail"]) == ("Unhealthy", message)


def test_job_and_estimate_name_the_column_and_the_client_of_a_bad_value(service: Service) -> None:
    for kept in REFUSED_VALUES[service.dialect]:
        _keep(service, kept)
        answers = service.refusal(columns("Code", kept.field))
        message = answers.failure["message"]
        assert (answers.failure["code"], answers.failure["retryable"]) == ("source-mismatch", False)
        assert [word for word in (kept.column, "code C1", *kept.expected) if word not in message] == []
        assert answers.problem["detail"] in message


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


def test_the_guard_looks_behind_separators_line_breaks_and_nul_in_every_preset(service: Service) -> None:
    rows = [f"'c{place}', '{text}'" for place, text in enumerate(FORMULAS)]
    if nul := NUL.get(service.dialect):
        rows += [f"'c4', {nul.format('=1+1')}", f"'c5', {nul.format('0123')}"]
    service.keep("code varchar(9) PRIMARY KEY, name varchar(60)", *rows)
    service.view(name="name")

    for preset, guarded in GUARDED.items():
        separator = {"tsv": b"\t", "excelEu": b";"}.get(preset, b",")
        constant = b'"=""0123"""' if "excel" in preset else b"0123"
        behind_nul = b"c4" + separator + b"'=1+1\r\nc5" + separator + constant + b"\r\n" if nul else b""
        job = service.job({"columnMappings": HEADERS, "format": {"preset": preset}})
        assert download(job) == guarded + behind_nul
        assert service.manifest(job).get("removedCharacters") == (2 if nul else None)


@pytest.mark.parametrize(("separator", "language"), [(";", Language.GERMAN), (",", Language.ENGLISH_UK)])
def test_nothing_runs_in_the_files_that_the_service_wrote(separator: str, language: Language) -> None:
    for sheet in open_csv([*GUARDED.values()], separator, language):
        assert [formula for formula in formulas(sheet) if "0123" not in formula] == []


def test_without_headers_a_first_code_that_begins_with_id_is_quoted(service: Service) -> None:
    service.keep("code varchar(9) PRIMARY KEY", "'ID1'", "'ID2'")
    service.view()

    assert service.file(columns("Code", "Name") | {"includeHeaders": False}) == b'"ID1",a name\r\nID2,a name\r\n'


def test_headers_that_readers_change_are_400_with_a_pointer_each(service: Service) -> None:
    headers = [" ", "\u3000", " Name", "Name ", "\u00a0x", "a\0b", "\t"]
    fields = ("Code", "Name", "Email", "Utr", "Team", "Manager", "Partner")
    mappings = [{"csvHeader": header, "targetField": field} for header, field in zip(headers, fields, strict=True)]

    response = service.system.start_export({"columnMappings": mappings})

    assert (response.status, response.json["code"]) == (400, "invalid-request")
    pointers = [error["pointer"] for error in response.json["errors"]]
    assert pointers == [f"/columnMappings/{place}/csvHeader" for place in range(len(headers))]
