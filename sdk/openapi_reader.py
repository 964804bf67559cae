"""The server's OpenAPI document as the generators of the clients read it.

One reader for every language: which operation stands in which group, what it is given, what it
answers. https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from careloom.api.app import build_app

GROUPS = {
    "workflows": "workflow",
    "runs": "workflow",
    "people": "task",
    "sessions": "session",
    "workers": "worker",
    "files": "file",
    "connections": "connection",
    "referrals": "referral",
    "operation": "operation",
    "stores": "data_store",
}
"""The attribute of the client under which the operations of a tag stand; else the tag itself."""
OWN_GROUP = {"getSession": "session"}
KEYED = {"executeWorkflow"}
"""Posts that get an Idempotency-Key of their own when none is given."""
KEY_HEADER = "Idempotency-Key"
_STREAM = "text/event-stream"
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Body:
    """What an operation is sent."""

    form: Literal["file", "definition", "json", "content"]
    """A file of a multipart form, a workflow as text or object, JSON, or bytes."""
    required: bool
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document."""

    name: str
    method: str
    path: str
    group: str
    text: str
    places: dict[str, JsonObject]
    """Name and schema of every place in the path."""
    query: dict[str, JsonObject]
    """Name and schema of every query parameter."""
    headers: tuple[str, ...]
    body: Body | None
    answers: dict[str, JsonObject]
    """Content types of the answer, each with its schema."""

    @property
    def keyed(self) -> bool:
        return self.name in KEYED

    @property
    def answer(self) -> JsonObject | None:
        """The schema of the JSON answer."""
        return self.answers.get("application/json")

    @property
    def enveloped(self) -> bool:
        return "data" in (self.answer or {}).get("properties", {})


def words(name: str) -> list[str]:
    """The words of a name in camelCase, kebab-case or snake_case, in small letters."""
    parted = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).replace("-", "_").lower()
    return [word for word in parted.split("_") if word]


def document() -> JsonObject:
    """The document, as clients get it."""
    text = json.dumps(build_app(None).openapi())
    read: JsonObject = json.loads(text)
    return read


def operations(document: JsonObject) -> dict[str, list[Operation]]:
    """Every operation under its group, in the order of the document.

    What answers with a stream of events is left out: it has no answer to wait for.
    """
    groups: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for method, given in item.items():
            operation = _operation(path, method, given)
            if _STREAM not in operation.answers:
                groups.setdefault(operation.group, []).append(operation)
    return groups


def _operation(path: str, method: str, given: JsonObject) -> Operation:
    name, parameters = given["operationId"], given.get("parameters", [])
    tag = (given.get("tags") or ["operation"])[0]
    success = next(value for code, value in given["responses"].items() if code[0] == "2")
    heads = [one["name"] for one in parameters if one["in"] == "header"]
    if name in KEYED and KEY_HEADER not in heads:
        heads.append(KEY_HEADER)
    return Operation(
        name=name,
        method=method.upper(),
        path=path,
        group=OWN_GROUP.get(name, GROUPS.get(tag, "_".join(words(tag)))),
        text=given.get("description") or given.get("summary", ""),
        places={one["name"]: one["schema"] for one in parameters if one["in"] == "path"},
        query={one["name"]: one["schema"] for one in parameters if one["in"] == "query"},
        headers=tuple(heads),
        body=_body(given.get("requestBody")),
        answers={kind: one.get("schema", {}) for kind, one in success.get("content", {}).items()},
    )


def _body(body: JsonObject | None) -> Body | None:
    if body is None:
        return None
    content, required = body["content"], bool(body.get("required"))
    if "multipart/form-data" in content:
        return Body("file", required, content["multipart/form-data"]["schema"])
    if "application/yaml" in content:
        return Body("definition", required, content["application/json"]["schema"])
    if "application/json" in content:
        return Body("json", required, content["application/json"]["schema"])
    return Body("content", required, next(iter(content.values())).get("schema", {}))


def write(files: Callable[[], dict[Path, str]], purpose: str | None) -> None:
    """The command of a generator: write its files, or with --check only say which are stale."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--check", action="store_true", help="only say whether they are current")
    options = parser.parse_args()
    stale = {path: text for path, text in files().items() if not _same(path, text)}
    if options.check:
        sys.exit(f"stale: {', '.join(path.name for path in stale)}" if stale else 0)
    for path, text in stale.items():
        path.write_text(text, "utf-8")


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text
