"""Examples of the bodies that travel over HTTP, by the name of the model. A test checks each against its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exports import VERSION
from exports.jobs.job import CONSISTENCY
from exports.request.body import CsvExportRequestDto
from exports.triggers.http.api_docs.examples_of_access import ACCESS_EXAMPLES

_CODE = "7ybqttn9kg0pf1x6vfw644k23d"
_COLUMNS = [
    {"csvHeader": "Client", "targetField": "Name"},
    {"csvHeader": "VAT number", "targetField": "VatNumber"},
]
_FILTER: dict[str, Any] = {"statuses": ["Active"], "types": ["PrivateLimitedCompany", "SoleTrader"]}
_RESOLVED: dict[str, Any] = {"columns": _COLUMNS, "includeHeaders": True, "filter": _FILTER}
_JOB: dict[str, Any] = {
    "code": _CODE,
    "status": "Completed",
    "totalItems": 6871,
    "processedItems": 6871,
    "downloadUrl": (
        "https://exports.blob.core.windows.net/exports/northwind/"
        f"{_CODE}/clients-northwind-20261123-213455.csv?se=2026-11-23T21%3A49%3A56Z&sp=r&sig=…"
    ),
    "startedDate": "2026-11-23T21:34:55.412Z",
    "completedDate": "2026-11-23T21:34:56.031Z",
    "createdDate": "2026-11-23T21:34:55.207Z",
    "expiryDate": "2026-11-24T21:34:56.031Z",
    "fileName": "clients-northwind-20261123-213455.csv",
    "fileSize": 412260,
    "fileStatus": "Available",
    "createdBy": "Back office",
    "mappingName": "VAT return",
    "columnCount": 2,
    "filter": _FILTER,
    "request": _RESOLVED,
    "percentComplete": 100,
    "estimatedCompletionDate": None,
    "failure": None,
    "consistency": CONSISTENCY,
    "scheduleCode": None,
    "snapshotDate": None,
    "resumableUntil": None,
    "keptItems": None,
}
_WITHOUT_LINK = {**_JOB, "downloadUrl": None}
_LISTED = {**_WITHOUT_LINK, "request": None}
_NOT_ENDED = dict.fromkeys(
    ("downloadUrl", "completedDate", "expiryDate", "fileName", "fileSize", "fileStatus", "estimatedCompletionDate")
)
_QUEUED = {**_JOB, **_NOT_ENDED, "status": "Queued", "totalItems": None, "processedItems": 0, "percentComplete": None}
_QUEUED["startedDate"] = None
_IN_PROGRESS = {**_JOB, **_NOT_ENDED, "status": "InProgress", "processedItems": 2048, "percentComplete": 29}
_IN_PROGRESS["estimatedCompletionDate"] = "2026-11-23T21:34:56.870Z"
_CANCELLED = {**_IN_PROGRESS, "status": "Cancelled", "completedDate": _JOB["completedDate"]}
_CANCELLED |= {"estimatedCompletionDate": None, "resumableUntil": "2026-11-30T21:34:56.031Z", "keptItems": 2048}
_MAPPING: dict[str, Any] = {
    "code": "4f9a1c7be2d05386a1b7",
    "name": "VAT return",
    "columnMappings": _COLUMNS,
    "matchField": "Code",
    "isPreset": False,
    "mappingType": "Client",
    "createdDate": "2026-11-23T21:30:00.000Z",
    "updatedDate": "2026-11-23T21:30:00.000Z",
}
_REQUEST: dict[str, Any] = {
    "columnMappings": _COLUMNS,
    "filter": {"statuses": ["Active"], "types": ["PrivateLimitedCompany", "SoleTrader"]},
}
_SCHEDULE: dict[str, Any] = {
    "name": "Every working day",
    "cron": "30 6 * * 1-5",
    "timeZone": "Europe/London",
    "enabled": True,
    "request": _REQUEST,
    "overlap": "skip",
    "incremental": True,
}
_SHOWN_SCHEDULE: dict[str, Any] = {
    **_SCHEDULE,
    "request": CsvExportRequestDto.model_validate(_REQUEST).model_dump(mode="json", by_alias=True),
    "code": "8c0d2e4f6a1b3c5d7e9f",
    "nextRunDate": "2026-11-24T06:30:00.000Z",
    "nextRunDates": ["2026-11-24T06:30:00.000Z", "2026-11-25T06:30:00.000Z", "2026-11-26T06:30:00.000Z"],
    "lastRunDate": "2026-11-23T06:30:01.217Z",
    "lastJobCode": _CODE,
    "createdDate": "2026-11-20T15:02:00.000Z",
    "updatedDate": "2026-11-20T15:02:00.000Z",
}
_RUN: dict[str, Any] = {
    "slotDate": "2026-11-23T06:30:00.000Z",
    "untilDate": None,
    "outcome": "Started",
    "reason": None,
    "jobCode": _CODE,
    "jobStatus": "Completed",
    "notedDate": "2026-11-23T06:30:01.402Z",
}

_ANSWER: dict[str, Any] = {
    "channel": "webhook",
    "receiver": "https://hooks.example.com",
    "delivered": True,
    "status": 204,
    "fault": None,
    "milliseconds": 87,
}
_DELIVERY: dict[str, Any] = {
    **_ANSWER,
    "attempt": 1,
    "number": 1,
    "sentDate": "2026-11-23T21:34:56.412Z",
    "eventId": f"msg_{_CODE}_1_completed",
}

EXAMPLES: Mapping[str, Any] = {
    "CsvExportRequestDto": _REQUEST,
    "CsvExportJobDto": _JOB,
    "CreateCsvMappingDto": {"name": "VAT return", "columnMappings": _COLUMNS, "mappingType": "Client"},
    "UpdateCsvMappingDto": {"name": "VAT return, quarterly", "columnMappings": _COLUMNS},
    "CsvMappingDto": _MAPPING,
    "ListOfCsvMappingDto": {"data": [_MAPPING], "limit": 25, "hasMore": False, "continuationToken": None},
    "SaveScheduleDto": _SCHEDULE,
    "ExportScheduleDto": _SHOWN_SCHEDULE,
    "ListOfExportScheduleDto": {"data": [_SHOWN_SCHEDULE], "limit": 25, "hasMore": False, "continuationToken": None},
    "ListOfScheduleRunDto": {"data": [_RUN], "limit": 25, "hasMore": False, "continuationToken": None},
    "ListOfCsvExportJobDto": {"data": [_LISTED], "limit": 25, "hasMore": False, "continuationToken": None},
    "NotificationTestDto": {"webhookUrl": "https://hooks.example.com/exports?key=3f9a"},
    "ListOfReceiverAnswerDto": {"data": [_ANSWER], "limit": 1, "hasMore": False, "continuationToken": None},
    "ListOfDeliveryDto": {"data": [_DELIVERY], "limit": 25, "hasMore": False, "continuationToken": None},
    **ACCESS_EXAMPLES,
    "ManifestDto": {
        "code": _CODE,
        "tenant": "northwind",
        "fileName": _JOB["fileName"],
        "createdDate": _JOB["createdDate"],
        "startedDate": _JOB["startedDate"],
        "consistency": CONSISTENCY,
        "request": {"columns": _COLUMNS, "includeHeaders": True, "filter": {"statuses": ["Active"]}},
        "attempt": 1,
        "rows": 6871,
        "bytes": 412260,
        "crc32": "6d0b2e2a",
        "cost": {
            "storageRequests": {"blobWrite": 3, "blobRead": 5, "blobDelete": 0, "tableWrite": 3, "tableRead": 8},
            "bytesSent": 415120,
            "functionSeconds": 0.412,
        },
        "keyOrder": "OnePage",
        "countedRows": 6871,
        "recountedRows": None,
        "pages": [
            {
                "page": 0,
                "start": None,
                "stop": None,
                "rows": 6871,
                "bytes": 412260,
                "sha256": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
                "crc32": "6d0b2e2a",
                "attempt": 1,
                "firstCode": "C00000003",
                "lastCode": "C00019998",
            }
        ],
    },
    "ExportEstimateDto": {
        "rows": 6871,
        "bytes": 412260,
        "pages": 1,
        "seconds": 0.6,
        "recentJobs": 3,
        "warnings": [
            {
                "code": "excel-changes-cells",
                "message": "Excel may drop leading zeros, round long numbers or make dates here; "
                "the preset excel prevents that.",
                "columns": ["VAT number"],
            }
        ],
    },
    "ExportPreviewDto": {
        "totalItems": 6871,
        "minimumItems": None,
        "columns": _COLUMNS,
        "rows": [["Harbour Lights Ltd", "GB123456789"], ["Northern Bakery LLP", ""]],
        "rowsComplete": True,
        "omittedFields": [],
        "warnings": [],
        "text": "Client,VAT number\r\nHarbour Lights Ltd,GB123456789\r\nNorthern Bakery LLP,\r\n",
    },
    "FilterValuesDto": {
        "managers": [{"code": "M01", "name": "Ann Archer"}, {"code": "M02", "name": None}],
        "partners": [{"code": "P01", "name": "Peter Park"}],
        "associates": [],
        "teams": [{"code": "T1", "name": "Tax"}],
        "services": [{"code": "VAT", "name": None}],
        "truncated": False,
    },
    "MeDto": {
        "name": "Back office",
        "tenants": [{"code": "northwind", "name": "Northwind Ltd", "scopes": ["exports:read", "exports:write"]}],
        "anyTenant": False,
        "scopes": ["exports:read", "exports:write"],
        "limits": {
            "activeJobs": 20,
            "jobsPerDay": 1000,
            "keepHours": 24,
            "linkMinutes": 15,
            "waitSeconds": 10,
            "notifyBy": ["webhook"],
            "consistency": ["pages", "snapshot"],
        },
    },
    "LivenessDto": {"status": "Healthy"},
    "HealthDto": {
        "status": "Healthy",
        "version": VERSION,
        "dependencies": [
            {"name": "blobs", "status": "Healthy", "detail": None},
            {"name": "clients", "status": "Healthy", "detail": None},
        ],
    },
}

REPLY_EXAMPLES: Mapping[tuple[str, int], Any] = {
    ("send_notification_again", 200): {
        "data": [{**_DELIVERY, "number": 0, "sentDate": "2026-11-23T21:50:12.003Z"}],
        "limit": 1,
        "hasMore": False,
        "continuationToken": None,
    },
    ("start_export", 202): _IN_PROGRESS,
    ("resume_export", 202): _QUEUED,
    ("cancel_export", 200): _CANCELLED,
    ("remove_file", 200): {**_WITHOUT_LINK, "fileStatus": "Removed"},
    ("health", 503): {
        "status": "Unhealthy",
        "version": VERSION,
        "dependencies": [
            {"name": "blobs", "status": "Healthy", "detail": None},
            {"name": "clients", "status": "Unhealthy", "detail": "The database of the clients did not answer."},
        ],
    },
}
"""Examples of the answers that differ from the example of their model, by operation and status."""
