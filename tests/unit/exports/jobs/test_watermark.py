"""The watermark of a job is never later than what its file holds, and a next export begins no later than it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.jobs.watermark import content_hash, start_after, watermark_of
from exports.request.consistency import Consistency
from exports.request.filters import ClientFilter
from exports.request.spec import ExportSpec
from tests.support.builders import NOON, a_job, a_spec

ZONES = st.timezones()
MOMENTS = st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30), timezones=ZONES)  # noqa: DTZ001 - `timezones` adds one
MARGINS = st.timedeltas(timedelta(0), timedelta(days=1))


def spec_until(until: datetime | None) -> ExportSpec:
    return a_spec(filter=ClientFilter(updated_until=until))


@given(MOMENTS, st.none() | MOMENTS)
def test_the_watermark_is_at_most_a_millisecond_before_creation_and_until(
    created: datetime, until: datetime | None
) -> None:
    found = watermark_of(a_job(created_date=created, spec=spec_until(until)))
    earliest = created if until is None else min(created, until)
    assert timedelta(0) <= earliest - found < timedelta(milliseconds=1)
    assert found.microsecond % 1000 == 0


@given(MOMENTS, MARGINS)
def test_the_next_export_begins_a_margin_before_the_watermark(watermark: datetime, margin: timedelta) -> None:
    start = start_after(watermark, margin)
    assert start <= watermark
    assert start.tzinfo is UTC
    assert start == max(watermark.astimezone(UTC) - margin, datetime(2, 1, 1, tzinfo=UTC))


@given(st.datetimes(datetime(2, 1, 1), datetime(2, 1, 3), timezones=ZONES), MARGINS)  # noqa: DTZ001 - as above
def test_the_start_can_stand_in_a_filter_however_early_the_watermark_is(watermark: datetime, margin: timedelta) -> None:
    start = start_after(watermark, margin)
    assert ClientFilter(updated_since=start).updated_since == start


@given(st.none() | MOMENTS, st.none() | MOMENTS)
def test_the_content_of_an_export_is_the_same_whenever_its_clients_changed(
    since: datetime | None, until: datetime | None
) -> None:
    spec = a_spec(filter=ClientFilter(search="x", updated_since=since, updated_until=until))
    assert content_hash(spec) == content_hash(a_spec(filter=ClientFilter(search="x")))


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (a_spec(consistency=Consistency.SNAPSHOT), True),
        (a_spec(include_headers=False), True),
        (a_spec(filter=ClientFilter(search="x")), False),
        (a_spec(filter=ClientFilter(team_codes=("t",))), False),
        (a_spec(columns=a_spec().columns[1:]), False),
        (a_spec(columns=a_spec().columns[::-1]), False),
    ],
)
def test_columns_and_filters_make_the_content_and_the_form_of_the_file_does_not(
    other: ExportSpec, is_same: bool
) -> None:
    assert (content_hash(other) == content_hash(a_spec())) is is_same


def test_filters_that_let_the_same_clients_through_make_the_same_content() -> None:
    given = {"manager_codes": ["b", "a", "b"], "statuses": ["Inactive", "Active"], "service_codes": ["VAT", "CT"]}
    same = {name: sorted(set(values)) for name, values in given.items()}
    assert content_hash(a_spec(filter=ClientFilter(**given, search=""))) == content_hash(
        a_spec(filter=ClientFilter(**same))
    )


def test_every_filter_counts_for_the_content() -> None:
    values = {name: ("Active",) for name in ClientFilter.model_fields if "codes" in name or name == "statuses"}
    every = {**values, "types": ("Trust",), "search": "x"}
    assert {*every, "updated_since", "updated_until"} == ClientFilter.model_fields.keys()
    hashes = {content_hash(a_spec(filter=ClientFilter(**{name: value}))) for name, value in every.items()}
    assert len(hashes | {content_hash(a_spec())}) == len(every) + 1


def test_the_content_of_an_export_has_the_hash_that_schedules_have_stored() -> None:
    """Another hash would make every incremental schedule begin with a full export after an upgrade."""
    assert content_hash(a_spec(filter=ClientFilter(search="x"), columns=a_spec().columns[:2])) == (
        "dd86e85a9f83fef4eccdc3d301f244c34211277cd3b9ceb1a44ff1e64b9dc97e"
    )
    assert watermark_of(a_job()) == NOON
