"""The command `python -m exports costs`."""

from __future__ import annotations

from pathlib import Path

import pytest

from exports import __main__ as commands
from exports.jobs.cost import Cost, StorageRequests
from tests.support.proofs import a_proved_file

COST = Cost(
    storage_requests=StorageRequests(blob_write=40, blob_read=8, table_write=16, table_read=80),
    bytes_sent=4_000,
    function_seconds=2.5,
)
_, MANIFEST = a_proved_file()


def _saved(directory: Path, cost: Cost | None) -> str:
    path = directory / "manifest.json"
    path.write_text(MANIFEST.model_copy(update={"cost": cost}).model_dump_json(by_alias=True), encoding="utf-8")
    return str(path)


def _table(text: str) -> dict[str, list[float]]:
    """Return the numbers of each line, by its label."""
    lines = [line for line in text.splitlines()[1:] if line]
    return {line[:22].strip(): [float(word.replace(",", "")) for word in line[22:].split()] for line in lines}


def test_counts_are_shown_for_the_job_and_per_million_clients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["costs", _saved(tmp_path, COST)]) == 0
    shown = capsys.readouterr().out
    assert "8 clients" in shown
    assert _table(shown) == {
        "blob writes": [40, 5_000_000, 0],
        "blob reads": [8, 1_000_000, 0],
        "table writes": [16, 2_000_000, 0],
        "table reads": [80, 10_000_000, 0],
        "seconds of steps": [2.5, 312_500, 0],
        "bytes sent": [4_000, 500_000_000, 0],
        "total": [0],
    }


def test_counts_are_multiplied_by_the_given_prices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = ["--blob-write", "0.5", "--table-read", "0.001", "--gb-second", "0.0001", "--memory-gb", "4"]
    assert commands.main(["costs", _saved(tmp_path, COST), *prices, "--at-once", "2"]) == 0
    table = _table(capsys.readouterr().out)
    assert (table["blob writes"][2], table["blob reads"][2], table["table reads"][2]) == (250, 0, 1)
    assert table["seconds of steps"][2] == pytest.approx(62.5)
    assert table["total"] == [pytest.approx(313.5)]


def test_a_manifest_without_cost_is_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["costs", _saved(tmp_path, None)]) == 1
    assert "older version" in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "", "{}"])
def test_a_file_that_is_not_a_manifest_is_refused(
    tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "no.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert commands.main(["costs", str(path)]) == 1
    assert "cannot be read as a manifest" in capsys.readouterr().err
