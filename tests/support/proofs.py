"""Makes files and their manifests with the real steps, for tests of the verification."""

from __future__ import annotations

from dataclasses import dataclass

from exports.file.manifest import ManifestDto
from exports.request.formats import CsvFormat
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
) -> tuple[bytes, ManifestDto]:
    """Export clients; return the file and its manifest. By default, eight clients in four pages."""
    clients = [{"tenant": TENANT, "code": f"C{n:04d}", "name": name} for n, name in enumerate(names, 1)]
    services = a_services(clients)
    job = a_planned_job(services, starts, spec=two_columns(format=form or CsvFormat(), include_headers=include_headers))
    commit_file(services, write_pages(services, job, len(starts) + 1))
    file = services.files.read(job.file_path)
    assert file is not None
    return file, ManifestDto.model_validate_json(services.files.load_manifest(job.ref))
