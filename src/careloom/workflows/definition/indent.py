"""Restores indentation that was lost on the way (a copied web page, a chat, a mail).

Every line keeps its words; only the white space before them changes. The known keys of a
definition and the FHIR element definitions decide what may stand under what. All readings are
searched: one is taken, with receipts; several are shown and refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby

from careloom.workflows.definition.errors import DefinitionError
from careloom.workflows.definition.model import Receipt
from careloom.workflows.definition.nesting import Block, ElementKind, Nesting, StepParameters
from careloom.workflows.definition.source import Source, load

__all__ = ["ElementKind", "StepParameters", "restore", "shape_lost"]

MAX_LINES = 2000
MAX_VISITS = 20_000
MAX_READINGS = 3

_LINE = re.compile(r"(?P<indent> *)(?P<dash>- +)?(?P<words>\S.*)")
_KEYED = re.compile(
    r"(?P<key>[A-Za-z_][A-Za-z0-9_.-]*|\"[^\"\\]+\"|'[^']+')\s*:(?:\s+(?P<rest>.*))?$"
)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    dash: bool
    words: str
    key: str | None
    value: str
    """The plain text of the value; empty when the key has nothing behind it."""
    hollow: bool
    holds_list: bool
    """A list stands behind the key, or may stand below it."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """One line in one reading, linked to the line before."""

    before: _Placed | None
    text: str
    label: str
    owner: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The text with its indentation, line for line, and the receipts."""

    text: str
    receipts: list[Receipt]


def shape_lost(source: Source) -> DefinitionError | None:
    """The fault, when a key has nothing behind it: what belongs below it stands beside it."""
    if not source.hollow:
        return None
    place = min(source.hollow, key=lambda one: source.lines.get(one, (0, 0)))
    line, column = source.lines.get(place, (1, 1))
    name = str(place[-1]) if place else "the text"
    return DefinitionError(
        f"{name} has nothing behind it",
        code="E-INDENT",
        path="/".join(map(str, place)) or None,
        line=line,
        column=column,
        fix=f"indent what belongs to {name} below it, or write null",
    )


def restore(
    text: str,
    failure: DefinitionError,
    element_kind: ElementKind | None,
    step_parameters: StepParameters | None,
) -> Restored:
    """The only sensible reading; raises `failure` when there is none, E-INDENT when several."""
    raw = text.expandtabs(2).splitlines()
    lines = _read(raw, failure)
    search = _Search(lines, Nesting(element_kind, step_parameters))
    readings = search.readings()
    if not readings:
        raise search.duplicate() or failure
    if len(readings) > 1:
        raise _ambiguous(lines, readings, raw)
    return _written(raw, lines, readings[0])


def _read(raw: list[str], failure: DefinitionError) -> list[_Line]:
    if len(raw) > MAX_LINES:
        raise failure
    lines: list[_Line] = []
    for number, text in enumerate(raw, start=1):
        bare = text.strip()
        if not bare or bare.startswith("#") or (bare == "---" and not lines):
            continue
        found = _LINE.fullmatch(text.rstrip())
        if found is None:
            raise failure
        lines.append(_line(number, found, failure))
    return lines


def _line(number: int, found: re.Match[str], failure: DefinitionError) -> _Line:
    words = found["words"]
    keyed = _KEYED.fullmatch(words)
    rest = (keyed["rest"] or "") if keyed else words
    try:
        value = load(rest, "yaml").value if rest and not rest.startswith("#") else None
    except DefinitionError:
        # A value that goes on over several lines cannot be moved line by line.
        raise failure from None
    return _Line(
        number,
        len(found["indent"]),
        found["dash"] is not None,
        words,
        keyed["key"].strip("\"'") if keyed else None,
        value if isinstance(value, str) else "" if value is None else str(value),
        hollow=keyed is not None and (not rest or rest.startswith("#")),
        holds_list=keyed is not None and (not rest or rest.startswith(("#", "["))),
    )


Stack = tuple[Block, ...]


class _Search:
    def __init__(self, lines: list[_Line], nesting: Nesting) -> None:
        self.lines = lines
        self.nesting = nesting
        self.furthest = 0
        self.repeated: dict[int, str] = {}

    def readings(self) -> list[list[_Placed]]:
        """Up to MAX_READINGS ways to nest the lines."""
        found: list[list[_Placed]] = []
        root = Block("root", "", "", 0, 0, shape="map")
        waiting: list[tuple[int, Stack, _Placed | None]] = [(0, (root,), None)]
        visits = 0
        while waiting and len(found) < MAX_READINGS and visits < MAX_VISITS:
            visits += 1
            at, stack, placed = waiting.pop()
            self.furthest = max(self.furthest, at)
            if at == len(self.lines):
                if stack[-1].shape:
                    found.append(_chain(placed))
                continue
            for after, one in self.places(self.lines[at], stack):
                waiting.append((at + 1, after, replace(one, before=placed)))
        return found

    def places(self, line: _Line, stack: Stack) -> list[tuple[Stack, _Placed]]:
        """Every way to put one line under the open blocks."""
        if line.dash or line.key is None:
            return self.item_places(line, stack) if line.dash else []
        return [self.put(line, stack, depth) for depth in self.key_depths(line, stack)]

    def key_depths(self, line: _Line, stack: Stack) -> list[int]:
        assert line.key is not None
        top = stack[-1]
        if not top.shape:
            fits = line.indent >= top.key_indent and self.nesting.takes(top, line.key)
            return [len(stack) - 1] if fits else []
        able = []
        for depth in range(len(stack) - 1, -1, -1):
            block = stack[depth]
            if block.shape != "map" or not self.nesting.takes(block, line.key):
                continue
            if not _aligned(block, line.indent):
                continue
            if block.kind == "cases" and not line.holds_list:
                continue
            if line.key in block.keys:
                self.repeated.setdefault(line.number, line.key)
            else:
                able.append(depth)
        chosen = self.nesting.sensible([stack[depth] for depth in able], line.key)
        return [depth for depth in able if any(stack[depth] is block for block in chosen)]

    def put(self, line: _Line, stack: Stack, depth: int) -> tuple[Stack, _Placed]:
        block = stack[depth]
        assert line.key is not None
        indent = line.indent if block.child_indent is None else block.child_indent
        block = replace(block.with_key(line.key, line.value), child_indent=indent)
        after = (*stack[:depth], block)
        placed = _Placed(None, " " * block.out_indent + line.words, block.label, block.key)
        return self.opened(line, after, placed)

    def opened(self, line: _Line, stack: Stack, placed: _Placed) -> tuple[Stack, _Placed]:
        """Adds the block that a hollow key opens."""
        if not line.hollow:
            return stack, placed
        below = self.nesting.below(stack[-1], line.key or "", line.indent)
        # A key that takes nothing below it stays empty, which no reading may contain.
        dead = Block("steps", placed.label, line.key or "", 10_000, 0)
        made = below or dead
        label = made.label if made.kind in ("workflow", "trigger", "steps") else placed.label
        return (*stack, made), replace(placed, label=label)

    def item_places(self, line: _Line, stack: Stack) -> list[tuple[Stack, _Placed]]:
        top = stack[-1]
        if not top.shape:
            fits = line.indent >= top.key_indent and self.nesting.takes_item(top, line.key)
            return [self.put_item(line, stack, len(stack) - 1)] if fits else []
        return [
            self.put_item(line, stack, depth)
            for depth in range(len(stack) - 1, -1, -1)
            if stack[depth].shape in ("list", "words")
            and stack[depth].child_indent == line.indent
            and self.nesting.takes_item(stack[depth], line.key)
        ]

    def put_item(self, line: _Line, stack: Stack, depth: int) -> tuple[Stack, _Placed]:
        block = replace(
            stack[depth],
            shape="list" if line.key else "words",
            child_indent=line.indent,
            first_key=stack[depth].first_key or line.key or "",
        )
        text = " " * block.out_indent + "- " + line.words
        if line.key is None:
            return (*stack[:depth], block), _Placed(None, text, block.label, block.key)
        item = self.nesting.item(block, line.key, line.value, line.indent)
        placed = _Placed(None, text, item.label, block.key)
        return self.opened(line, (*stack[:depth], block, item), placed)

    def duplicate(self) -> DefinitionError | None:
        """The fault, when no reading exists because a key is given twice."""
        if self.furthest >= len(self.lines):
            return None
        line = self.lines[self.furthest]
        if line.number not in self.repeated:
            return None
        return DefinitionError(
            f"the key {line.key!r} stands twice in one object",
            code="E-DUPLICATEKEY",
            path=line.key,
            line=line.number,
            column=line.indent + 1,
            fix="keep one of the two, or restore the indentation",
        )


def _aligned(block: Block, indent: int) -> bool:
    if block.child_indent is not None:
        return indent == block.child_indent
    return indent >= block.key_indent


def _chain(placed: _Placed | None) -> list[_Placed]:
    out = []
    while placed is not None:
        out.append(placed)
        placed = placed.before
    return out[::-1]


def _ambiguous(
    lines: list[_Line], readings: list[list[_Placed]], raw: list[str]
) -> DefinitionError:
    first = next(i for i in range(len(lines)) if len({reading[i].text for reading in readings}) > 1)
    owners = sorted({reading[first].owner or "the workflow" for reading in readings})
    line = lines[first]
    texts = [_written(raw, lines, reading).text for reading in readings]
    shown = " or ".join(owners) if len(owners) > 1 else "more than one place"
    return DefinitionError(
        f"the indentation is lost and {line.key or line.words!r} may belong to {shown}",
        code="E-INDENT",
        line=line.number,
        column=line.indent + 1,
        fix="choose one of the readings in details.readings and send it with its indentation",
        details={"readings": texts},
    )


def _written(raw: list[str], lines: list[_Line], reading: list[_Placed]) -> Restored:
    out = list(raw)
    for line, placed in zip(lines, reading, strict=True):
        out[line.number - 1] = placed.text
    receipts = []
    pairs = zip(lines, reading, strict=True)
    for label, group in groupby(pairs, key=lambda pair: _section(pair[1].label)):
        numbers = [line.number - 1 for line, _ in group]
        before = [raw[number] for number in numbers]
        after = [out[number] for number in numbers]
        if before != after:
            receipts.append(
                Receipt(
                    "W-INDENT",
                    label or "workflow",
                    f"restored the lost indentation of {len(numbers)} lines",
                    "\n".join(before),
                    "\n".join(after),
                    numbers[0] + 1,
                )
            )
    return Restored("\n".join(out) + "\n", receipts)


def _section(label: str) -> str:
    parts = label.split("/")
    return "/".join(parts[:2]) if parts[0] == "steps" else parts[0]
