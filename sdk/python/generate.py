"""Writes operations.py and models.py of the client from the server's OpenAPI document.

python sdk/python/generate.py [--check]
"""

from __future__ import annotations

import argparse
import json
import keyword
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from careloom.api.app import build_app

HERE = Path(__file__).resolve().parent / "src" / "careloom_client"
GROUPS = {
    "workflows": "workflow",
    "runs": "workflow",
    "people": "task",
    "sessions": "session",
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
_HEAD = '"""Generated from the OpenAPI document by generate.py: change that, not this."""\n\n'
JsonObject = dict[str, Any]


def snake(name: str) -> str:
    """camelCase or kebab-case as Python writes it."""
    plain = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).replace("-", "_").lower()
    return plain + "_" if keyword.iskeyword(plain) else plain


def kind(schema: JsonObject) -> str:
    """The Python type of a JSON Schema."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema or "oneOf" in schema:
        kinds = [kind(one) for one in schema.get("anyOf", schema.get("oneOf"))]
        return "Any" if "Any" in kinds else " | ".join(dict.fromkeys(kinds))
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"
    given = schema.get("type")
    if isinstance(given, list):
        return " | ".join(dict.fromkeys(kind({**schema, "type": one}) for one in given))
    if given == "array":
        return f"list[{kind(schema.get('items', {}))}]"
    names = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
    return {**names, "null": "None", "object": "Model"}.get(str(given), "Any")


def models(document: JsonObject) -> str:
    """One class for each schema that is an object."""
    out = [
        _HEAD,
        "from __future__ import annotations\n\nfrom typing import Any, Literal\n\n",
        "from careloom_client.values import Model\n",
    ]
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type", "object") != "object":
            out.append(f"\n{name} = {kind(schema)}\n")
            continue
        out.append(f"\n\nclass {name}(Model):\n")
        said = " ".join(str(schema.get("description", f"{name} of the API.")).split())
        out.append(f'    """{said if said.endswith(".") else said + "."}"""\n\n')
        for member, inner in schema.get("properties", {}).items():
            if snake(member).isidentifier() and not hasattr(dict, snake(member)):
                out.append(f"    {snake(member)}: {kind(inner)}\n")
    return "".join(out)


def operations(document: JsonObject) -> str:
    """Both clients' groups of operations."""
    groups: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tag = (operation.get("tags") or ["operation"])[0]
            group = OWN_GROUP.get(operation["operationId"], GROUPS.get(tag, snake(tag)))
            groups.setdefault(group, []).append(_operation(path, method, operation))
    out = [
        _HEAD,
        "from __future__ import annotations\n\nfrom typing import Any, Literal\n\n",
        "from careloom_client import models\n",
        "from careloom_client.transport import AsyncTransport, Transport, call, new_key\n",
        "from careloom_client.values import Envelope, JsonObject, Model, wrapped\n",
    ]
    for asynchronous in (False, True):
        for group, methods in groups.items():
            out.append(_group(group, methods, asynchronous))
        out.append(_all_groups(list(groups), asynchronous))
    return "".join(out)


def _class(group: str, asynchronous: bool) -> str:
    return ("Async" if asynchronous else "") + "".join(
        word.capitalize() for word in group.split("_")
    )


def _group(group: str, methods: list[str], asynchronous: bool) -> str:
    transport = "AsyncTransport" if asynchronous else "Transport"
    body = "\n".join(methods)
    if asynchronous:
        body = body.replace("    def ", "    async def ")
        body = body.replace("self._send(", "await self._send(")
    return (
        f"\n\nclass {_class(group, asynchronous)}:\n"
        f'    """Operations on {group.replace("_", " ")}."""\n\n'
        f"    def __init__(self, transport: {transport}) -> None:\n"
        f"        self._send = transport.send\n\n{body}"
    )


def _all_groups(groups: list[str], asynchronous: bool) -> str:
    name = "AsyncGroups" if asynchronous else "Groups"
    transport = "AsyncTransport" if asynchronous else "Transport"
    lines = "".join(
        f"        self.{group} = {_class(group, asynchronous)}(transport)\n" for group in groups
    )
    return (
        f'\n\nclass {name}:\n    """Every group of operations."""\n\n'
        f"    def __init__(self, transport: {transport}) -> None:\n{lines}"
    )


def _operation(path: str, method: str, operation: JsonObject) -> str:
    name = snake(operation["operationId"])
    given = operation.get("parameters", [])
    places = [one["name"] for one in given if one["in"] == "path"]
    query = {one["name"]: kind(one["schema"]) for one in given if one["in"] == "query"}
    heads = [one["name"] for one in given if one["in"] == "header"]
    keyed = operation["operationId"] in KEYED
    if keyed and "Idempotency-Key" not in heads:
        heads.append("Idempotency-Key")
    first, content = _body(operation)
    signature = ["self", *(f"{snake(place)}: str" for place in places)]
    signature += [first] if first else []
    options = [f"{snake(one)}: {_optional(text)} = None" for one, text in query.items()]
    options += [f"{snake(one)}: str | None = None" for one in heads]
    signature += ["*", *options] if options else []
    returned, begin, end = _answer(operation)
    lines = [f"    def {name}(\n        {', '.join(signature)}\n    ) -> {returned}:"]
    lines += _docstring(operation)
    pairs = ", ".join(f'"{place}": {snake(place)}' for place in places)
    arguments = [f'"{method.upper()}"', f'"{path}"', f"{{{pairs}}}"]
    if query:
        arguments.append("query={" + ", ".join(f'"{q}": {snake(q)}' for q in query) + "}")
    if heads:
        values = [f'"{h}": {snake(h)}{_made(h, keyed)}' for h in heads]
        arguments.append("headers={" + ", ".join(values) + "}")
    arguments += [content] if content else []
    lines.append(f"        wanted = call({', '.join(arguments)})")
    if begin == "wrapped(":
        lines.append(f"        result: {returned} = wrapped(self._send(wanted))")
        lines.append("        return result\n")
    else:
        lines.append(f"        return {begin}self._send(wanted){end}\n")
    return "\n".join(lines)


def _optional(text: str) -> str:
    return text if "None" in text or text == "Any" else f"{text} | None"


def _made(header: str, keyed: bool) -> str:
    return " or new_key()" if keyed and header == "Idempotency-Key" else ""


def _docstring(operation: JsonObject) -> list[str]:
    text = operation.get("description") or operation.get("summary", "")
    plain = re.sub(r"\s+", " ", text).replace('"', "'").strip()
    lines = textwrap.wrap(f'"""{plain}"""', 88) or ['""""""']
    return [f"        {line}" for line in lines]


def _body(operation: JsonObject) -> tuple[str | None, str | None]:
    """The argument of the body, and how it is handed on."""
    body = operation.get("requestBody")
    if body is None:
        return None, None
    content = body["content"]
    if "multipart/form-data" in content:
        return "file: tuple[str, bytes, str]", 'files={"file": file}'
    if "application/yaml" in content:
        wanted = "definition: JsonObject | str"
        return wanted, 'json={"yaml": definition} if isinstance(definition, str) else definition'
    if "application/json" in content:
        optional = "" if body.get("required") else " | None = None"
        return f"body: JsonObject{optional}", "json=body"
    return "content: bytes | str", "content=content"


def _answer(operation: JsonObject) -> tuple[str, str, str]:
    """The type of what is returned, and what stands around the sending."""
    success = next(value for code, value in operation["responses"].items() if code[0] == "2")
    schema = success.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return "Any", "", ""
    if "data" in schema.get("properties", {}):
        data = re.sub(r"\b([A-Z]\w+)\b", _named, kind(schema["properties"]["data"]))
        return f"Envelope[{data}]", "Envelope(", ")"
    return re.sub(r"\b([A-Z]\w+)\b", _named, kind(schema)), "wrapped(", ")"


def _named(found: re.Match[str]) -> str:
    name = found[1]
    return name if name in ("Any", "Model", "Literal", "None") else f"models.{name}"


def files() -> dict[Path, str]:
    """What the generated files should be."""
    document = json.loads(json.dumps(build_app(None).openapi()))
    texts = {"models.py": models(document), "operations.py": operations(document)}
    return {HERE / name: _formatted(text) for name, text in texts.items()}


def _formatted(text: str) -> str:
    for arguments in (["check", "--quiet", "--fix-only", "--select", "F401,I"], ["format"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--line-length", "100", "-"]
        text = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True
        ).stdout
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether they are current")
    options = parser.parse_args()
    stale = [path for path, text in files().items() if not _same(path, text)]
    if options.check:
        sys.exit(f"stale: {', '.join(path.name for path in stale)}" if stale else 0)
    for path, text in files().items():
        path.write_text(text, "utf-8")


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    main()
