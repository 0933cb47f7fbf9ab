"""The workflows of GitHub Actions run fixed code with few rights, and the files that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
WORKFLOWS = {
    path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def used() -> list[str]:
    return [found for text in WORKFLOWS.values() for found in re.findall(r"uses: (.+)", text)]


def test_every_action_is_pinned_by_the_digest_of_a_named_version() -> None:
    others = [each for each in used() if not each.startswith("./")]
    assert len(others) > 10
    assert [each for each in others if not PINNED.fullmatch(each)] == []


def test_one_action_has_one_digest_in_all_workflows() -> None:
    pins = {tuple(each.split("@")) for each in used() if "@" in each}
    assert len(pins) == len({name for name, _ in pins})


def test_no_job_has_a_right_that_it_does_not_name() -> None:
    assert all(re.search(r"^permissions: \{\}$", text, re.MULTILINE) for text in WORKFLOWS.values())
    rights = {
        right for text in WORKFLOWS.values() for right in re.findall(r"^\s+([\w-]+: write)\b", text, re.MULTILINE)
    }
    assert rights == {"id-token: write", "contents: write"}
    assert [name for name, text in WORKFLOWS.items() if "contents: write" in text] == ["release.yml"]


def test_every_python_version_with_wheels_for_all_packages_is_tested() -> None:
    assert "python: ['3.11', '3.12', '3.13']" in WORKFLOWS["ci.yml"]


def test_production_is_deployed_only_after_the_smoke_test_on_staging() -> None:
    jobs = re.split(r"^  (?=\w+:$)", WORKFLOWS["ci.yml"], flags=re.MULTILINE)
    (staging,) = [job for job in jobs if job.startswith("staging:")]
    (production,) = [job for job in jobs if job.startswith("production:")]
    assert "smoke: true" in staging
    assert "needs: staging" in production
    assert '-m exports smoke "$SERVICE_API_URI"' in WORKFLOWS["deploy.yml"]


def test_the_files_that_the_workflows_name_exist() -> None:
    named = {found for text in WORKFLOWS.values() for found in re.findall(r"(?:\.github|infra|\.ci)/[\w./-]+", text)}
    assert len(named) > 4
    assert [path for path in sorted(named) if not (ROOT / path).exists() and path != "infra/main.json"] == []


def test_every_tool_of_the_workflows_is_installed_by_its_hash() -> None:
    for name in ("checks", "checkov"):
        text = (ROOT / ".github" / "tools" / f"{name}.txt").read_text(encoding="utf-8")
        packages = re.findall(r"^[\w.-]+==", text, re.MULTILINE)
        assert len(packages) > 5
        assert len(re.findall(r"^[\w.-]+==\S+(?: ; .+)? \\\n    --hash=sha256:", text, re.MULTILINE)) == len(packages)
        assert "http" not in re.sub(r"(?:#.*|^[\w.-]*http[\w.-]*)", "", text, flags=re.MULTILINE)


def test_every_skipped_check_of_the_template_has_a_reason() -> None:
    lines = (ROOT / "infra" / "checkov.yaml").read_text(encoding="utf-8").splitlines()
    skipped = [line for line in lines if "- CKV" in line]
    assert skipped
    assert [line for line in skipped if not re.fullmatch(r"  - CKV_AZURE_\d+ # .{8,}", line)] == []
