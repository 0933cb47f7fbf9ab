"""The client of client-export: exports all clients of a tenant as one file, and proves it.

>>> from client_export import ExportClient, ExportRequest
>>> with ExportClient("https://exports.example.com", key="…") as client:
...     client.export_to("clients.csv", ExportRequest(columns=["Name", "VatNumber"]))
"""

from client_export.administration import ApiKey, AuditEntry, Delivery, NewApiKey
from client_export.async_client import AsyncExportClient
from client_export.client import ExportClient
from client_export.downloads import Download
from client_export.errors import (
    ApiError,
    AuthenticationError,
    ClientExportError,
    ConflictError,
    ExportCancelledError,
    ExportEndedError,
    ExportFailedError,
    Fault,
    FileMismatchError,
    ForbiddenError,
    GoneError,
    InvalidRequestError,
    NotFoundError,
    Problem,
    QuotaExceededError,
    ServiceError,
    ServiceUnreachableError,
    TooManyWrongKeysError,
    WaitTimeoutError,
)
from client_export.lookups import FilterValue, FilterValues, Me, MyTenant, Preview
from client_export.models import (
    Estimate,
    EstimateWarning,
    Failure,
    Job,
    JobStatus,
    SavedMapping,
    Schedule,
    ScheduleRun,
)
from client_export.request import ClientFilter, ExportRequest, FileFormat
from client_export.steps import RetryPolicy
from client_export.verification import Manifest, ManifestPage, Verification, verify_file

__all__ = [
    "ApiError",
    "ApiKey",
    "AsyncExportClient",
    "AuditEntry",
    "AuthenticationError",
    "ClientExportError",
    "ClientFilter",
    "ConflictError",
    "Delivery",
    "Download",
    "Estimate",
    "EstimateWarning",
    "ExportCancelledError",
    "ExportClient",
    "ExportEndedError",
    "ExportFailedError",
    "ExportRequest",
    "Failure",
    "Fault",
    "FileFormat",
    "FileMismatchError",
    "FilterValue",
    "FilterValues",
    "ForbiddenError",
    "GoneError",
    "InvalidRequestError",
    "Job",
    "JobStatus",
    "Manifest",
    "ManifestPage",
    "Me",
    "MyTenant",
    "NewApiKey",
    "NotFoundError",
    "Preview",
    "Problem",
    "QuotaExceededError",
    "RetryPolicy",
    "SavedMapping",
    "Schedule",
    "ScheduleRun",
    "ServiceError",
    "ServiceUnreachableError",
    "TooManyWrongKeysError",
    "Verification",
    "WaitTimeoutError",
    "verify_file",
]
