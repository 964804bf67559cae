"""Writes types.d.ts, operations.js and operations.d.ts of the client from the OpenAPI document.

python sdk/js/generate.py [--check]
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from openapi_reader import KEY_HEADER, Body, JsonObject, Operation, document, words, write
from openapi_reader import operations as operations_of

HERE = Path(__file__).resolve().parent / "src"
_HEAD = "// Generated from the OpenAPI document by generate.py: change that, not this.\n"
_WIDTH = 100
_ROOM = "types."
"""Under this name operations.d.ts has what types.d.ts declares."""
_INLINE = 70
"""An object longer than this stands on lines of its own."""
_FIRST = {
    "file": ("file", "Blob"),
    "definition": ("definition", "types.Definition | string"),
    "json": ("body", ""),
    "content": ("content", "Content"),
}
"""Name and type of the argument that carries the body; the type of JSON comes from its schema."""


def camel(name: str) -> str:
    """run_id, If-None-Exist: as JavaScript writes it."""
    first, *rest = words(name)
    return first + "".join(word.capitalize() for word in rest)


def kind(schema: JsonObject, room: str = "") -> str:
    """The TypeScript type of a JSON Schema; `room` stands before the names of types.d.ts."""
    if "$ref" in schema:
        return room + str(schema["$ref"].rsplit("/", 1)[1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    one_of = [one for one in schema.get("anyOf", schema.get("oneOf", [])) if _says_a_type(one)]
    if one_of:
        return " | ".join(dict.fromkeys(kind(one, room) for one in one_of))
    given = schema.get("type")
    if isinstance(given, list):
        return " | ".join(dict.fromkeys(kind({**schema, "type": one}, room) for one in given))
    if given == "array":
        return f"Array<{kind(schema.get('items', {}), room)}>"
    if given == "object" or "properties" in schema:
        return _object(schema, room)
    if schema.get("format") == "binary":
        return "Blob"
    names = {"string": "string", "integer": "number", "number": "number"}
    return {**names, "boolean": "boolean", "null": "null"}.get(str(given), room + "Anything")


def _says_a_type(schema: JsonObject) -> bool:
    return bool({"$ref", "type", "enum", "const", "anyOf", "oneOf"} & schema.keys()) or not schema


def _object(schema: JsonObject, room: str) -> str:
    if not schema.get("properties"):
        inner = schema.get("additionalProperties")
        told = isinstance(inner, dict)
        return f"Record<string, {kind(inner, room)}>" if told else room + "JsonObject"
    return _braced(_members(schema, room))


def _braced(members: list[str]) -> str:
    """An object of these members: in one line, or one below the other."""
    line = "{ " + "; ".join(members) + " }"
    if len(line) <= _INLINE:
        return line
    return "{\n" + "".join(f"  {_indented(one)};\n" for one in members) + "}"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _members(schema: JsonObject, room: str = "") -> list[str]:
    required = schema.get("required", [])
    return [
        f"{_key(name)}{'' if name in required else '?'}: {kind(inner, room)}"
        for name, inner in schema["properties"].items()
    ]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name) else json.dumps(name)


def _comment(text: str, indent: str = "") -> str:
    """A JSDoc comment; empty without text."""
    plain = " ".join(text.replace("*/", "* /").split())
    if not plain:
        return ""
    if len(indent) + len(plain) + 7 <= _WIDTH:
        return f"{indent}/** {plain} */\n"
    lines = textwrap.wrap(plain, _WIDTH - len(indent) - 3)
    return indent + "/**\n" + "".join(f"{indent} * {line}\n" for line in lines) + f"{indent} */\n"


def types(read: JsonObject) -> str:
    """One type for each schema of the document."""
    out = [
        _HEAD,
        "\n/** A JSON value that the document does not describe further. */\n",
        "export type Anything = any;\n",
        "\n/** A JSON object with any members. */\n",
        "export type JsonObject = Record<string, Anything>;\n",
        "\n/** The platform's answer. */\n",
        "export interface Envelope<T> {\n  success: true;\n  message?: string;\n  data: T;\n}\n",
    ]
    for name, schema in read["components"]["schemas"].items():
        out.append("\n" + _comment(str(schema.get("description", ""))))
        if schema.get("properties"):
            out.append(f"export interface {name} {{\n")
            for member, inner in zip(_members(schema), schema["properties"].values(), strict=True):
                out.append(
                    f"{_comment(str(inner.get('description', '')), '  ')}  {_indented(member)};\n"
                )
            out.append("}\n")
        else:
            out.append(f"export type {name} = {kind(schema)};\n")
    return "".join(out)


def operations(read: JsonObject) -> str:
    """The classes of the groups, in JavaScript."""
    out = [
        _HEAD,
        "// @ts-nocheck\n",
        "import { Operations, newKey, pick, place } from './transport.js';\n",
    ]
    groups = operations_of(read)
    for group, inside in groups.items():
        out.append(f"\n/** Operations on {group.replace('_', ' ')}. */\n")
        out.append(f"export class {_class(group)} extends Operations {{\n")
        out.append("\n".join(_method(one) for one in inside))
        out.append("}\n")
    fields = "".join(f"    this.{camel(one)} = new {_class(one)}(transport);\n" for one in groups)
    out.append("\n/** Every group of operations. */\nexport class Groups {\n")
    out.append(f"  constructor(transport) {{\n{fields}  }}\n}}\n")
    return "".join(out)


def _class(group: str) -> str:
    return "".join(word.capitalize() for word in words(group)) + "Operations"


def _method(operation: Operation) -> str:
    names = [camel(place) for place in operation.places]
    first = [_FIRST[operation.body.form][0]] if operation.body else []
    path = re.sub(r"\{(\w+)\}", lambda found: _placed(found[1]), operation.path)
    arguments = [f"'{operation.method}'", f"`{path}`" if names else f"'{path}'", "options"]
    wanted = _wanted(operation)
    arguments += [f"{{ {', '.join(wanted)} }}"] if wanted else []
    line = f"    return this.send({', '.join(arguments)});\n"
    if len(line) > _WIDTH + 1:
        arguments[3:] = ["{\n" + "".join(f"      {one},\n" for one in wanted) + "    }"]
        line = f"    return this.send({', '.join(arguments)});\n"
    signature = ", ".join([*names, *first, "options"])
    return f"{_comment(operation.text, '  ')}  {operation.name}({signature}) {{\n{line}  }}\n"


def _wanted(operation: Operation) -> list[str]:
    """What the call carries beside method, path and options."""
    wanted = []
    if operation.query:
        names = ", ".join(f"'{name}'" for name in operation.query)
        wanted.append(f"query: pick(options, {names})")
    if operation.headers:
        pairs = [f"'{_header(one)}': {_value(one)}" for one in operation.headers]
        wanted.append("headers: { " + ", ".join(pairs) + " }")
    wanted += [_sent(operation.body)] if operation.body else []
    if _form(operation) != "json":
        wanted.append(f"answer: '{_form(operation)}'")
    return wanted


def _placed(name: str) -> str:
    return f"${{place('{camel(name)}', {camel(name)})}}"


def _header(name: str) -> str:
    return KEY_HEADER if name.lower() == KEY_HEADER.lower() else name


def _value(header: str) -> str:
    """What stands in a header. A post that knows the key gets one, so that it can be repeated."""
    name = f"options?.{camel(header)}"
    return f"{name} ?? newKey()" if _header(header) == KEY_HEADER else name


def _sent(body: Body) -> str:
    if body.form == "definition":
        return "json: typeof definition === 'string' ? { yaml: definition } : definition"
    return "json: body" if body.form == "json" else _FIRST[body.form][0]


def _form(operation: Operation) -> str:
    """How the answer is read: as JSON, as text or as bytes."""
    if operation.answer is not None or not operation.answers:
        return "json"
    return "text" if next(iter(operation.answers)).startswith("text/") else "bytes"


def declarations(read: JsonObject) -> str:
    """The same classes for TypeScript."""
    out = [
        _HEAD,
        "import type { CallOptions, Content, Operations, Transport } from './calls.js';\n",
        "import type * as types from './types.js';\n",
    ]
    groups = operations_of(read)
    for group, inside in groups.items():
        out.append(f"\n/** Operations on {group.replace('_', ' ')}. */\n")
        out.append(f"export declare class {_class(group)} extends Operations {{\n")
        out.append("\n".join(_declared(one) for one in inside))
        out.append("}\n")
    fields = "".join(f"  {camel(group)}: {_class(group)};\n" for group in groups)
    out.append("\n/** Every group of operations. */\nexport declare class Groups {\n")
    out.append(f"  constructor(transport: Transport);\n{fields}}}\n")
    return "".join(out)


def _declared(operation: Operation) -> str:
    signature = [f"{camel(one)}: {_place(schema)}" for one, schema in operation.places.items()]
    if operation.body:
        name, given = _FIRST[operation.body.form]
        given = given or kind(operation.body.schema, _ROOM)
        signature.append(f"{name}{'' if operation.body.required else '?'}: {given}")
    own = [f"{_key(one)}?: {_optional(schema)}" for one, schema in operation.query.items()]
    own += [f"{camel(one)}?: string" for one in operation.headers]
    forms = [one for one in operation.answers if one != "application/json"]
    if operation.answer is None or not forms:
        lines = _signature(operation.name, signature, own, _answer(operation))
    else:
        plain = [*own, "accept?: 'application/json'"]
        lines = _signature(operation.name, signature, plain, _answer(operation))
        for form in forms:
            answer = f"{_ROOM}JsonObject" if form.endswith("+json") else "string"
            lines += _signature(operation.name, signature, [*own, f"accept: '{form}'"], answer)
    return _comment(operation.text, "  ") + lines


def _place(schema: JsonObject) -> str:
    return "number | string" if schema.get("type") == "integer" else "string"


def _signature(name: str, given: list[str], own: list[str], answer: str) -> str:
    needed = any(one.startswith("accept:") for one in own)
    shape = f" & {_braced(own)}" if own else ""
    arguments = [*given, f"options{'' if needed else '?'}: CallOptions{shape}"]
    line = f"  {name}({', '.join(arguments)}): Promise<{answer}>;\n"
    if len(line) <= _WIDTH + 1 and "\n" not in line[:-1]:
        return line
    inner = "".join(f"    {_indented(_indented(one))},\n" for one in arguments)
    return f"  {name}(\n{inner}  ): Promise<{_indented(answer)}>;\n"


def _optional(schema: JsonObject) -> str:
    return " | ".join(one for one in kind(schema, _ROOM).split(" | ") if one != "null")


def _answer(operation: Operation) -> str:
    if operation.answer is None:
        forms = {"json": f"{_ROOM}Anything", "text": "string", "bytes": "Uint8Array"}
        return forms[_form(operation)]
    if operation.enveloped:
        return f"{_ROOM}Envelope<{kind(operation.answer['properties']['data'], _ROOM)}>"
    return kind(operation.answer, _ROOM)


def files() -> dict[Path, str]:
    """What the generated files should be."""
    read = document()
    return {
        HERE / "types.d.ts": types(read),
        HERE / "operations.js": operations(read),
        HERE / "operations.d.ts": declarations(read),
    }


if __name__ == "__main__":
    write(files, __doc__)
