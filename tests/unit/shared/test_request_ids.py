"""The id of a request is the caller's, if it can do no harm in a log or a header."""

from __future__ import annotations

import re

import pytest

from shared.request_ids import current_request, request_id_of, serving


@pytest.mark.parametrize("sent", ["7", "a.b_c-D9", "x" * 64, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"])
def test_the_id_of_the_caller_is_kept(sent: str) -> None:
    assert request_id_of({"x-request-id": sent}) == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a=b", "a\n", "ä", '"', "<b>", "a,b"])
def test_an_id_that_could_do_harm_is_replaced(sent: str) -> None:
    made = request_id_of({"x-request-id": sent})
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert made != request_id_of({})


def test_work_belongs_to_the_innermost_request() -> None:
    with serving("outer"):
        with serving("inner"):
            assert current_request() == "inner"
        assert current_request() == "outer"
    assert current_request() is None
