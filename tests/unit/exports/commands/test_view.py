"""`python -m exports view check` refuses a wrong name of the view of deleted clients and says where it is given."""

from __future__ import annotations

import pytest

from exports.__main__ import main


@pytest.mark.parametrize("given", [["--deletions", "no name"], []])
def test_a_wrong_name_is_refused_with_the_option_and_the_setting(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPORT_DELETIONS_VIEW", "no name either")
    assert main(["view", "check", "sqlite://", *given]) != 0
    assert "--deletions or EXPORT_DELETIONS_VIEW: " in capsys.readouterr().err
