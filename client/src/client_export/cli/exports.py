"""The commands for exports."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from client_export.cli import options as given
from client_export.cli.context import AsJson, print_facts, print_json, print_list, say, service
from client_export.cli.exits import Exit, LocalError, exits
from client_export.cli.show import (
    downloading,
    facts_of,
    local,
    print_job,
    print_verification,
    verification_json,
    watching,
)
from client_export.cli.terminal import json_text
from client_export.client import ExportClient
from client_export.downloads import Download
from client_export.errors import ExportCancelledError, ExportFailedError
from client_export.models import Job, JobStatus
from client_export.request import RequestLike
from client_export.verification import Manifest, verify_file

Code = Annotated[str, typer.Argument(help="Code of the export.")]


def _refuse_standard_output(output: Path | None) -> Path | None:
    if output == Path("-"):
        raise typer.BadParameter(
            "A file is proved before anyone can read it. Give a name to write, then read that file."
        )
    return output


Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Wait, then download into this file or folder, and prove it.",
        show_default=False,
        callback=_refuse_standard_output,
    ),
]
ManifestFile = Annotated[
    Path | None,
    typer.Option("--manifest", help="Wait, then save the manifest here, to verify the file later.", show_default=False),
]
Timeout = Annotated[float | None, typer.Option(help="Seconds to wait for the end at most.")]


@exits
@given.describes_a_file
def start(
    context: typer.Context,
    request: RequestLike,
    webhook: given.Webhook = None,
    email: given.Emails = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key and request lead to the same export.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the export has ended.")] = False,
    output: Output = None,
    manifest: ManifestFile = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Start an export."""
    wanted = given.add_receivers(request, webhook, email)
    given.require_idempotency_key(idempotency_key)
    with service(context) as client:
        waits = wait or output is not None or manifest is not None
        job = client.start(wanted, idempotency_key=idempotency_key, wait_seconds=None if waits else 0)
        if waits:
            job = _wait(client, job, timeout, quiet=as_json)
        _finish(client, job, output, manifest, as_json)


@exits
def status(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    """Show an export."""
    with service(context) as client:
        _show(client.status(code, link=as_json), as_json)


@exits
def watch(
    context: typer.Context,
    code: Code,
    output: Output = None,
    manifest: ManifestFile = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Wait until an export has ended, and show its progress."""
    with service(context) as client:
        job = _wait(client, client.status(code, link=as_json), timeout, quiet=as_json)
        _finish(client, job, output, manifest, as_json)


@exits
def list_exports(
    context: typer.Context,
    statuses: Annotated[list[JobStatus] | None, typer.Option("--status", help="Only these; may be repeated.")] = None,
    created_by: Annotated[
        str | None, typer.Option(help="Only those that the API key or person of this name asked for.")
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="Only those of the schedule with this code.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Only those with this text in the code or the name of file, caller or mapping.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many exports to show at most.")] = 25,
    as_json: AsJson = False,
) -> None:
    """List exports, newest first."""
    with service(context) as client:
        listed = client.list(statuses=statuses or (), created_by=created_by, schedule_code=schedule, search=search)
        found = list(islice(listed, limit))
    print_list(
        found,
        as_json,
        ("code", "status", "created", "clients", "file"),
        lambda job: (job.code, job.status.value, local(job.created), f"{job.processed_items:,}", job.file_name),
    )


@exits
def cancel(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    """Cancel an export."""
    with service(context) as client:
        _show(client.cancel(code), as_json)


@exits
def resume(
    context: typer.Context,
    code: Code,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the export has ended.")] = False,
    output: Output = None,
    manifest: ManifestFile = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Resume an export that failed or was cancelled."""
    with service(context) as client:
        job = client.resume(code)
        if wait or output is not None or manifest is not None:
            job = _wait(client, job, timeout, quiet=as_json)
        _finish(client, job, output, manifest, as_json)


@exits
def remove_file(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    """Remove the file of an export now. No link opens it any more."""
    with service(context) as client:
        _show(client.remove_file(code), as_json)


@exits
def download(
    context: typer.Context,
    code: Code,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File or folder.", callback=_refuse_standard_output)
    ] = Path(),
    manifest: Annotated[Path | None, typer.Option(help="Save the manifest here too, to verify the file later.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download the file of an export, and prove it while it arrives.

    The file gets its name only when it is proved. An interrupted download continues where it ended.
    A file that -o names is replaced. Without it, and in a folder, the file gets the name that the export gave it, and
    never replaces another file of this name.
    """
    with service(context) as client:
        if manifest is not None:
            _save_manifest(client.manifest(code), manifest)
        found = _download(client, code, output, quiet=as_json)
    if as_json:
        print_json({"file": str(found.path), "verification": verification_json(found.verification)})
    else:
        print_verification(found)
    _end(found)


@exits
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file.")],
    code: Annotated[str | None, typer.Option(help="Code of the export, whose manifest the service gives.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="A saved manifest; then no service is needed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove a file against the manifest of its export."""
    if (code is None) == (manifest is None):
        raise typer.BadParameter("Give either --code or --manifest.")
    if manifest is not None:
        known = given.read_manifest(manifest)
    else:
        with service(context) as client:
            known = client.manifest(code or "")
    with downloading(quiet=as_json) as progress:
        found = verify_file(file, known, progress)
    if as_json:
        print_json({"file": str(file), "verification": verification_json(found)})
    else:
        print_facts({"file": file, **facts_of(found)})
    _end(Download(file, found))


@exits
@given.describes_a_file
def estimate(context: typer.Context, request: RequestLike, as_json: AsJson = False) -> None:
    """Count the clients of an export, and estimate its size and duration, without starting it."""
    with service(context) as client:
        found = client.estimate(request)
    if as_json:
        print_json(found.raw)
        return
    print_facts(
        {"clients": f"{found.rows:,}", "bytes": f"about {found.bytes:,}", "seconds": f"about {found.seconds:g}"}
    )
    for warning in found.warnings:
        print_facts({"warning": warning})


def _wait(client: ExportClient, job: Job, timeout_seconds: float | None, *, quiet: bool) -> Job:
    """Wait for the end; a job that ended without a file is returned too. Only JSON shows its link."""
    try:
        with watching(quiet=quiet) as show:
            show(job)
            if job.status.has_ended:
                return job
            return client.wait(job.code, timeout_seconds=timeout_seconds, watch=show, link=quiet)
    except (ExportFailedError, ExportCancelledError) as error:
        return error.job
    except KeyboardInterrupt:
        if not quiet:
            say(f"The export is still running. Watch it with: client-export watch {job.code}")
        raise


def _finish(client: ExportClient, job: Job, output: Path | None, manifest: Path | None, as_json: bool) -> None:
    """Show the job, save its manifest and its file if that is wanted, and end with the exit code of its status."""
    if job.status is JobStatus.FAILED:
        _show(job, as_json)
        raise typer.Exit(Exit.FAILED)
    if job.status is JobStatus.CANCELLED:
        _show(job, as_json)
        raise typer.Exit(Exit.CANCELLED)
    if manifest is not None:
        _save_manifest(client.manifest(job.code), manifest)
    if output is None:
        _show(job, as_json)
        return
    found = _download(client, job.code, output, quiet=as_json, link=job.download_url)
    if as_json:
        print_json({**job.raw, "file": str(found.path), "verification": verification_json(found.verification)})
    else:
        print_facts({"code": job.code})
        print_verification(found)
    _end(found)


def _download(client: ExportClient, code: str, output: Path, *, quiet: bool, link: str | None = None) -> Download:
    try:
        with downloading(quiet=quiet) as progress:
            return client.download(code, output, progress=progress, link=link)
    except FileExistsError as error:
        message = f"{error.filename} exists, and is not the file of the export {code}. Give a name to write: -o FILE"
        raise LocalError(message) from None


def _end(found: Download) -> None:
    if not found.verification.is_proved:
        raise typer.Exit(Exit.UNPROVED)


def _save_manifest(manifest: Manifest, path: Path) -> None:
    path.write_text(f"{json_text(manifest.raw, indent=2)}\n", encoding="utf-8")


def _show(job: Job, as_json: bool) -> None:
    if as_json:
        print_json(job.raw)
    else:
        print_job(job)
