"""The sample clients: realistic, repeatable, and with the values that break careless code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import pytest

from exports.commands.sample.clients import SAMPLE_COLUMNS, SampleClients
from exports.commands.sample.words import HOSTILE_NAMES
from exports.request.fields import VIEW_COLUMNS, ClientStatus, ClientType

COUNT = 5_000
PERSONS = {"Individual", "SoleTrader"}


@pytest.fixture(scope="module")
def clients() -> list[dict[str, Any]]:
    rows = SampleClients("northwind", 1).rows(1, COUNT)
    return [dict(zip(SAMPLE_COLUMNS, row, strict=True)) for row in rows]


def values(clients: list[dict[str, Any]], column: str) -> list[Any]:
    return [client[column] for client in clients if client[column] is not None]


def test_a_client_has_every_column_of_the_view() -> None:
    assert sorted(SAMPLE_COLUMNS) == sorted(VIEW_COLUMNS)


def test_a_client_depends_only_on_seed_and_number() -> None:
    whole = list(SampleClients("northwind", 7).rows(1, 100))

    again = [row for first in range(1, 101, 4) for row in SampleClients("northwind", 7).rows(first, 4)]

    assert again == whole


@pytest.mark.parametrize(("tenant", "seed"), [("harbour", 7), ("northwind", 8)])
def test_another_seed_or_tenant_gives_other_clients(tenant: str, seed: int) -> None:
    names = [row[SAMPLE_COLUMNS.index("name")] for row in SampleClients("northwind", 7).rows(1, 200)]
    others = [row[SAMPLE_COLUMNS.index("name")] for row in SampleClients(tenant, seed).rows(1, 200)]

    assert sum(one == other for one, other in zip(names, others, strict=True)) < 20


def test_codes_are_unique_and_sort_like_the_numbers(clients: list[dict[str, Any]]) -> None:
    assert all(one["code"] < other["code"] for one, other in pairwise(clients))


PATTERNS = {
    "company_number": r"\d{8}|(SC|NI|OC|SO|NC|CE|CS)\d{6}",
    "utr": r"\d{10}",
    "self_assessment_utr": r"\d{10}",
    "company_utr": r"\d{10}",
    "ni_number": r"[A-Z]{2}\d{6}[A-D]",
    "vat_number": r"GB\d{9}",
    "paye_ref": r"\d{3}/[A-Z]{2}\d{4}",
    "accounts_office_ref": r"\d{3}P[A-Z]\d{8}",
    "companies_house_authentication_code": r"[A-Z2-9]{2}\d{4}",
    "telephone": r"(\+44 |0)(\d{2,4} \d{3,4} \d{4}|1632 960\d{3})",
    "contact_mobile": r"\+44 7700 900\d{3}",
    "contact_email": r"[a-z]+\.[a-z]+\d{1,2}@example\.com",
    "email": r"[a-z.]+\d*@([a-z-]+\.example|example\.com)",
    "website": r"https://www\.[a-z-]+\.example/",
    "registered_address_post_code": r"[A-Z]{1,2}\d{1,2}[A-Z]? \d[A-Z]{2}",
    "manager_code": r"MGR-\d\d",
    "service_codes": r"[A-Z]+(; ?[A-Z]+)*",
}


def test_values_have_the_format_of_real_ones(clients: list[dict[str, Any]]) -> None:
    wrong = {
        column: [value for value in values(clients, column) if not re.fullmatch(pattern, value)]
        for column, pattern in PATTERNS.items()
    }
    assert {column: some for column, some in wrong.items() if some} == {}


def test_types_and_statuses_are_the_documented_ones(clients: list[dict[str, Any]]) -> None:
    assert set(values(clients, "type")) == set(ClientType)
    assert set(values(clients, "status")) == set(ClientStatus)


def test_dates_and_times_are_iso_text(clients: list[dict[str, Any]]) -> None:
    assert all(date.fromisoformat(value) for value in values(clients, "contact_date_of_birth"))
    assert all(datetime.fromisoformat(value).tzinfo for value in values(clients, "updated_at"))
    assert all(len(value) == len("2026-01-31T09:00:00.000Z") for value in values(clients, "updated_at"))


CURIOSITIES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "leading zero in a UTR": ("utr", lambda text: text.startswith("0")),
    "leading zero in a company number": ("company_number", lambda text: text.startswith("0")),
    "Scottish company": ("company_number", lambda text: text.startswith("SC")),
    "Northern Irish company": ("company_number", lambda text: text.startswith("NI")),
    "international phone": ("telephone", lambda text: text.startswith("+44 20 7946 0")),
    "accent": ("contact_first_name", lambda text: not text.isascii()),
    "right-to-left": ("contact_first_name", lambda text: any("\u0590" <= letter <= "\u06ff" for letter in text)),
    "several relationships": ("contact_relationships", lambda text: "; " in text),
    "line break in an address": ("registered_address_line1", lambda text: "\n" in text),
    "quote in an address": ("registered_address_line1", lambda text: '"' in text),
}


def test_values_that_break_careless_code_occur(clients: list[dict[str, Any]]) -> None:
    missing = [
        name
        for name, (column, is_one) in CURIOSITIES.items()
        if not any(is_one(value) for value in values(clients, column))
    ]
    assert missing == []


def test_every_hostile_name_occurs_among_a_few_thousand_clients(clients: list[dict[str, Any]]) -> None:
    assert set(HOSTILE_NAMES) <= {*values(clients, "name"), *values(clients, "trading_as")}


@pytest.mark.parametrize("column", ["email", "telephone", "utr", "contact_title", "can_contact_sms", "service_codes"])
def test_about_one_optional_value_in_twenty_is_missing(clients: list[dict[str, Any]], column: str) -> None:
    assert 0.02 < 1 - len(values(clients, column)) / COUNT < 0.09


def test_persons_have_no_company_data_and_companies_no_personal_numbers(clients: list[dict[str, Any]]) -> None:
    persons = [client for client in clients if client["type"] in PERSONS]
    others = [client for client in clients if client["type"] not in PERSONS]

    assert not [value for name in ("company_number", "company_utr", "vat_number") for value in values(persons, name)]
    assert not [value for name in ("ni_number", "self_assessment_utr") for value in values(others, name)]
    assert values(persons, "ni_number")
    assert values(others, "company_number")


def test_required_columns_always_have_a_value(clients: list[dict[str, Any]]) -> None:
    for column in ("tenant", "code", "name", "type", "status", "updated_at", "vat_registered"):
        assert len(values(clients, column)) == COUNT
