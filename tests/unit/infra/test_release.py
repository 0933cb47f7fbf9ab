"""A release is the tagged version with its notes; every deployed package has a licence that is allowed."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / ".github" / "tools"


def tool(name: str) -> Any:
    """Import a program of the pipeline, whose folder is not a package."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


check_release, check_licences = tool("check_release"), tool("check_licences")


def project(directory: Path, changelog: str) -> Path:
    (directory / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    (directory / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    return directory


# --- the tag


def test_the_notes_of_a_tag_are_those_of_its_version(tmp_path: Path) -> None:
    root = project(
        tmp_path, "# Changelog\n\n## 1.2.3 — 2026-12-01\n\n### Added\n- A.\n\n## 1.2.2 — 2026-11-01\n\n- B.\n"
    )
    assert check_release.notes_of("v1.2.3", root) == "### Added\n- A.\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("v1.2.4", "## 1.2.3 — 2026-12-01\n\n- A.\n", "the tag of that version is v1.2.3"),
        ("1.2.3", "## 1.2.3 — 2026-12-01\n\n- A.\n", "the tag of that version is v1.2.3"),
        ("v1.2.3", "## 1.2.3 — unreleased\n\n- A.\n", "Write the date of the release there."),
        ("v1.2.3", "## 1.2.2 — 2026-12-01\n\n- A.\n", "has no notes under “## 1.2.3 — date”"),
        ("v1.2.3", "## 1.2.3 — 2026-12-01\n\n## 1.2.2 — 2026-11-01\n\n- B.\n", "has no notes"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused_in_one_sentence(
    tag: str, changelog: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(check_release.ReleaseError, match=re.escape(said)):
        check_release.notes_of(tag, project(tmp_path, changelog))


def test_the_changelog_of_this_version_can_be_released_once_it_has_a_date(tmp_path: Path) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    dated = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("— unreleased", "— 2026-12-01")
    (tmp_path / "CHANGELOG.md").write_text(dated, encoding="utf-8")
    assert "### Added" in check_release.notes_of(f"v{version[1]}", tmp_path)


def test_a_release_is_the_package_that_ci_has_tested() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert "dev.py" not in text, "a release makes no package of its own"
    assert '--commit "$GITHUB_SHA" --status success' in text
    ci = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    for name in ("package", "sbom"):
        assert f"--name {name}" in text
        assert f"name: {name}\n" in ci


# --- licences


def test_every_deployed_package_has_an_allowed_licence() -> None:
    command = [sys.executable, str(TOOLS / "check_licences.py"), str(ROOT / "requirements.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout.split()[0]) > 30


@pytest.mark.parametrize(
    ("stated", "allowed"),
    [
        ("MIT", True),
        ("MIT License", True),
        ("Apache-2.0 AND MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("(MIT OR GPL-3.0-only) AND BSD-3-Clause", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("", False),
    ],
)
def test_a_statement_of_licence_is_judged_by_its_parts(stated: str, allowed: bool) -> None:
    rules = check_licences.tomllib.loads(check_licences.RULES.read_text(encoding="utf-8"))
    assert check_licences.is_allowed(stated, rules) is allowed


def test_what_a_package_says_about_its_licence_is_found_in_every_form() -> None:
    metadata = Message()
    metadata["License"] = "MIT\n\nPermission is hereby granted"
    metadata["Classifier"] = "License :: OSI Approved :: MIT License"
    metadata["Classifier"] = "Programming Language :: Python"
    assert check_licences.stated_licences(metadata) == ["MIT", "MIT License"]


def test_an_exception_has_a_reason_and_a_package_that_is_deployed() -> None:
    rules = check_licences.tomllib.loads(check_licences.RULES.read_text(encoding="utf-8"))
    deployed = check_licences.packages_of((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert set(rules["exceptions"]) <= set(deployed)
    assert all(len(reason) > 30 for reason in rules["exceptions"].values())
