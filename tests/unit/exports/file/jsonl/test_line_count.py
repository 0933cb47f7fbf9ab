"""The reader that checks pages of JSON Lines counts their clients, and refuses everything else."""

from __future__ import annotations

import io

import pytest

from exports.file.jsonl.line_count import count_lines
from exports.file.unreadable import NOT_UTF8, UnreadablePageError

HEADERS = ("Code", "Name")


def test_every_line_is_counted_and_gives_its_code() -> None:
    codes: list[str] = []
    data = b'{"Code":"C1","Name":null}\n{"Code":"C\\u0032","Name":"a\\nb"}\n'

    assert count_lines(io.BytesIO(data), HEADERS, 0, codes.append) == 2
    assert codes == ["C1", "C2"]
    assert count_lines(io.BytesIO(b""), HEADERS, None) == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"Code":"C1","Name":"x"}', "does not end with a line feed"),
        (b'{"Code":"C1","Name":"x"\n', "line 1 of the page is not JSON"),
        (b"[" * 100_000 + b"\n", "line 1 of the page is not JSON"),
        (b"\n", "line 1 of the page is not JSON"),
        (b'["C1","x"]\n', "line 1 of the page is not a JSON object"),
        (b"{}\n", "other keys"),
        (b'{"Name":"x","Code":"C1"}\n', "other keys"),
        (b'{"Code":"C1","Name":"x","Name":"y"}\n', "other keys"),
        (b'{"Code":"C1","Name":1}\n', "not text, a truth value or null"),
        (b'{"Code":"C1","Name":NaN}\n', "not text, a truth value or null"),
        (b'{"Code":"C1","Name":{"a":"b"}}\n', "not text, a truth value or null"),
        (b'{"Code":true,"Name":"x"}\n', "truth value as the code"),
        (b'{"Code":"C1","Name":"\xff"}\n', NOT_UTF8),
    ],
)
def test_a_line_that_is_no_object_of_the_headers_is_refused(line: bytes, problem: str) -> None:
    with pytest.raises(UnreadablePageError, match=problem):
        count_lines(io.BytesIO(line), HEADERS, 0)
