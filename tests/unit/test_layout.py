"""The tree keeps the rules of its layout that `lint-imports` does not check."""

from __future__ import annotations

import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
LOOSE_MODULES = {"__init__", "__main__", "errors", "services", "settings", "wiring"}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Return the modules that each module of the project imports."""
    graph = grimp.build_graph("exports", "shared", "devhost", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def folder_of(module: str) -> str:
    """Return the folder of a module's file. A loose module at the top of a package counts as a folder of its own."""
    is_folder = (ROOT / module.replace(".", "/")).is_dir()
    return module if is_folder or module.count(".") == 1 else module.rpartition(".")[0]


def require_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(error.args[1])}")


def test_no_modules_import_each_other_in_a_circle(imports: dict[str, set[str]]) -> None:
    require_no_circle(imports)


def test_no_folders_import_each_other_in_a_circle(imports: dict[str, set[str]]) -> None:
    folders: dict[str, set[str]] = {}
    for module, imported in imports.items():
        folder = folder_of(module)
        folders.setdefault(folder, set()).update({folder_of(other) for other in imported} - {folder})
    require_no_circle(folders)


def test_the_check_for_circles_finds_a_circle() -> None:
    with pytest.raises(pytest.fail.Exception, match="a circle of imports"):
        require_no_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_exports_has_at_most_a_dozen_folders_and_five_loose_modules() -> None:
    exports = ROOT / "exports"
    folders = {path.name for path in exports.iterdir() if (path / "__init__.py").exists()}
    assert len(folders) <= 12
    assert {path.stem for path in exports.glob("*.py")} == LOOSE_MODULES


@pytest.mark.parametrize("package", ["exports", "shared"])
def test_unit_tests_lie_where_the_code_lies(package: str) -> None:
    tests = ROOT / "tests" / "unit" / package
    missing = [
        str(path.relative_to(tests).parent)
        for path in tests.rglob("test_*.py")
        if not (ROOT / package / path.relative_to(tests).parent).is_dir()
    ]
    assert missing == []


def test_the_client_imports_nothing_of_the_service() -> None:
    declared = {"filelock", "httpx", "pandas", "polars", "rich", "typer"}
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "client").rglob("*.py")]
    found = {name for text in texts for name in re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE)}
    assert found - sys.stdlib_module_names == {"client_export", *declared}


def test_no_module_of_the_standard_library_is_shadowed_at_the_top() -> None:
    assert {path.stem for path in ROOT.glob("*.py")}.isdisjoint(sys.stdlib_module_names)


def test_no_test_name_is_longer_than_80_characters() -> None:
    names = [
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    ]
    assert len(names) > 1_000
    assert [name for name in names if len(name) > 80] == []
