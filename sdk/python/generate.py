"""Writes operations.py and models.py of the client from the server's OpenAPI document.

python sdk/python/generate.py [--check]
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from openapi_reader import Body, JsonObject, Operation, document, words, write
from openapi_reader import operations as operations_of

HERE = Path(__file__).resolve().parent / "src" / "careloom_client"
_HEAD = '"""Generated from the OpenAPI document by generate.py: change that, not this."""\n\n'


def snake(name: str) -> str:
    """camelCase or kebab-case as Python writes it."""
    plain = "_".join(words(name))
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
    found = operations_of(document)
    groups = {group: [_operation(one) for one in inside] for group, inside in found.items()}
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


def _operation(operation: Operation) -> str:
    name, query, heads = snake(operation.name), operation.query, operation.headers
    first, content = _body(operation.body)
    signature = ["self", *(f"{snake(place)}: str" for place in operation.places)]
    signature += [first] if first else []
    options = [f"{snake(one)}: {_optional(kind(text))} = None" for one, text in query.items()]
    options += [f"{snake(one)}: str | None = None" for one in heads]
    signature += ["*", *options] if options else []
    returned, begin, end = _answer(operation)
    lines = [f"    def {name}(\n        {', '.join(signature)}\n    ) -> {returned}:"]
    lines += _docstring(operation.text)
    pairs = ", ".join(f'"{place}": {snake(place)}' for place in operation.places)
    arguments = [f'"{operation.method}"', f'"{operation.path}"', f"{{{pairs}}}"]
    if query:
        arguments.append("query={" + ", ".join(f'"{q}": {snake(q)}' for q in query) + "}")
    if heads:
        values = [f'"{h}": {snake(h)}{_made(h, operation.keyed)}' for h in heads]
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


def _docstring(text: str) -> list[str]:
    plain = re.sub(r"\s+", " ", text).replace('"', "'").strip()
    lines = textwrap.wrap(f'"""{plain}"""', 88) or ['""""""']
    return [f"        {line}" for line in lines]


def _body(body: Body | None) -> tuple[str | None, str | None]:
    """The argument of the body, and how it is handed on."""
    if body is None:
        return None, None
    if body.form == "file":
        return "file: tuple[str, bytes, str]", 'files={"file": file}'
    if body.form == "definition":
        wanted = "definition: JsonObject | str"
        return wanted, 'json={"yaml": definition} if isinstance(definition, str) else definition'
    if body.form == "json":
        return f"body: JsonObject{'' if body.required else ' | None = None'}", "json=body"
    return "content: bytes | str", "content=content"


def _answer(operation: Operation) -> tuple[str, str, str]:
    """The type of what is returned, and what stands around the sending."""
    schema = operation.answer
    if schema is None:
        return "Any", "", ""
    if operation.enveloped:
        data = re.sub(r"\b([A-Z]\w+)\b", _named, kind(schema["properties"]["data"]))
        return f"Envelope[{data}]", "Envelope(", ")"
    return re.sub(r"\b([A-Z]\w+)\b", _named, kind(schema)), "wrapped(", ")"


def _named(found: re.Match[str]) -> str:
    name = found[1]
    return name if name in ("Any", "Model", "Literal", "None") else f"models.{name}"


def files() -> dict[Path, str]:
    """What the generated files should be."""
    read = document()
    texts = {"models.py": models(read), "operations.py": operations(read)}
    return {HERE / name: _formatted(text) for name, text in texts.items()}


def _formatted(text: str) -> str:
    for arguments in (["check", "--quiet", "--fix-only", "--select", "F401,I"], ["format"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--line-length", "100", "-"]
        text = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True
        ).stdout
    return text


if __name__ == "__main__":
    write(files, __doc__)
