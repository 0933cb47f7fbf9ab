"""Microsoft's own parser of the Kusto Query Language as a judge of the queries of `infra/` and `docs/runbook.md`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devhost.local.node import installed_node
from devhost.local.paths import ROOT

_PACKAGE = ROOT / "node_modules" / "@kusto" / "language-service-next"
_SCRIPT = Path(__file__).with_name("kql_check.js")

# learn.microsoft.com/azure/azure-monitor/reference/tables: the columns that our queries may use
TABLES = {
    "AppRequests": "(TimeGenerated: datetime, Name: string, ResultCode: string, Success: bool, DurationMs: real, "
    "ItemCount: int, OperationId: string, Url: string, AppRoleInstance: string)",
    "AppTraces": "(TimeGenerated: datetime, Message: string, SeverityLevel: int, ItemCount: int, OperationId: string, "
    "OperationName: string, AppRoleInstance: string, Properties: dynamic)",
    "AppExceptions": "(TimeGenerated: datetime, ProblemId: string, OuterMessage: string, OperationId: string)",
    "StorageBlobLogs": "(TimeGenerated: datetime, OperationName: string, AuthenticationType: string, "
    "AuthenticationHash: string, CallerIpAddress: string, UserAgentHeader: string, ObjectKey: string, "
    "StatusCode: string, StatusText: string, ResponseBodySize: long, Uri: string)",
    "Usage": "(TimeGenerated: datetime, DataType: string, IsBillable: bool, Quantity: real, QuantityUnit: string)",
    "_LogOperation": "(TimeGenerated: datetime, Category: string, Operation: string, Level: string, Detail: string)",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the parser says about a query.

    Attributes:
        messages: Errors and warnings; empty if there is none.
        columns: Name → type of the columns of the result.
    """

    messages: tuple[str, ...]
    columns: dict[str, str]


def check_queries(queries: Mapping[str, str]) -> dict[str, Checked]:
    """Parse queries, and check that every table, column, function and type in them fits. The keys are their names."""
    node = installed_node()
    given = json.dumps({"tables": TABLES, "queries": dict(queries)})
    command = [str(node.program), str(_SCRIPT), str(_PACKAGE)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: Checked(tuple(each["messages"]), each["columns"]) for name, each in json.loads(done.stdout).items()}
