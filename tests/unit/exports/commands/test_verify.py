"""The command `python -m exports verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exports import __main__ as commands
from exports.commands import verify
from exports.errors import StorageUnavailableError
from exports.file.manifest import KeyOrder, ManifestDto
from exports.jobs.job import JobRef
from exports.jobs.states import JobStatus
from exports.request.fields import source_columns
from exports.request.formats import FORMAT_PRESETS, FormatPreset
from exports.request.incomplete_columns import incomplete_columns
from tests.support.builders import a_job
from tests.support.fake_files import MemoryFileStore
from tests.support.fake_jobs import MemoryJobStore
from tests.support.proofs import NAMES, a_file_of_overlapping_pages, a_proved_file

FILE, MANIFEST = a_proved_file()
NOBODY_TWICE = "no client can be missing between two pages, or be in both"
REF = JobRef(tenant=MANIFEST.tenant, code=MANIFEST.code, attempt=2)
PATH = REF.file_path(MANIFEST.file_name)
FOR_THE_JOB = ("verify", "--tenant", MANIFEST.tenant, "--code", MANIFEST.code)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[str, str]:
    """The paths of a file and its manifest, both as downloaded."""
    file, manifest = tmp_path / "clients.csv", tmp_path / "manifest.json"
    file.write_bytes(FILE)
    manifest.write_text(MANIFEST.model_dump_json(by_alias=True), encoding="utf-8")
    return str(file), str(manifest)


@pytest.fixture
def jobs() -> MemoryJobStore:
    """The jobs in storage: one that was completed in its second attempt."""
    memory = MemoryJobStore()
    memory.create(a_job(tenant=MANIFEST.tenant, code=MANIFEST.code, status=JobStatus.COMPLETED, attempt=2))
    return memory


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, jobs: MemoryJobStore) -> MemoryFileStore:
    """The files that the command opens: the job's file and manifest."""
    memory = MemoryFileStore()
    memory.stage(PATH, "000000", FILE)
    memory.commit(PATH, ["000000"])
    memory.save_manifest(REF, MANIFEST.model_dump_json(by_alias=True).encode())
    monkeypatch.setattr(verify, "open_storage", lambda _: (jobs, memory))
    return memory


def _remove_the_file(files: MemoryFileStore) -> None:
    files.discard(PATH, files.get_state(PATH).version)
    files.save_manifest(REF, MANIFEST.model_dump_json(by_alias=True).encode())


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert commands.main(["verify", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


def test_a_complete_file_is_proved(paths: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["verify", *paths]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        f"{paths[0]}: proved, every byte is as the export {MANIFEST.code} wrote it.",
        "  pages       4 of 4",
        "  clients     8 of 8",
        f"  bytes       {len(FILE)} of {len(FILE)}",
        f"  CRC-32      {MANIFEST.crc32}",
        "  codes       8 different ones, no client is in the file twice",
        f"  key ranges  tile, as the database itself orders the codes of all pages: {NOBODY_TWICE}",
    ]
    assert f"{len(FILE)} of {len(FILE)} bytes" in shown.err


def test_no_order_of_pages_is_called_checked_if_the_file_has_one_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, manifest = a_proved_file(names=NAMES[:1], starts=())
    paths = tmp_path / "clients.csv", tmp_path / "manifest.json"
    paths[0].write_bytes(file)
    changed = manifest.model_copy(update={"key_order": KeyOrder.ONE_PAGE})
    paths[1].write_text(changed.model_dump_json(by_alias=True), encoding="utf-8")

    assert commands.main(["verify", *map(str, paths)]) == 0

    assert "  key ranges  none to check: one page holds all clients" in capsys.readouterr().out.splitlines()


def test_the_columns_for_which_the_view_had_no_data_are_shown(
    tmp_path: Path, paths: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    column = MANIFEST.request.columns[0]
    found = incomplete_columns([column], source_columns(column.target_field))
    manifest = tmp_path / "incomplete.json"
    changed = MANIFEST.model_copy(update={"incomplete_columns": found})
    manifest.write_text(changed.model_dump_json(by_alias=True), encoding="utf-8")

    assert commands.main(["verify", paths[0], str(manifest)]) == 0

    missing = ", ".join(source_columns(column.target_field))
    words = f"  column      {column.csv_header}: The view clients lacks {missing}, so every cell is empty."
    assert words in capsys.readouterr().out.splitlines()


def test_cut_cells_and_left_out_characters_are_told_and_are_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, manifest = a_proved_file(FORMAT_PRESETS[FormatPreset.XLSX], names=("x" * 40_000, "\1y\2", "z"), starts=())
    saved, proof = tmp_path / "clients.xlsx", tmp_path / "manifest.json"
    saved.write_bytes(file)
    proof.write_text(manifest.model_dump_json(by_alias=True), encoding="utf-8")

    assert commands.main(["verify", str(saved), str(proof)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert "  cut         1 of the texts, too long for a cell: the file has only the beginning" in lines
    assert "  left out    2 of the characters of clients, which no cell can hold" in lines


def test_a_manifest_of_several_pages_without_the_order_check_is_never_called_proved(
    paths: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    older = json.loads(Path(paths[1]).read_text())
    for name in ("keyOrder", "countedRows", "recountedRows"):
        del older[name]
    older["pages"] = [
        {name: page[name] for name in page if name not in {"firstCode", "lastCode"}} for page in older["pages"]
    ]
    Path(paths[1]).write_text(json.dumps(older))
    assert commands.main(["verify", *paths]) == 3
    shown = capsys.readouterr().out
    assert "proved" not in shown
    assert f"{paths[0]}: intact, every byte is as the export {MANIFEST.code} wrote it." in shown
    assert "a client could be missing between two pages, or be in both" in shown
    assert "  codes       8 different ones, no client is in the file twice" in shown


def test_a_file_that_a_wrong_source_made_of_overlapping_pages_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file was published by a version that did not check the order: all bytes are right, and clients come twice."""
    file, manifest = a_file_of_overlapping_pages()
    saved, proof = tmp_path / "clients.csv", tmp_path / "manifest.json"
    saved.write_bytes(file)
    proof.write_text(manifest.model_dump_json(by_alias=True), encoding="utf-8")
    assert commands.main(["verify", str(saved), str(proof)]) == 1
    shown = capsys.readouterr().out
    assert "proved" not in shown
    assert "but only 60 different codes" in shown


def test_codes_that_only_left_out_characters_distinguish_are_said_to_be_incomparable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, manifest = a_proved_file(codes=("A", "A\0", "B"), starts=())
    saved, proof = tmp_path / "clients.csv", tmp_path / "manifest.json"
    saved.write_bytes(file)
    proof.write_text(manifest.model_dump_json(by_alias=True), encoding="utf-8")
    assert commands.main(["verify", str(saved), str(proof)]) == 0
    (codes,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  codes ")]
    assert codes.startswith("  codes       2 different ones; 1 more cannot be compared: ")
    assert "no client" not in codes


def test_a_changed_file_is_wrong_and_its_first_wrong_page_is_named(
    paths: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(paths[0]).write_bytes(FILE.replace(b"Semi", b"semi"))
    assert commands.main(["verify", *paths]) == 1
    shown = capsys.readouterr().out
    assert f"WRONG, differs from the file that the export {MANIFEST.code} wrote" in shown
    assert "Page 1 (clients from C0003 up to, not including, C0005" in shown
    assert "  clients     2 of 8\n" in shown


def test_with_a_job_code_file_and_manifest_come_from_storage(
    files: MemoryFileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(FOR_THE_JOB) == 0
    assert capsys.readouterr().out.startswith("clients.csv: proved")


def test_with_a_job_code_and_a_file_only_the_manifest_comes_from_storage(
    files: MemoryFileStore, paths: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _remove_the_file(files)
    assert commands.main([*FOR_THE_JOB, paths[0]]) == 0
    Path(paths[0]).write_bytes(FILE[:-3])
    assert commands.main([*FOR_THE_JOB, paths[0]]) == 1
    assert "cut off" in capsys.readouterr().out


def test_a_wrong_stored_file_is_reported_as_wrong(files: MemoryFileStore, capsys: pytest.CaptureFixture[str]) -> None:
    files.stage(PATH, "000001", FILE[:-1])
    files.commit(PATH, ["000001"], if_match=files.get_state(PATH).version)
    assert commands.main(FOR_THE_JOB) == 1
    assert "Page 3" in capsys.readouterr().out


def test_a_file_that_is_no_longer_in_storage_is_reported(
    files: MemoryFileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    _remove_the_file(files)
    assert "no longer in storage" in _refused(capsys, *FOR_THE_JOB[1:])


def test_a_job_without_manifest_is_refused_with_the_reason(
    files: MemoryFileStore, jobs: MemoryJobStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no such job" in _refused(capsys, "--tenant", "tenant", "--code", "other")
    jobs.create(a_job(tenant="tenant", code="failed", status=JobStatus.FAILED))
    assert "The job is Failed" in _refused(capsys, "--tenant", "tenant", "--code", "failed")
    jobs.create(a_job(tenant="tenant", code="old", status=JobStatus.COMPLETED))
    assert "no longer kept" in _refused(capsys, "--tenant", "tenant", "--code", "old")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("clients.csv",),
        ("--tenant", "tenant"),
        ("--code", "code"),
        ("clients.csv", "manifest.json", "--tenant", "t", "--code", "c"),
    ],
)
def test_incomplete_arguments_are_refused_with_the_arguments_to_give(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "ive " in _refused(capsys, *arguments)


def test_missing_files_are_named_in_the_error(paths: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "no.csv cannot be read: No such file" in _refused(capsys, "no.csv", paths[1])
    assert "no.json cannot be read: No such file" in _refused(capsys, paths[0], "no.json")


@pytest.mark.parametrize("text", ["", "Code,Name", "{}", json.dumps({"rows": "many"})])
def test_a_file_that_is_not_a_manifest_is_refused_without_showing_it(
    paths: tuple[str, str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(paths[1]).write_text(text, encoding="utf-8")
    message = _refused(capsys, *paths)
    assert "is not a manifest" in message
    assert "many" not in message


@pytest.mark.parametrize("name", ["bytes", "rows", "page"])
def test_a_manifest_with_a_negative_size_is_refused(
    paths: tuple[str, str], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    edited = json.loads(Path(paths[1]).read_text(encoding="utf-8"))
    edited["pages"][1][name] = -5
    Path(paths[1]).write_text(json.dumps(edited), encoding="utf-8")
    assert f"pages.1.{name}" in _refused(capsys, *paths)


def test_file_and_manifest_in_the_wrong_order_are_refused(
    paths: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "clients.csv is not a manifest" in _refused(capsys, paths[1], paths[0])


def test_without_storage_the_error_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EXPORT_STORAGE", raising=False)
    assert "EXPORT_STORAGE" in _refused(capsys, *FOR_THE_JOB[1:])
    assert "neither a connection string" in _refused(capsys, *FOR_THE_JOB[1:], "--storage", "Nothing=y")


def test_storage_that_does_not_answer_is_reported_in_one_line(
    files: MemoryFileStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: JobRef) -> bytes:
        raise StorageUnavailableError("Blob Storage did not answer.")

    monkeypatch.setattr(files, "load_manifest", fail)
    told = _refused(capsys, *FOR_THE_JOB[1:])
    assert (told.startswith("Blob Storage did not answer. Check that EXPORT_STORAGE"), told.count("\n")) == (True, 1)


def test_a_manifest_can_be_read_in_the_form_of_the_http_response() -> None:
    text = MANIFEST.model_dump_json(by_alias=True)
    assert verify._read_manifest(text.encode(), "it") == ManifestDto.model_validate_json(text)
