"""The rules of the house that a tool can check. Imports between floors are lint-imports' task."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "careloom"
STEPS = PACKAGE / "steps"
FILE_CEILING = 600
FUNCTION_CEILING = 80
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
LATE_IMPORTS = {
    ("cli/offline.py", "careloom.steps.rules.step"): (
        "few definitions have a decision table, and what decides by them is a library of its own"
    ),
    ("cli/validate.py", "careloom.bootstrap"): (
        "files are checked without a database, and what belongs to one costs a second"
    ),
    ("documents/reading_process.py", "careloom.documents.ocr"): (
        "a process that reads only text layers never loads the recogniser"
    ),
}
"""Imports of our own inside a function, each with its reason."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def functions(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in modules()}


def test_the_package_is_found(trees: dict[Path, ast.Module]) -> None:
    assert len(trees) > 100


def test_no_file_is_longer_than_the_ceiling() -> None:
    paths = [*modules(), *PACKAGE.rglob("*.sql"), *PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css")]
    lines = {name_of(path): path.read_text("utf-8").count("\n") for path in paths}
    assert {name: count for name, count in lines.items() if count > FILE_CEILING} == {}


def test_no_function_is_longer_than_the_ceiling(trees: dict[Path, ast.Module]) -> None:
    lengths = {
        f"{name_of(path)}:{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path, tree in trees.items()
        for function in functions(tree)
    }
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_CEILING} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    words = {name_of(path): set(path.stem.split("_")) for path in modules()}
    folders = {name_of(path): {path.name} for path in PACKAGE.rglob("*") if path.is_dir()}
    named = {name for name, parts in (words | folders).items() if parts & FORBIDDEN_NAMES}
    assert named == set()


def test_every_module_with_code_says_what_it_is(trees: dict[Path, ast.Module]) -> None:
    silent = [name_of(p) for p, tree in trees.items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_every_argument_and_return_is_typed(trees: dict[Path, ast.Module]) -> None:
    untyped = [
        f"{name_of(path)}:{function.lineno}"
        for path, tree in trees.items()
        for function in functions(tree)
        if function.returns is None or any(_untyped(function))
    ]
    assert untyped == []


def _untyped(function: Function) -> Iterator[ast.arg]:
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    for argument in arguments:
        if argument and argument.annotation is None and argument.arg not in ("self", "cls"):
            yield argument


def test_our_own_modules_are_not_imported_inside_functions(
    trees: dict[Path, ast.Module],
) -> None:
    late = {
        (name_of(path), module)
        for path, tree in trees.items()
        for function in functions(tree)
        for module in imported(function)
        if module.split(".")[0] == "careloom"
    }
    assert late <= LATE_IMPORTS.keys(), late - LATE_IMPORTS.keys()


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_nothing_imports_pickle() -> None:
    sources = [*modules(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    guilty = [
        path.relative_to(ROOT).as_posix()
        for path in sources
        if {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
        & {module.split(".")[0] for module in imported(ast.parse(path.read_text("utf-8")))}
    ]
    assert guilty == []


def test_every_sql_function_has_a_name_and_a_sentence() -> None:
    silent = [
        f"{path.name}: {name}"
        for path in sorted((PACKAGE / "store" / "sql").glob("*.sql"))
        for name, comment in sql_functions(path.read_text("utf-8"))
        if not re.search(rf"^-- {name}: \S", comment, re.MULTILINE)
    ]
    assert silent == []


def sql_functions(script: str) -> Iterator[tuple[str, str]]:
    """Each function's name with the comment lines right above it."""
    comment: list[str] = []
    for line in script.splitlines():
        match = re.match(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)", line)
        if match:
            yield match[1], "\n".join(comment)
        comment = [*comment, line] if line.startswith("--") else []


def test_sql_functions_are_found() -> None:
    script = "-- one: does this.\nCREATE OR REPLACE FUNCTION one() x\n\nCREATE FUNCTION two() y\n"
    assert list(sql_functions(script)) == [("one", "-- one: does this."), ("two", "")]


def step_folders() -> list[Path]:
    return sorted(path for path in STEPS.iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("folder", step_folders(), ids=lambda path: path.name)
def test_a_step_folder_is_whole(folder: Path) -> None:
    assert (folder / "step.py").is_file()
    assert (folder / "README.md").is_file()
    schemas = sorted(folder.glob("*schema.json"))
    assert schemas
    for schema in schemas:
        written = json.loads(schema.read_text("utf-8"))
        keys = {"title", "description", "input", "output", "effects", "phi", "promise"}
        assert keys | {"compensation", "ai", "group"} <= written.keys(), schema.name
