"""Profiles: the address, the credentials and the tenant of a service, in a file that only its owner can read."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import typer

from client_export.cli.exits import LocalError
from client_export.client import ExportClient

DEFAULT = "default"
CONFIG, PROFILE = "CLIENT_EXPORT_CONFIG", "CLIENT_EXPORT_PROFILE"
URL, KEY, TOKEN, TENANT = "CLIENT_EXPORT_URL", "CLIENT_EXPORT_KEY", "CLIENT_EXPORT_TOKEN", "CLIENT_EXPORT_TENANT"


@dataclass(frozen=True, slots=True)
class Profile:
    """How to reach a service.

    Attributes:
        read_token: Gives the current token; it is not stored.
        allow_http: Whether the credentials may be sent over plain http to another machine.
    """

    url: str = ""
    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    tenant: str | None = None
    read_token: Callable[[], str] | None = field(default=None, repr=False)
    allow_http: bool = False

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything with which the service knows the caller."""
        return bool(self.key or self.token or self.read_token)

    def open(self) -> ExportClient:
        """Open a client."""
        try:
            return ExportClient(
                self.url,
                key=self.key,
                token=self.read_token or self.token,
                tenant=self.tenant,
                allow_http=self.allow_http,
            )
        except ValueError as error:
            raise LocalError(str(error)) from None


def config_file() -> Path:
    """Return the path of the file with the profiles."""
    named = os.environ.get(CONFIG)
    return Path(named) if named else Path(typer.get_app_dir("client-export")) / "profiles.json"


def load_profiles() -> dict[str, Profile]:
    """Read the profiles.

    Raises:
        LocalError: Others can read the file, or it is damaged.
    """
    file = config_file()
    if not file.exists():
        return {}
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        message = f"Others can read the credentials in {file}. Run: chmod 600 {file}"
        raise LocalError(message)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return {name: Profile(**values) for name, values in document["profiles"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"{file} is damaged. Delete it, and log in again."
        raise LocalError(message) from None


def save_profiles(profiles: Mapping[str, Profile]) -> Path:
    """Write the profiles, readable by their owner only, in one step."""
    file = config_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    content: dict[str, Any] = {"profiles": {name: _given(profile) for name, profile in profiles.items()}}
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(json.dumps(content, indent=2) + "\n")
    unfinished.replace(file)
    return file


def find_profile(
    name: str | None,
    url: str | None,
    tenant: str | None,
    token_file: Path | None = None,
    *,
    allow_http: bool = False,
) -> Profile:
    """Return what a command uses: options first, then environment variables, then the profile.

    The credentials of a profile go only to the scheme, host and port of its address.

    Raises:
        LocalError: There is no such profile, or something is missing.
    """
    env = os.environ.get
    chosen = name or env(PROFILE)
    is_complete = bool(url or env(URL)) and bool(env(KEY) or env(TOKEN) or token_file)
    known = {} if is_complete and chosen is None else load_profiles()
    if chosen is not None and chosen not in known:
        message = f"There is no profile {chosen}. Make it with: client-export login --name {chosen} --url URL"
        raise LocalError(message)
    saved = known.get(chosen or DEFAULT, Profile())
    address = url or env(URL) or saved.url
    is_elsewhere = saved.has_credentials and _origin(address) != _origin(saved.url)
    profile = Profile(tenant=saved.tenant) if is_elsewhere else saved
    if token_file is not None:
        profile = replace(profile, key=None, token=None, read_token=reader_of(token_file))
    elif env(KEY) or env(TOKEN):
        profile = replace(profile, key=env(KEY) or None, token=env(TOKEN) or None)
    profile = replace(
        profile,
        url=address,
        tenant=tenant or env(TENANT) or profile.tenant,
        allow_http=allow_http or profile.allow_http,
    )
    if not profile.url:
        message = f"No service is known. Run client-export login --url URL, or set {URL} and {KEY}."
        raise LocalError(message)
    if is_elsewhere and not profile.has_credentials:
        message = (
            f"The key of the profile {chosen or DEFAULT} is for {saved.url}, and is not sent to {address}. Set {KEY} "
            f"or {TOKEN} too, or log in there: client-export login --name NAME --url {address}"
        )
        raise LocalError(message)
    if not profile.has_credentials:
        message = f"No credentials are known. Run client-export login, or set {KEY} or {TOKEN}."
        raise LocalError(message)
    return profile


def reader_of(file: Path) -> Callable[[], str]:
    """Return a function that gives the current token of a file, which other programs may renew.

    The file is read here too, so that a fault is told before the first request. Standard input is read only here.

    Raises:
        LocalError: There is no token in it.
    """
    if str(file) == "-":
        given = _require_token(read_line(), file)
        return lambda: given

    def read() -> str:
        return _require_token(file.read_text(encoding="utf-8", errors="replace").strip(), file)

    read()
    return read


def read_line() -> str:
    """Read a line of standard input. In place of bytes that are no text it has a character that no secret has."""
    return sys.stdin.buffer.readline().decode("utf-8", errors="replace").strip()


def _require_token(text: str, file: Path) -> str:
    if not text or not text.isascii() or len(text.split()) != 1:
        message = (
            f"{'Standard input' if str(file) == '-' else file} holds no access token: it must be one word of ASCII."
        )
        raise LocalError(message)
    return text


def _origin(url: str) -> tuple[str, str, int | None] | str:
    """Return the server of an address; what is no address stands for itself."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return url
    return parts.scheme, parts.host, parts.port  # httpx leaves out the usual port


def _given(profile: Profile) -> dict[str, str | bool]:
    return {name: value for name, value in asdict(profile).items() if value and name != "read_token"}
