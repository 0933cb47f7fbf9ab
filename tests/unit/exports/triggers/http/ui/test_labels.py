"""Everything the page names has its words: nothing is left out, nothing is made up."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

from exports.jobs.states import JobStatus
from exports.request.estimate import WarningCode
from exports.request.fields import TargetField
from exports.request.formats import Compression, Delimiter, FormatPreset, LineEnding, Quoting
from exports.triggers.http.ui import labels
from exports.triggers.http.ui.labels import field_groups, label_of


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (labels.PRESET_CHOICES, FormatPreset),
        (labels.DELIMITERS, Delimiter),
        (labels.LINE_ENDINGS, LineEnding),
        (labels.QUOTINGS, Quoting),
        (labels.COMPRESSIONS, Compression),
        (labels.WARNINGS, WarningCode),
        (labels.JOB_TITLES, JobStatus),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_value_has_words_and_they_keep_its_order(table: Mapping[Any, Any], values: type[Enum]) -> None:
    assert list(table) == list(values)


def test_every_field_is_in_one_group_and_keeps_its_order_there() -> None:
    order = {field: place for place, field in enumerate(TargetField)}
    grouped = [field for fields in field_groups().values() for field in fields]

    assert sorted(grouped, key=order.__getitem__) == list(TargetField)
    for fields in field_groups().values():
        assert fields
        assert fields == sorted(fields, key=order.__getitem__)


def test_fields_are_grouped_by_meaning() -> None:
    groups = {field.value: group for group, fields in field_groups().items() for field in fields}

    assert groups["Name"] == "Client"
    assert groups["ContactDateOfBirth"] == "Main contact"
    assert groups["CanContactSms"] == "Contact preferences"
    assert groups["CompaniesHouseAuthenticationCode"] == groups["Utr"] == "Company, tax and VAT"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("VatRegDate", "VAT registration date"),
        ("CompaniesHouseAuthenticationCode", "Companies House authentication code"),
        ("RegisteredAddressLine1", "Registered address line 1"),
        ("InvoiceAddressPostCode", "Invoice address postcode"),
        ("CompanyUtr", "Company UTR"),
        ("PayeRef", "PAYE reference"),
        ("LostProspect", "Lost prospect"),
        ("trading_as", "Trading as"),
    ],
)
def test_a_name_is_put_into_words(name: str, label: str) -> None:
    assert label_of(name) == label


def test_no_two_fields_have_the_same_label() -> None:
    assert len({label_of(field.value) for field in TargetField}) == len(TargetField)
