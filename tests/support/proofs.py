"""Makes files and their manifests with the real steps, for tests of the verification."""

from __future__ import annotations

from dataclasses import dataclass

from exports.file.manifest import ManifestDto
from exports.file.ranges import Boundaries
from exports.request.formats import CsvFormat
from exports.request.spec import ExportSpec
from exports.steps.finalize.commit_file import commit_file
from tests.support.fakes import a_services
from tests.support.steps import TENANT, a_planned_job, two_columns, write_pages

NAMES = ("Plain", 'Said "no"', "Two\r\nlines", "Semi;colon, comma\nbreak", "Zoë Ünlü", "0123", "", "Last")
STARTS = ("C0003", "C0005", "C0007")


@dataclass(frozen=True)
class InMemory:
    """Reads a file from memory; implements `FileBytes`."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def read(self, start: int, stop: int) -> bytes:
        return self.data[start:stop]


def a_proved_file(
    form: CsvFormat | None = None,
    *,
    include_headers: bool = True,
    starts: tuple[str, ...] = STARTS,
    names: tuple[str, ...] = NAMES,
    codes: tuple[str, ...] = (),
    spec: ExportSpec | None = None,
) -> tuple[bytes, ManifestDto]:
    """Export clients; return the file and its manifest. By default, eight clients in four pages."""
    names = names[: len(codes)] if codes else names
    codes = codes or tuple(f"C{n:04d}" for n in range(1, len(names) + 1))
    clients = [{"tenant": TENANT, "code": code, "name": name} for code, name in zip(codes, names, strict=True)]
    services = a_services(clients)
    spec = spec or two_columns(format=form or CsvFormat(), include_headers=include_headers)
    job = a_planned_job(services, starts, spec=spec)
    commit_file(services, write_pages(services, job, len(starts) + 1))
    file = services.files.read(job.file_path)
    assert file is not None
    return file, ManifestDto.model_validate_json(services.files.load_manifest(job.ref))


def a_file_of_overlapping_pages() -> tuple[bytes, ManifestDto]:
    """Export sixty clients from a source that compares codes in another order than it sorts them.

    The file is published without the check of the order, as older versions did. It has some clients twice.
    """
    codes = sorted((f"{'aBcDeF'[number % 6]}{number:03d}" for number in range(60)), key=str.lower)
    services = a_services([{"tenant": TENANT, "code": code, "name": "x"} for code in codes])
    services.clients.order_of = str.lower
    starts = tuple(codes[7::7])
    job = a_planned_job(services, starts)
    command = write_pages(services, job, len(starts) + 1)
    services.clients.rank_codes = lambda codes: [*range(1, len(codes) + 1)]  # type: ignore[method-assign]
    services.clients.find_boundaries = lambda *_: Boundaries(command.rows, ())  # type: ignore[method-assign]
    commit_file(services, command)
    file = services.files.read(job.file_path)
    assert file is not None
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(job.ref))
    return file, manifest.model_copy(update={"key_order": None})
