"""The documentation cannot drift: examples are verified, commands parsed, links looked up."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Match

from careloom.ai.imaging import ChestXrayClassifier
from careloom.ai.models import chest_xray_model, observation_reader
from careloom.ai.workers import WorkerRegistry
from careloom.api.app import build_app
from careloom.api.authentication import authenticate
from careloom.api.envelope import failure, success
from careloom.cli.main import parser
from careloom.errors import Unprocessable
from careloom.fhir.definitions import load_definitions
from careloom.fhir.structure import check_template
from careloom.settings import SETTINGS
from careloom.steps.bot.step import TOOLS
from careloom.steps.catalog import build_catalog
from careloom.types import JsonObject
from careloom.workflows.definition import parse_definition
from careloom.workflows.verification import Finding, Known, verify

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
STEPS = ROOT / "src" / "careloom" / "steps"
DATA = ROOT / "tests" / "data"
FOLDERS = ("src", "docs", "examples", "templates", "tests", "benchmarks", "training", ".ci")
TEXTS = {".py", ".sql", ".md", ".yaml", ".yml", ".json", ".toml", ".js", ".css", ".html", ".sh"}
TEST_VARIABLES = {"CARELOOM_TEST_DATA", "CARELOOM_TEST_SERVER", "CARELOOM_SEEDS"}
CLIENT_VARIABLES = {"CARELOOM_API_KEY", "CARELOOM_URL"}
BUILD_VARIABLES = {"CARELOOM_REQUIRE_SCREENS"}


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def pages() -> tuple[Path, ...]:
    """Every page that people read."""
    found = {*ROOT.glob("*.md")}
    for folder in ("docs", "examples", "src", "templates", "training", "benchmarks"):
        found |= set((ROOT / folder).rglob("*.md"))
    return tuple(sorted(found))


def blocks(page: Path, language: str) -> Iterator[str]:
    pattern = rf"^```{language}\n(.*?)^```"
    yield from re.findall(pattern, page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def texts() -> Iterator[Path]:
    roots = [ROOT / folder for folder in FOLDERS]
    for path in [*ROOT.glob("*"), *(p for root in roots for p in root.rglob("*"))]:
        named = path.suffix in TEXTS or path.name in ("Makefile", "run")
        if path.is_file() and named and not {"__pycache__", "node_modules"} & set(path.parts):
            yield path


# Workflows that the pages show


@cache
def catalog_schemas() -> dict[str, JsonObject]:
    """schema.json of every step type; the steps are built without the house behind them."""
    nothing = cast(Any, None)
    catalog = build_catalog(
        fhir=nothing,
        archive=nothing,
        documents=nothing,
        uploads=nothing,
        models=nothing,
        workers=nothing,
        connections=nothing,
        keyring=nothing,
        people=nothing,
        tables=nothing,
        pipelines=nothing,
        read_session=nothing,
        signals=nothing,
        children=nothing,
        language=nothing,
        worker_verification=nothing,
    )
    return {name: step.schema for name, step in catalog.items()}


@cache
def known_names() -> Known:
    models = (chest_xray_model(ChestXrayClassifier()), observation_reader())
    return Known(
        # The contact centre's header says which worker it needs.
        workers=WorkerRegistry().names | {"contact-assistant"},
        # Models that are trained in the store: their pages say so.
        models=frozenset(model.name for model in models)
        | {"trained/urgency", "trained/no-show", "trained/claim-denial", "trained/discharge-delay"},
        tools=frozenset(TOOLS),
        resource_types=frozenset(load_definitions().resource_types),
    )


def structure_findings(resource_type: str, data: JsonObject) -> list[Finding]:
    return [
        Finding("E-FHIRSTRUCTURE", "error", issue.expression, issue.message, "", "")
        for issue in check_template(resource_type, data)
        if issue.severity in ("error", "fatal")
    ]


def errors_of(text: str) -> list[str]:
    parsed = parse_definition(text, mode="strict")
    findings = verify(
        parsed.definition,
        catalog_schemas(),
        mode="strict",
        check_structure=structure_findings,
        known=known_names(),
        line=parsed.line,
    )
    return [f"{one.code} {one.path}: {one.message}" for one in findings if one.severity == "error"]


def workflows_shown() -> list[Any]:
    shipped = [*ROOT.glob("examples/*.yaml"), *ROOT.glob("templates/*.yaml")]
    found = [pytest.param(path.read_text("utf-8"), id=shown(path)) for path in shipped]
    for page in pages():
        for number, block in enumerate(blocks(page, "yaml")):
            if re.match(r"(#.*\n)*workflow:", block) or re.search(r"^steps:", block, re.MULTILINE):
                found.append(pytest.param(block, id=f"{shown(page)}-{number}"))
    return found


@pytest.mark.parametrize("text", workflows_shown())
def test_a_workflow_that_is_shown_can_be_deployed_as_it_stands(text: str) -> None:
    assert errors_of(text) == []


def test_a_wrong_workflow_would_be_noticed() -> None:
    text = "workflow:\n  id: x\n  steps:\n    - {id: a, type: fhir, action: create,"
    text += " resourceType: Observation, data: {status: final, colour: red}}\n"
    assert any("E-FHIRSTRUCTURE" in error for error in errors_of(text))


# Step types


def test_every_step_type_is_in_the_reference() -> None:
    page = (REFERENCE / "steps.md").read_text("utf-8")
    listed = re.findall(r"^\| \[`(\w+)`\]\(([^)]+)\)", page, re.MULTILINE)
    assert {name for name, _ in listed} == catalog_schemas().keys()


def test_the_reference_repeats_each_types_promise() -> None:
    page = (REFERENCE / "steps.md").read_text("utf-8")
    missing = [name for name, schema in catalog_schemas().items() if schema["promise"] not in page]
    assert missing == []


def schema_files() -> list[Any]:
    return [pytest.param(path, id=shown(path)) for path in sorted(STEPS.glob("*/*schema.json"))]


@pytest.mark.parametrize("schema_file", schema_files())
def test_a_step_page_names_what_its_schema_names(schema_file: Path) -> None:
    page = (schema_file.parent / "README.md").read_text("utf-8")
    schema = json.loads(schema_file.read_text("utf-8"))
    kind = schema_file.name.removesuffix("schema.json").removesuffix(".")
    of = f" of `{kind}`" if kind else ""
    assert keys_under(page, f"Parameters{of}") == set(schema["input"]["properties"])
    assert keys_under(page, f"Output{of}") == set(schema["output"]["properties"])
    for name in ("promise", "phi", "compensation"):
        assert schema[name] in page, name


def keys_under(page: str, heading: str) -> set[str]:
    """The keys in the first table of a section."""
    section = re.split(r"^## ", page.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.M)[0]
    table = re.search(r"^\| Key \|.*?(?=^\s*$)", section + "\n\n", re.M | re.S)
    return set(re.findall(r"^\| `([^`]+)` \|", table[0], re.M)) if table else set()


# Commands and requests


def commands_shown() -> list[Any]:
    """Every `careloom …` line of a sh block, continued lines joined."""
    found = []
    for page in pages():
        for block in blocks(page, "sh"):
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                words = shlex.split(line, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words = words[1:]
                if words and words[0].rpartition("/")[2] == "careloom":
                    found.append(pytest.param(words[1:], id=f"{shown(page)}: {line.strip()}"))
    return found


@pytest.mark.parametrize("words", commands_shown())
def test_a_command_that_is_shown_is_understood(words: list[str]) -> None:
    end = next((i for i, word in enumerate(words) if word in (">", "|", "&&", "&", ";")), None)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parser().parse_args(words[:end])
    except SystemExit:
        pytest.fail(said.getvalue())


def test_a_wrong_command_would_be_noticed() -> None:
    with pytest.raises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        parser().parse_args(["deploy", "--quickly", "x.yaml"])


def options(command: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, list[str]]]:
    """Every command by its full name, with its options."""
    children = [a for a in command._actions if isinstance(a, argparse._SubParsersAction)]
    own = [a.option_strings[-1] for a in command._actions if a.option_strings]
    yield name, [option for option in own if option != "--help"]
    for action in children:
        for word, child in action.choices.items():
            yield from options(child, f"{name} {word}")


def test_every_command_and_option_is_in_the_reference() -> None:
    page = (REFERENCE / "cli.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `([^`]+)`\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    for name, flags in options(parser(), "careloom"):
        if name == "careloom":
            continue
        section = next((text for title, text in sections.items() if title == name), None)
        if section is None:
            assert any(title.startswith(f"{name} ") for title in sections), f"{name} has no section"
            continue
        assert [flag for flag in flags if f"`{flag}" not in section] == [], name


def test_the_commands_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for page in pages():
        named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text("utf-8"), re.M)
        assert set(named) <= targets, shown(page)


def test_the_settings_that_are_named_exist() -> None:
    names = {setting.name for setting in SETTINGS}
    names |= {f"{setting.name}_FILE" for setting in SETTINGS if setting.is_secret}
    for page in pages():
        named = set(re.findall(r"\bCARELOOM_[A-Z0-9_]*[A-Z0-9]\b", page.read_text("utf-8")))
        known = names | TEST_VARIABLES | CLIENT_VARIABLES | BUILD_VARIABLES
        assert named <= known, shown(page)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The application without a house behind it."""
    return build_app(None)


def requests_shown() -> list[Any]:
    """(method, path) of every curl."""
    found = []
    for page in pages():
        for block in blocks(page, "sh"):
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["curl"]:
                    target = _target(words)
                    found.append(pytest.param(*target, id=f"{shown(page)}: {' '.join(target)}"))
    return found


def _target(words: list[str]) -> tuple[str, str]:
    url = next(word for word in words if word.startswith(("$BASE", "http://127.0.0.1")))
    path = re.sub(r"^(\$BASE|http://[^/]+)", "", url).partition("?")[0]
    if "-X" in words:
        return words[words.index("-X") + 1], path
    if "-T" in words:
        return "PUT", path
    sends = {"-d", "-F", "--data", "--data-binary"} & set(words)
    return ("POST" if sends else "GET"), path


@pytest.mark.parametrize(("method", "path"), requests_shown())
def test_a_request_that_is_shown_has_a_route(app: FastAPI, method: str, path: str) -> None:
    asked = {"type": "http", "method": method, "path": path, "headers": [], "root_path": ""}
    assert any(route.matches(asked)[0] is Match.FULL for route in app.routes)


def operations(app: FastAPI) -> list[str]:
    """Name, method and path of every operation of the OpenAPI document."""
    return sorted(
        f"{operation['operationId']} {method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    )


def test_every_operation_is_in_the_reference(app: FastAPI) -> None:
    page = (REFERENCE / "api.md").read_text("utf-8")
    for operation in operations(app):
        name, method, path = operation.split()
        assert f"| `{name}` | `{method} {path}` |" in page, operation


def test_operations_are_only_added_never_removed_or_renamed(app: FastAPI) -> None:
    frozen = (DATA / "operation_ids.txt").read_text("utf-8").split("\n")
    kept = {line for line in frozen if line and not line.startswith("#")}
    now = set(operations(app))
    assert kept - now == set(), "clients are generated from these"
    assert now - kept == set(), "add the new ones to tests/data/operation_ids.txt"


# The envelope


def shape(value: Any) -> Any:
    """Keys and kinds of a JSON value."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return type(value).__name__


def test_the_envelope_keeps_its_shape() -> None:
    frozen = json.loads((DATA / "envelope.json").read_text("utf-8"))
    said = {
        "success": success({"id": "x"}),
        "successWithMessage": success({"id": "x"}, message="Done"),
        "error": failure(422, "a_code", "A sentence"),
        "errorWithPlaceAndFix": failure(422, "a_code", "A sentence", path="/a", fix="do b"),
    }
    assert {name: shape(json.loads(bytes(a.body))) for name, a in said.items()} == frozen


async def test_every_kind_of_error_comes_in_the_envelope() -> None:
    app = build_app(None)

    async def nobody(request: Request) -> None:
        if request.headers.get("authorization") == "refuse":
            raise Unprocessable("It cannot be done", path="/a", fix="do b")

    app.dependency_overrides[authenticate] = nobody
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://careloom") as client:
        answers = {
            404: await client.get("/api/nowhere"),
            405: await client.delete("/api/workflows"),
            422: await client.get("/api/tasks", headers={"Authorization": "refuse"}),
            500: await client.get("/api/tasks"),
        }
        invalid = await client.get("/api/tasks?limit=0")
    for status, answer in [*answers.items(), (422, invalid)]:
        body = answer.json()
        assert answer.status_code == status
        assert {"success", "message", "data", "error"} == body.keys()
        assert (body["success"], body["data"]) == (False, None)
        assert {"code", "details"} <= body["error"].keys() <= {"code", "details", "path", "fix"}
    assert invalid.json()["error"]["path"] == "/limit"


# Links, paths and words


def test_every_relative_link_leads_somewhere() -> None:
    dead = [
        f"{shown(page)} -> {target}"
        for page in pages()
        for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page))
        if not re.match(r"[a-z]+:", target) and not _leads(page, target)
    ]
    assert dead == []


def _leads(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = (page.parent / name).resolve() if name else page
    if not path.exists():
        return False
    return not anchor or anchor in _anchors(path)


@cache
def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set(), [ROOT / "README.md", ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", _prose(page)):
            if not re.match(r"[a-z]+:", target):
                waiting.append((page.parent / target).resolve())
    lost = [shown(page) for page in (ROOT / "docs").rglob("*.md") if page not in reached]
    assert lost == []


def test_every_decision_is_a_whole_record() -> None:
    parts = ("Context", "Decision", "Consequences", "Alternatives", "Held by")
    records = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text("utf-8")
        assert all(f"**{part}.**" in text for part in parts), shown(path)
        for check in re.findall(r"`(tests/[\w/.]+)`", text):
            assert (ROOT / check).exists(), f"{shown(path)}: {check}"


def test_nothing_names_a_machine_or_unfinished_work() -> None:
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX"))
    places = "|".join(("/wo" + "rk/", "/ro" + "ot/", r"C:\\Use" + "rs"))
    forbidden = re.compile(rf"\b(?:{marks})\b|(?<![\w.$}}])(?:{places})")
    found = [
        f"{shown(path)}: {match[0]}"
        for path in texts()
        for match in [forbidden.search(path.read_text("utf-8"))]
        if match
    ]
    assert found == []
