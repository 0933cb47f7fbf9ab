"""The README and the documents name paths that exist, and `docs/layout.md` shows the layout of the tree."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from exports.commands.demo.local_data import SAMPLE_CLIENTS, SAMPLE_TENANTS
from exports.commands.sample.database import share_out

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
LAYOUT_DOCUMENT = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

LAYOUT = LAYOUT_DOCUMENT.partition("```\n")[2].partition("```")[0]
PLACES = LAYOUT_DOCUMENT.partition("| To change … |")[2]
TABLE = re.findall(r"^\| (?!To change|---)(.+?) \| (.+) \|$", PLACES, re.MULTILINE)
_PATH = re.compile(r"`((?:exports|shared|devhost|infra|tests|docs)/[\w./-]*|function_app\.py|dev\.py)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
_ANCHOR = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)]+)\)")


def paths_of_layout() -> list[str]:
    """Return the paths of the tree, whose indentation shows what lies in which folder."""
    folders: list[str] = []
    paths = []
    for line in LAYOUT.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [name]
        paths.append("".join(folders))
    return paths


def layers() -> Iterator[set[str]]:
    """Yield the layers of `exports` that import-linter checks, the outermost first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layered,) = (contract for contract in contracts if contract.get("containers") == ["exports"])
    for layer in layered["layers"]:
        yield {name.strip() for name in re.split(r"[|:]", layer)}


def missing(paths: Iterator[str] | list[str]) -> list[str]:
    return [path for path in paths if not (ROOT / path).exists()]


def test_every_path_of_the_layout_exists() -> None:
    assert len(paths_of_layout()) > 30
    assert missing(paths_of_layout()) == []


def test_the_layout_shows_every_folder_of_exports() -> None:
    folders = {
        f"{path.relative_to(ROOT)}/"
        for path in (ROOT / "exports").rglob("*")
        if path.is_dir() and path.name != "__pycache__" and any(path.glob("*.py"))
    }
    assert folders - set(paths_of_layout()) == set()


def test_the_layout_lists_the_layers_of_exports_in_their_order() -> None:
    entries = [path.split("/")[1] for path in paths_of_layout() if re.fullmatch(r"exports/(\w+\.py|\w+/)", path)]
    for layer in layers():
        shown, entries = entries[: len(layer)], entries[len(layer) :]
        assert {name.removesuffix(".py") for name in shown} == layer
    assert entries == []


def test_every_path_of_the_table_exists() -> None:
    places = [(change, _PATH.findall(place)) for change, place in TABLE if not change.startswith("**")]
    assert len(places) > 30
    assert [change for change, paths in places if not paths and "grep" not in dict(TABLE)[change]] == []
    assert missing([path for _, paths in places for path in paths]) == []


def test_every_path_that_a_document_names_exists() -> None:
    named = {
        f"{document.relative_to(ROOT)}: {path}"
        for document in DOCUMENTS
        for path in _PATH.findall(document.read_text(encoding="utf-8"))
        if not (ROOT / path).exists()
    }
    assert named == set()


def test_every_link_between_documents_leads_to_a_file() -> None:
    broken = {
        f"{document.relative_to(ROOT)}: {link}"
        for document in DOCUMENTS
        for link in _LINK.findall(document.read_text(encoding="utf-8"))
        if not (document.parent / link).exists()
    }
    assert broken == set()


def anchors_of(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = (re.sub(r"[`*]", "", heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_anchor_in_a_link_between_documents_is_a_heading() -> None:
    links = [
        (document, document.parent / path if path else document, anchor)
        for document in DOCUMENTS
        for path, anchor in _ANCHOR.findall(document.read_text(encoding="utf-8"))
    ]
    assert len(links) > 50
    broken = [
        f"{document.relative_to(ROOT)}: {target.name}#{anchor}"
        for document, target, anchor in links
        if target.suffix == ".md" and anchor not in anchors_of(target)
    ]
    assert broken == []


def test_every_picture_is_shown_by_a_document_and_together_they_are_small() -> None:
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    shown = {path.name for each in DOCUMENTS for path in map(Path, _LINK.findall(each.read_text(encoding="utf-8")))}
    assert [picture.name for picture in pictures if picture.name not in shown] == []
    assert sum(picture.stat().st_size for picture in pictures) < 1_000_000


def test_the_readme_says_how_many_clients_the_first_run_exports() -> None:
    (said,) = re.findall(r"^\$ python3 dev\.py run +# .*exports ([\d,]+) clients", README, re.MULTILINE)
    exported = share_out(SAMPLE_CLIENTS, SAMPLE_TENANTS)[SAMPLE_TENANTS[0]]
    assert said == f"{exported:,}"


def test_the_readme_is_short_enough_to_read_in_one_sitting() -> None:
    assert len(README.splitlines()) <= 150
    assert len(README.split()) <= 1_500


def test_the_speeds_in_the_readme_are_those_of_the_performance_document() -> None:
    (row,) = re.findall(r"^\| Rows per second from PostgreSQL \| (.+)\| not measured \|$", README, re.MULTILINE)
    measured = PERFORMANCE.partition("| To blob storage |")[2].partition("\n\n")[0]
    service, *others = (cell.strip() for cell in row.strip(" |").split("|"))
    rows = re.findall(r"^\| (?!.*same bytes).+? \| \**([\d,]+)(?: rows/s)?\** \|", measured, re.MULTILINE)
    assert rows == [*others, service]


def test_readme_and_deploy_guide_name_the_same_things_that_have_never_run() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    named = [re.findall(r"\*\*Never yet run:\*\* ([^.]+)\.", " ".join(text.split())) for text in (README, guide)]
    assert named[0] == named[1] != []
