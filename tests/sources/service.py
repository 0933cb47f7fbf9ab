"""The service on one database, as its callers see it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import NullPool, create_engine

from exports import __main__ as commands
from exports.steps.upkeep.health_cache import FRESH_SECONDS
from tests.contract.mariadb_views import INVALID_DATES
from tests.support.http_client import Response
from tests.support.system import ENDED, EXPORT, NORTHWIND, System, download


class Answers(NamedTuple):
    """What the service says of one request: the failure of its job, the problem of its estimate, the health."""

    failure: dict[str, Any]
    problem: dict[str, Any]
    health: dict[str, Any]


def columns(*fields: str) -> dict[str, Any]:
    """Return a body with these fields as columns."""
    return {"columnMappings": [{"csvHeader": field, "targetField": field} for field in fields]}


class Service:
    """The service and its database, in which tests make tables and the view."""

    def __init__(self, dialect: str, system: System, url: str) -> None:
        self.dialect, self.system = dialect, system
        self.path = Path(url.removeprefix("sqlite:///"))
        options = {"postgresql": {"client_encoding": "utf8"}, "mysql": {"init_command": INVALID_DATES}}.get(dialect, {})
        self.engine = create_engine(url, poolclass=NullPool, connect_args=options)

    def close(self) -> None:
        self.engine.dispose()

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def keep(self, declared: str, *rows: str) -> None:
        """Make the table `kept` anew, of columns and rows in SQL."""
        values = [f"INSERT INTO kept VALUES ({row})" for row in rows]
        self.run("DROP VIEW IF EXISTS clients", "DROP TABLE IF EXISTS kept", f"CREATE TABLE kept ({declared})", *values)

    def keep_many(self, declared: str, code: str, count: int) -> None:
        """Make the table of `count` clients. `code` is SQL of a number `g`, which counts from 1."""
        self.keep(declared)
        name = "'a name of a client'"
        self.run(
            {
                "postgresql": f"INSERT INTO kept SELECT {code}, {name} FROM generate_series(1, {count}) g",
                "mysql": f"INSERT INTO kept SELECT {code}, {name} FROM "
                f"(SELECT CAST(seq AS signed) AS g FROM seq_1_to_{count}) n",
                "sqlite": f"WITH RECURSIVE n(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < {count}) "
                f"INSERT INTO kept SELECT {code}, {name} FROM n",
            }[self.dialect]
        )

    def view(self, **chosen: str) -> None:
        """Make the view of the table, from the SQL of its columns."""
        text = "::text" if self.dialect == "postgresql" else ""
        found = {"tenant": f"'{NORTHWIND}'{text}", "code": "code", "name": f"'a name'{text}", **chosen}
        listed = ", ".join(f"{sql} AS {name}" for name, sql in found.items())
        self.run("DROP VIEW IF EXISTS clients", f"CREATE VIEW clients AS SELECT {listed} FROM kept")

    def end_sessions(self) -> int:
        """Let PostgreSQL end all other sessions in the database; return how many there were."""
        ended = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with self.engine.begin() as connection:
            return int(connection.exec_driver_sql(ended).scalar_one())

    def job(self, body: dict[str, Any]) -> Any:
        """Run an export to its end; return the job."""
        response = self.system.start_export(body)
        job = response.json
        if job["status"] not in ENDED:
            job = self.system.wait(response.headers["location"])
        return job

    def file(self, body: dict[str, Any]) -> bytes:
        job = self.job(body)
        assert job["status"] == "Completed", job
        return download(job)

    def estimate(self, body: dict[str, Any]) -> Response:
        return self.system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}/estimate", body)

    def refusal(self, body: dict[str, Any]) -> Answers:
        """Require that an export and its estimate are refused; return the answers."""
        job, estimate = self.job(body), self.estimate(body)
        assert (job["status"], job["downloadUrl"]) == ("Failed", None), job
        assert (estimate.status, estimate.json["code"]) == (502, "source-unusable"), estimate
        return Answers(job["failure"], estimate.json, self._health_of_clients())

    def _health_of_clients(self) -> dict[str, Any]:
        """Return what the health says of the clients now, not what it said of an earlier view."""
        time.sleep(FRESH_SECONDS)
        health = self.system.call("GET", "/health").json["dependencies"]
        return next(each for each in health if each["name"] == "clients")

    def manifest(self, job: Any) -> Any:
        return self.system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}/manifest").json

    def verify(self, job: Any, directory: Path) -> int:
        """Check the downloaded file by its manifest; return the exit code."""
        file, manifest = directory / "clients.csv", directory / "manifest.json"
        file.write_bytes(download(job))
        manifest.write_text(json.dumps(self.manifest(job)), encoding="utf-8")
        return commands.main(["verify", str(file), str(manifest)])
