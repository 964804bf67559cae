"""Text to JSON values with the line of every place: YAML 1.2 core schema, or JSON.

Only data is read: no tags, no merge keys, aliases copied within a bound, duplicate keys refused.
`yes`, `on` and dates stay text. Limits: 1 MB, 64 levels, 100,000 values.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from careloom.types import Json
from careloom.workflows.definition.errors import DefinitionError

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_VALUES = 100_000

Place = tuple[str | int, ...]
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_STRING_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?", re.ASCII)


@dataclass(slots=True)
class Source:
    """A value, and where in the text each of its parts stands."""

    value: Json
    lines: dict[Place, tuple[int, int]] = field(default_factory=dict)
    """Line and column, from 1."""
    hollow: set[Place] = field(default_factory=set)
    """Places with a key and nothing behind it, the sign of lost indentation."""


def load(text: str, format: str | None = None) -> Source:
    """Reads YAML or JSON (`format` None: JSON when it begins with a brace)."""
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise DefinitionError(
            f"the definition has {size} bytes; at most {MAX_BYTES} are read",
            code="E-SIZE",
            fix="split it into several workflows",
        )
    if format == "json" or (format is None and text.lstrip().startswith("{")):
        return _load_json(text)
    return _YamlReader(text).read()


def check_value(value: Json) -> None:
    """The same bounds for a value that did not come as text; raises DefinitionError."""
    waiting: list[tuple[Json, int]] = [(value, 0)]
    seen = 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_VALUES:
            raise _too_much(depth > MAX_DEPTH)
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                raise DefinitionError("a key is not text", code="E-JSON", fix="quote the key")
            waiting.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            waiting.extend((child, depth + 1) for child in item)
        elif not (item is None or isinstance(item, (str, int, float, bool))):
            raise DefinitionError("a value is not JSON", code="E-JSON", fix="hand in JSON only")


def _too_much(deep: bool, at: tuple[int, int] | None = None) -> DefinitionError:
    if deep:
        message = f"nested more than {MAX_DEPTH} levels deep"
    else:
        message = f"more than {MAX_VALUES} values (aliases count each time)"
    line, column = at or (None, None)
    fix = "make the definition simpler"
    return DefinitionError(message, code="E-SIZE", fix=fix, line=line, column=column)


def _load_json(text: str) -> Source:
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DefinitionError(
            f"this is not JSON: {error.msg}",
            code="E-JSON",
            line=error.lineno,
            column=error.colno,
            fix="correct the text at this place",
        ) from None
    except RecursionError:
        raise _too_much(deep=True) from None
    except ValueError:
        raise DefinitionError(
            "a number has too many digits", code="E-JSON", fix="quote it as text"
        ) from None
    check_value(value)
    return Source(value, _lines(text))


def _lines(text: str) -> dict[Place, tuple[int, int]]:
    """Where the parts of a JSON text stand, as YAML, which holds nearly every JSON text; a text
    that it does not hold (tabs as indentation) is read without lines."""
    try:
        return _YamlReader(text).read().lines
    except DefinitionError:
        return {}


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for key, value in pairs:
        if key in out:
            raise DefinitionError(
                f"the key {key!r} stands twice in one object",
                code="E-DUPLICATEKEY",
                path=key,
                fix="keep one of the two",
            )
        out[key] = value
    return out


def _no_constant(name: str) -> NoReturn:
    raise DefinitionError(f"{name} is not JSON", code="E-JSON", fix="write a number")


def _position(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


class _YamlReader:
    """Builds values from parser events, so that depth and number are known before they grow."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.source = Source(None)
        self.anchors: dict[str, Json] = {}
        self.sizes: dict[str, int] = {}
        self.open_anchors: set[str] = set()
        self.values = 0

    def read(self) -> Source:
        try:
            self.events = iter(yaml.parse(self.text, Loader=_LOADER))
            next(self.events)  # stream start
            event = next(self.events)
            if isinstance(event, yaml.StreamEndEvent):
                self.refuse(event, "E-YAML", "the text is empty", "write a workflow")
            self.source.value = self.node(next(self.events), (), 0)
            next(self.events)  # document end
            event = next(self.events)
            if not isinstance(event, yaml.StreamEndEvent):
                self.refuse(
                    event, "E-YAML", "there is more than one document", "send one at a time"
                )
        except yaml.MarkedYAMLError as error:
            raise self.unreadable(error) from None
        except yaml.YAMLError as error:
            raise DefinitionError(
                f"this is not YAML: {str(error).splitlines()[0]}",
                code="E-YAML",
                fix="remove characters that cannot be printed",
            ) from None
        return self.source

    def unreadable(self, error: yaml.MarkedYAMLError) -> DefinitionError:
        mark = error.problem_mark or error.context_mark
        return DefinitionError(
            f"this is not YAML: {error.problem or 'it cannot be read'}",
            code="E-YAML",
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
            fix="check indentation, colons and quotes at this line",
        )

    def refuse(self, event: Any, code: str, message: str, fix: str, path: Place = ()) -> NoReturn:
        line, column = _position(event)
        where = "/".join(map(str, path)) or None
        raise DefinitionError(message, code=code, path=where, line=line, column=column, fix=fix)

    def count(self, event: Any, number: int, depth: int) -> None:
        self.values += number
        if depth > MAX_DEPTH or self.values > MAX_VALUES:
            raise _too_much(depth > MAX_DEPTH, _position(event))

    def node(self, event: Any, path: Place, depth: int) -> Json:
        self.count(event, 1, depth)
        self.source.lines.setdefault(path, _position(event))
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, path)
        if event.tag is not None and event.tag not in _STRING_TAGS:
            self.refuse(event, "E-YAML", "tags (!…) are not accepted", "write plain data", path)
        before = self.values
        if event.anchor:
            self.open_anchors.add(event.anchor)
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self.sequence(path, depth)
        else:
            value = self.mapping(path, depth)
        if event.anchor:
            self.open_anchors.discard(event.anchor)
            self.anchors[event.anchor] = value
            self.sizes[event.anchor] = self.values - before + 1
        return value

    def alias(self, event: Any, path: Place) -> Json:
        if event.anchor in self.open_anchors:
            self.refuse(event, "E-YAML", "an alias contains itself", "write the value out", path)
        if event.anchor not in self.anchors:
            self.refuse(event, "E-YAML", "an alias has no anchor", "define it with & first", path)
        self.count(event, self.sizes[event.anchor], 0)
        return json.loads(json.dumps(self.anchors[event.anchor]))

    def sequence(self, path: Place, depth: int) -> list[Json]:
        out: list[Json] = []
        event = next(self.events)
        while not isinstance(event, yaml.SequenceEndEvent):
            out.append(self.node(event, (*path, len(out)), depth + 1))
            event = next(self.events)
        return out

    def mapping(self, path: Place, depth: int) -> dict[str, Json]:
        out: dict[str, Json] = {}
        event = next(self.events)
        while not isinstance(event, yaml.MappingEndEvent):
            key = self.key(event, path)
            if key in out:
                self.refuse(
                    event,
                    "E-DUPLICATEKEY",
                    f"the key {key!r} stands twice in one object",
                    "keep one of the two, or restore the indentation",
                    (*path, key),
                )
            here = (*path, key)
            self.source.lines[here] = _position(event)
            out[key] = self.node(next(self.events), here, depth + 1)
            event = next(self.events)
        return out

    def key(self, event: Any, path: Place) -> str:
        self.count(event, 1, 0)
        if not isinstance(event, yaml.ScalarEvent):
            self.refuse(event, "E-YAML", "a key must be plain text", "write key: value", path)
        if event.value == "<<" and event.implicit[0]:
            self.refuse(event, "E-YAML", "merge keys (<<) are not accepted", "write it out", path)
        return str(event.value)

    def scalar(self, event: Any, path: Place) -> Json:
        text = event.value
        if not event.implicit[0]:  # quoted, or tagged as text
            return text
        if text == "":
            self.source.hollow.add(path)
            return None
        if text in ("null", "Null", "NULL", "~"):
            return None
        if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return text.lower() == "true"
        return self.number(event, text, path)

    def number(self, event: Any, text: str, path: Place) -> Json:
        if not (text[0].isdigit() or text[0] in "+-."):
            return text
        if len(text) > 40:
            return text
        if _INT.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                self.refuse(event, "E-YAML", "the number is too large", "quote it as text", path)
            return value
        return text
