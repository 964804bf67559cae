"""The JavaScript of a source document, taken out of its text."""

from __future__ import annotations

import re

_BEGINS = re.compile(r"(?:import|const|await|console\.\w+\()(?=\W|\w)|//")
_OPEN, _CLOSE = "([{", ")]}"
IMPORT = "import { EngineClient } from '@boolbyte/engine';"
KEY = "'YOUR_API_KEY'"
_REFUSED = "told.push({ refused: { status, message } });"


def blocks(text: str) -> list[str]:
    """Every run of statements between the prose, as it stands there, in its order."""
    found: list[list[str]] = []
    depth, inside = 0, False
    for line in text.splitlines():
        if depth == 0 and not line.strip():
            continue
        if depth == 0 and not _BEGINS.match(line):
            inside = False
            continue
        if not inside:
            found.append([])
        inside = True
        found[-1].append(line)
        depth += _depth(line)
    return ["\n".join(lines) for lines in found]


def _depth(line: str) -> int:
    """How many brackets a line leaves open; those in strings and comments do not count."""
    bare = re.sub(r"'(?:[^'\\]|\\.)*'|//.*", "", line)
    return sum(bare.count(one) for one in _OPEN) - sum(bare.count(one) for one in _CLOSE)


def changed(block: str, key: str) -> str:
    """The block with the import and the key changed, and nothing else."""
    return block.replace(IMPORT, "").replace(KEY, f"'{key}'")


def names(block: str) -> list[str]:
    """What a block declares, in its order."""
    return re.findall(r"^const (\w+) =", block, re.MULTILINE)


def whole(text: str, key: str, *, refused: str) -> str:
    """The document's blocks as one module; each tells what it declared.

    A later block stands inside the scope of the one before, because the document gives some names
    twice. The block that has the words `refused` in it may be refused; what with is told.
    """
    lines = [
        "import { EngineClient } from 'careloom-client';",
        "const told = /** @type {any[]} */ ([]);",
    ]
    opened = 0
    for block in blocks(text):
        declared = [name for name in names(block) if not name.lower().endswith("client")]
        kept = f"told.push({{ {', '.join(declared)} }});"
        if refused in block:
            caught = "catch (/** @type {any} */ { status, message })"
            lines += ["try {", changed(block, key), kept, f"}} {caught} {{", _REFUSED, "}"]
        else:
            lines += ["{", changed(block, key), kept]
            opened += 1
    return "\n".join([*lines, "console.log(JSON.stringify(told));", "}" * opened])
