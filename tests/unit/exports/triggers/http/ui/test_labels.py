"""Every field of a client is in one group of the ui."""

from __future__ import annotations

import re

from exports.request.fields import TargetField
from exports.triggers.http.ui.labels import field_groups
from exports.triggers.http.ui.texts import languages


def test_every_field_is_in_exactly_one_group_in_its_usual_order() -> None:
    order = {field: index for index, field in enumerate(TargetField)}
    grouped = [field for fields in field_groups().values() for field in fields]

    assert sorted(grouped, key=order.__getitem__) == list(TargetField)
    for fields in field_groups().values():
        assert fields
        assert fields == sorted(fields, key=order.__getitem__)


def test_fields_are_grouped_by_meaning() -> None:
    groups = {field.value: group for group, fields in field_groups().items() for field in fields}

    assert groups["Name"] == "client"
    assert groups["ContactDateOfBirth"] == "contact"
    assert groups["CanContactSms"] == "preferences"
    assert groups["CompaniesHouseAuthenticationCode"] == groups["Utr"] == "company"


def test_the_labels_of_preferences_say_what_the_client_allows() -> None:
    preferences = field_groups()["preferences"]
    expected = {
        "en": r"May be contacted by \w+|Professional clearance letter sent",
        "de": r"Kontakt per \S+ erlaubt|.+ versandt",
    }
    for language, texts in languages().items():
        for field in preferences:
            assert re.fullmatch(expected[language], texts.get("fields", field)), field
