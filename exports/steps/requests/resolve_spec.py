"""Resolves the request of a tenant into the specification of an export."""

from __future__ import annotations

from exports.notifications.receivers import NOT_SET_UP, refusal_reason
from exports.request.body import CsvExportRequestDto
from exports.request.spec import ExportSpec, InvalidSpecError, SensitiveFields, make_spec
from exports.services import Services
from exports.steps.mappings.save_mappings import columns_of
from shared.problems import Fault, pointer


def resolve_spec(
    services: Services, tenant: str, request: CsvExportRequestDto, sensitive: SensitiveFields
) -> ExportSpec:
    """Return the specification of the export that the tenant requests.

    Copies the columns of the mapping that the request names, so that later changes of the mapping do not affect the
    job.

    Raises:
        InvalidSpecError: As `make_spec`; or the webhook of the request cannot be used.
        SensitiveFieldsError: As `make_spec`.
        StorageUnavailableError: Can be tried again.
    """
    faults = _faults_of_notify(services, request)
    try:
        spec = make_spec(request, lambda code: columns_of(services, tenant, code), sensitive)
    except InvalidSpecError as error:
        raise InvalidSpecError([*error.faults, *faults]) from None
    if faults:
        raise InvalidSpecError(faults)
    return spec


def _faults_of_notify(services: Services, request: CsvExportRequestDto) -> list[Fault]:
    if request.notify is None:
        return []
    if not services.settings.webhook_secrets:
        return [Fault(pointer=pointer("notify"), detail=NOT_SET_UP)]
    refused = refusal_reason(request.notify.webhook_url, allow_private=services.settings.webhook_allow_private)
    return [Fault(pointer=pointer("notify", "webhookUrl"), detail=refused)] if refused else []
