"""Step: pin down what a request of a tenant exports."""

from __future__ import annotations

from exports.jobs import ExportSpec
from exports.requests import CsvExportRequestDto
from exports.services import Services
from exports.specs import SensitiveFields, make_spec
from exports.steps.mappings import columns_of


def pin_spec(services: Services, tenant: str, request: CsvExportRequestDto, sensitive: SensitiveFields) -> ExportSpec:
    """Look up the mapping that the request names, if any, and copy its columns: later changes leave the job alone.

    Raises:
        InvalidSpecError, SensitiveFieldsError: As `make_spec`.
        StorageUnavailableError: Can be tried again.
    """
    return make_spec(request, lambda code: columns_of(services, tenant, code), sensitive)
