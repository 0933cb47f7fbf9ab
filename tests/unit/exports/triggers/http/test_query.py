"""Query parameters are parsed strictly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exports.jobs.codes import is_job_code, new_job_code
from exports.jobs.states import JobStatus
from exports.triggers.http.query import (
    ListQuery,
    day_of_query,
    flag_of_query,
    members_of_query,
    parse_list_query,
    refuse_unknown,
    require_one_of,
    text_of_query,
    values_of_query,
)
from shared.lists import encode_token
from shared.problems import ProblemError
from tests.support.builders import NOON

URL = "https://host.example/clients/export/csv"


def _refused(query: str) -> str:
    with pytest.raises(ProblemError) as raised:
        parse_list_query(f"{URL}?{query}", is_job_code)
    assert (raised.value.kind.status, raised.value.kind.code) == (400, "invalid-query")
    return raised.value.detail


def test_without_a_query_a_list_starts_at_the_beginning() -> None:
    assert parse_list_query(URL) == ListQuery(25, None)


@pytest.mark.parametrize(("limit", "expected"), [("1", 1), ("100", 100), ("007", 7), ("%31", 1)])
def test_a_limit_is_a_whole_number_from_1_to_100(limit: str, expected: int) -> None:
    assert parse_list_query(f"{URL}?limit={limit}").limit == expected


@pytest.mark.parametrize(
    "limit",
    ["", "0", "101", "-1", "%2B1", "1.0", "1e1", "ten", "1_0", "%D9%A3", "%20 1", "1%0A", "0" * 8 + "19999", "0" * 9],
)
def test_any_other_limit_is_refused(limit: str) -> None:
    assert "1 to 100" in _refused(f"limit={limit}")


@pytest.mark.parametrize("limit", ["9" * 5_000, "0" * 5_000 + "5", "000000100" + "0" * 5_000])
def test_a_limit_of_thousands_of_digits_is_refused(limit: str) -> None:
    assert "1 to 100" in _refused(f"limit={limit}")


@pytest.mark.parametrize("query", ["limit=5&limit=6", "limit=5&limit=5", f"continuationToken={'x' * 9}&" * 2])
def test_a_parameter_of_one_value_that_is_given_twice_is_refused(query: str) -> None:
    assert "more than once" in _refused(query)


@pytest.mark.parametrize(
    "read",
    [
        lambda url: text_of_query(url, "createdBy"),
        lambda url: flag_of_query(url, "createdBy", default=True),
        lambda url: day_of_query(url, "createdBy"),
    ],
    ids=["a text", "a flag", "a day"],
)
def test_no_value_of_a_repeated_parameter_is_ignored(read: Callable[[str], object]) -> None:
    with pytest.raises(ProblemError, match="more than once"):
        read(f"{URL}?createdBy=Ann&createdBy=Ben")


def test_a_continuation_token_leads_back_to_its_cursor() -> None:
    code = new_job_code(NOON)
    assert parse_list_query(f"{URL}?continuationToken={encode_token(code)}", is_job_code).after == code


@pytest.mark.parametrize("cursor", ["", "x", "' or 1 eq 1", "7" * 25, "7" * 27, "\x00" * 26, "7" * 26 + "\n"])
def test_a_forged_cursor_never_reaches_a_storage_query(cursor: str) -> None:
    assert "not one of this list" in _refused(f"continuationToken={encode_token(cursor)}")


@pytest.mark.parametrize("token", ["", "x", "%00"])
def test_a_text_that_is_no_token_is_refused(token: str) -> None:
    assert "not one that was given out" in _refused(f"continuationToken={token}")


@pytest.mark.parametrize("query", ["search=M%FCller", "search=%C3", "%FF=1", "limit=1&search=%ED%A0%80"])
def test_a_query_that_is_not_in_utf8_is_refused_rather_than_read_as_another_text(query: str) -> None:
    """Form-urlencoded text is UTF-8 (RFC 3986, section 2.5); U+FFFD in its place would find nothing."""
    for read in (lambda url: values_of_query(url, "search"), lambda url: refuse_unknown(url, {"search", "limit"})):
        with pytest.raises(ProblemError, match="Percent-encode the query as UTF-8"):
            read(f"{URL}?{query}")


def test_the_values_of_a_parameter_are_decoded_and_keep_their_order() -> None:
    url = f"{URL}?status=Failed&other=1&status=&status=In%50rogress&Status=x#status=no"
    assert values_of_query(url, "status") == ["Failed", "", "InProgress"]


def test_repeated_members_of_an_enumeration_are_read_in_order() -> None:
    assert members_of_query(f"{URL}?status=Failed&status=Queued", "status", JobStatus) == [
        JobStatus.FAILED,
        JobStatus.QUEUED,
    ]
    with pytest.raises(ProblemError, match="status must be one of Queued"):
        members_of_query(f"{URL}?status=Failed&status=failed", "status", JobStatus)


def test_a_known_value_is_returned() -> None:
    assert require_one_of("status", "Failed", ["Queued", "Failed"]) == "Failed"


@pytest.mark.parametrize("value", ["", "failed", "Failed,Queued", "Done"])
def test_an_unknown_value_is_refused_with_a_list_of_the_known_ones(value: str) -> None:
    with pytest.raises(ProblemError) as raised:
        require_one_of("status", value, ["Queued", "Failed"])
    assert raised.value.kind.status == 400
    assert raised.value.detail == "status must be one of Queued, Failed."


def test_a_route_without_query_parameters_refuses_every_one() -> None:
    refuse_unknown(URL, ())
    with pytest.raises(ProblemError, match="takes none"):
        refuse_unknown(f"{URL}?limit=1", ())


@pytest.mark.parametrize("text", ["", "x" * 201, "a%00b", "a%0Ab", "%7F"])
def test_a_text_that_is_empty_too_long_or_has_control_characters_is_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="search must be text of 1 to 200 characters"):
        text_of_query(f"https://x/list?search={text}", "search")


def test_a_text_is_returned_as_it_was_sent_or_not_at_all() -> None:
    assert text_of_query("https://x/list?search=O%27Neil+%26+S%C3%B6hne", "search") == "O'Neil & Söhne"
    assert text_of_query("https://x/list?status=Failed", "search") is None


def test_a_flag_is_true_or_false_and_without_one_the_default_applies() -> None:
    assert [flag_of_query(URL, "link", default=default) for default in (True, False)] == [True, False]
    assert flag_of_query(f"{URL}?link=true", "link", default=False)
    assert not flag_of_query(f"{URL}?link=false", "link", default=True)


@pytest.mark.parametrize("value", ["", "False", "0", "no", "false%20", "truefalse"])
def test_any_other_flag_is_refused(value: str) -> None:
    with pytest.raises(ProblemError, match="link must be one of true, false"):
        flag_of_query(f"{URL}?link={value}", "link", default=True)
