"""Resolves the request of a tenant into the specification of an export."""

from __future__ import annotations

from exports.request.body import CsvExportRequestDto
from exports.request.consistency import Consistency
from exports.request.faults import NO_SNAPSHOTS
from exports.request.spec import ExportSpec, InvalidSpecError, SensitiveFields, make_spec
from exports.services import Services
from exports.steps.mappings.save_mappings import columns_of
from exports.steps.requests.changes_since import changes_since
from exports.steps.requests.check_receivers import faults_of_receivers
from shared.problems import Fault, pointer


def resolve_spec(
    services: Services, tenant: str, request: CsvExportRequestDto, sensitive: SensitiveFields
) -> ExportSpec:
    """Return the specification of the export that the tenant requests.

    Copies the columns of the mapping that the request names, so that later changes of the mapping do not affect the
    job.

    Raises:
        InvalidSpecError: As `make_spec` and `changes_since`; or a receiver in the request's `notify` is refused, or the
            source has no snapshots.
        SensitiveFieldsError: As `make_spec`.
        StorageUnavailableError: Can be tried again.
    """
    faults = [*_faults_of_notify(services, request), *_faults_of_consistency(services, request)]
    try:
        spec = make_spec(request, lambda code: columns_of(services, tenant, code), sensitive)
        spec = spec if request.since is None else changes_since(services, tenant, request.since, spec)
    except InvalidSpecError as error:
        raise InvalidSpecError([*error.faults, *faults]) from None
    if faults:
        raise InvalidSpecError(faults)
    return spec


def _faults_of_notify(services: Services, request: CsvExportRequestDto) -> list[Fault]:
    if request.notify is None:
        return []
    faults = faults_of_receivers(services, request.notify)
    return [fault.inside(pointer("notify")) for fault in faults]


def _faults_of_consistency(services: Services, request: CsvExportRequestDto) -> list[Fault]:
    refusal = services.clients.snapshot_refusal() if request.consistency is Consistency.SNAPSHOT else None
    return [NO_SNAPSHOTS.at(pointer("consistency"), reason=refusal)] if refusal else []
