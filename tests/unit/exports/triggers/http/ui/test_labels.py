"""Every value that the ui shows has a label, and no label is without a value."""

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
def test_every_value_has_a_label_in_the_order_of_the_values(table: Mapping[Any, Any], values: type[Enum]) -> None:
    assert list(table) == list(values)


def test_every_field_is_in_exactly_one_group_in_its_usual_order() -> None:
    order = {field: index for index, field in enumerate(TargetField)}
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
def test_a_name_becomes_a_readable_label(name: str, label: str) -> None:
    assert label_of(name) == label


def test_no_two_fields_have_the_same_label() -> None:
    assert len({label_of(field.value) for field in TargetField}) == len(TargetField)
