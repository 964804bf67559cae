"""A decision table in its short form: read, checked, and turned into what the engine takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
import zen

from careloom.errors import InvalidInput
from careloom.rules.bounds import check_calculation
from careloom.rules.cells import CellError, Test, read_cell, zen_literal
from careloom.types import Json, JsonObject

HIT_POLICIES = ("first", "unique", "collect")
TYPES = ("number", "integer", "string", "boolean")
MAX_ROWS, MAX_COLUMNS, MAX_BYTES = 2000, 50, 1 << 20
ROW_KEY = "careloom:row"


@dataclass(frozen=True, slots=True)
class Input:
    """A column of conditions. `minimum`, `maximum` and `values` say what can come at all."""

    field: str
    type: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[Json, ...] | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a cell for each input in ZEN's language, an expression for each output."""

    id: str
    cells: tuple[str, ...]
    tests: tuple[tuple[Test, ...] | None, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table that can be decided and reasoned about."""

    hit_policy: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    rows: tuple[Row, ...]
    default: JsonObject | None
    hash: str

    def jdm(self) -> str:
        """The table as a JSON Decision Model. Every row also answers its own id.

        https://docs.gorules.io/developers/jdm/standard
        """
        rules = []
        for row in self.rows:
            cells = {f"i{n}": cell for n, cell in enumerate(row.cells)}
            answers = {f"o{n}": answer for n, answer in enumerate(row.outputs)}
            rules.append({"_id": row.id, **cells, **answers, "row": zen_literal(row.id)})
        content = {
            # `unique` collects, too, so that a second match is seen and refused.
            "hitPolicy": "first" if self.hit_policy == "first" else "collect",
            "inputs": [{"id": f"i{n}", "field": one.field} for n, one in enumerate(self.inputs)],
            "outputs": [
                *({"id": f"o{n}", "field": name} for n, name in enumerate(self.outputs)),
                {"id": "row", "field": "_row"},
            ],
            "rules": rules,
        }
        nodes = [
            {"id": "in", "name": "in", "type": "inputNode"},
            {"id": "table", "name": "table", "type": "decisionTableNode", "content": content},
            {"id": "out", "name": "out", "type": "outputNode"},
        ]
        edges = [
            {"id": "1", "type": "edge", "sourceId": "in", "targetId": "table"},
            {"id": "2", "type": "edge", "sourceId": "table", "targetId": "out"},
        ]
        return orjson.dumps({"nodes": nodes, "edges": edges}).decode()


def content_hash(given: JsonObject) -> str:
    """The hash by which a decision names the table that it was made with."""
    return hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_table(given: JsonObject) -> Table:
    """A table in its short form. Raises InvalidInput with the place of the first fault."""
    if len(orjson.dumps(given)) > MAX_BYTES:
        raise _fault("", f"the table is larger than {MAX_BYTES >> 20} MB", "split it")
    allowed = {"hitPolicy", "inputs", "outputs", "rows", "default", "description"}
    _only(given, allowed, "")
    policy = given.get("hitPolicy", "first")
    if policy not in HIT_POLICIES:
        raise _fault("hitPolicy", f"the hit policy is none of {', '.join(HIT_POLICIES)}")
    inputs = tuple(_input(one, n) for n, one in enumerate(_list(given, "inputs", MAX_COLUMNS)))
    outputs = tuple(_output(one, n) for n, one in enumerate(_list(given, "outputs", MAX_COLUMNS)))
    rows = [_row(one, n, inputs, outputs) for n, one in enumerate(_list(given, "rows", MAX_ROWS))]
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if row.id in seen:
            raise _fault(f"rows/{number}/id", f"two rows are called {row.id!r}", "rename one")
        seen.add(row.id)
    default = given.get("default")
    if default is not None:
        if not isinstance(default, dict):
            raise _fault("default", "`default` is an object of outputs")
        _only(default, set(outputs), "default")
    return Table(policy, inputs, outputs, tuple(rows), default, content_hash(given))


def table_of_node(node: JsonObject) -> Table:
    """The table of a JSON Decision Model's node, to reason about. Raises InvalidInput."""
    content = node.get("content")
    content = content if isinstance(content, dict) else {}
    columns = [one for one in content.get("inputs") or () if isinstance(one, dict)]
    rules = [one for one in content.get("rules") or () if isinstance(one, dict)]
    if len(rules) > MAX_ROWS or len(columns) > MAX_COLUMNS:
        raise _fault("rules", f"a table has at most {MAX_ROWS} rows and {MAX_COLUMNS} columns")
    outputs = [str(one.get("id")) for one in content.get("outputs") or () if isinstance(one, dict)]
    rows = []
    for number, rule in enumerate(rules):
        cells = tuple(str(rule.get(str(column.get("id"))) or "") for column in columns)
        answers = tuple(str(rule.get(name) or "") for name in outputs)
        tests = tuple(read_cell(cell) for cell in cells)
        rows.append(Row(str(rule.get("_id", number)), cells, tests, answers))
    inputs = tuple(Input(str(column.get("field") or "")) for column in columns)
    policy = "collect" if content.get("hitPolicy") == "collect" else "first"
    return Table(policy, inputs, tuple(outputs), tuple(rows), None, content_hash(content))


def _input(given: Any, number: int) -> Input:
    place = f"inputs/{number}"
    if isinstance(given, str):
        given = {"field": given}
    if not isinstance(given, dict) or not _is_field(given.get("field")):
        raise _fault(place, "an input needs a `field`", "write {field: age, type: number}")
    _only(given, {"field", "type", "min", "max", "enum", "optional"}, place)
    kind, values = given.get("type"), given.get("enum")
    if kind is not None and kind not in TYPES:
        raise _fault(f"{place}/type", f"the type is none of {', '.join(TYPES)}")
    if values is not None and (not isinstance(values, list) or not values):
        raise _fault(f"{place}/enum", "`enum` lists the values that can come")
    for name in ("min", "max"):
        bound = given.get(name)
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float)):
            raise _fault(f"{place}/{name}", f"`{name}` is a number")
    return Input(
        given["field"],
        kind,
        given.get("min"),
        given.get("max"),
        None if values is None else tuple(values),
        bool(given.get("optional", False)),
    )


def _is_field(value: Any) -> bool:
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))


def _output(given: Any, number: int) -> str:
    name = given.get("field") if isinstance(given, dict) else given
    if not isinstance(name, str) or not name.isidentifier() or name == "_row":
        raise _fault(f"outputs/{number}", "an output is a name of letters, digits and _")
    return name


def _row(given: Any, number: int, inputs: tuple[Input, ...], outputs: tuple[str, ...]) -> Row:
    place = f"rows/{number}"
    if not isinstance(given, dict) or not isinstance(given.get("then"), dict):
        raise _fault(place, "a row needs `when` and `then`", "write {when: {…}, then: {…}}")
    _only(given, {"id", "when", "then", "description"}, place)
    when, then = given.get("when", {}), given["then"]
    if not isinstance(when, dict):
        raise _fault(f"{place}/when", "`when` is an object of conditions by input")
    _only(when, {one.field for one in inputs}, f"{place}/when")
    _only(then, set(outputs), f"{place}/then")
    cells, tests = [], []
    for column in inputs:
        where = f"{place}/when/{column.field}"
        cell = _cell(when.get(column.field), column, where)
        cells.append(cell)
        tests.append(read_cell(cell))
    answers = [_answer(then.get(name), f"{place}/then/{name}") for name in outputs]
    identity = given.get("id", f"row{number + 1}")
    if not isinstance(identity, str) or not identity or '"' in identity:
        raise _fault(f"{place}/id", "a row's id is a text without quotation marks")
    return Row(identity, tuple(cells), tuple(tests), tuple(answers))


def _cell(value: Json, column: Input, place: str) -> str:
    """A condition as ZEN has it. A text stands for itself in a text column, unless it begins with
    `=`; in other columns it is a condition such as `>= 65` or `[18..65)`."""
    try:
        if value is None:
            return ""
        if isinstance(value, list):
            return ", ".join(zen_literal(one) for one in value)
        if isinstance(value, dict):
            return _negated(value, place)
        if not isinstance(value, str):
            return zen_literal(value)
        if value.strip() in ("", "-"):
            return ""
        textual = column.type == "string" or (column.type is None and column.values is not None)
        if textual and not value.startswith("="):
            return zen_literal(value)
        cell = value.removeprefix("=").strip()
        check_calculation(cell)
        zen.compile_unary_expression(cell)
    except CellError as error:
        raise _fault(place, str(error)) from error
    except Exception as error:
        raise _fault(place, "the condition cannot be read", _HOW) from error
    return cell


def _negated(value: JsonObject, place: str) -> str:
    if value.keys() != {"not"}:
        raise _fault(place, "an object in a cell can only be {not: …}")
    unwanted = value["not"] if isinstance(value["not"], list) else [value["not"]]
    return f"not in {zen_literal(unwanted)}"


def _answer(value: Json, place: str) -> str:
    """An output as ZEN has it: a JSON value as it stands, or a calculation after `=`."""
    try:
        if isinstance(value, str) and value.startswith("="):
            text = value[1:].strip()
            check_calculation(text)
            zen.compile_expression(text)
            return text
        return zen_literal(value)
    except CellError as error:
        raise _fault(place, str(error)) from error
    except Exception as error:
        raise _fault(place, "the calculation cannot be read", _HOW) from error


_HOW = "see https://docs.gorules.io/reference/expression-language"


def _list(given: JsonObject, name: str, most: int) -> list[Any]:
    value = given.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise _fault(name, f"`{name}` is a list of 1 to {most}")
    return value


def _only(given: JsonObject, allowed: set[str], place: str) -> None:
    for name in given:
        if name not in allowed:
            raise _fault(
                f"{place}/{name}" if place else name,
                f"{name!r} does not belong here",
                f"there is {', '.join(sorted(allowed))}",
            )


def _fault(
    place: str, message: str, fix: str = "see docs/howto/decision-tables.md"
) -> InvalidInput:
    where = f"{place}: " if place else ""
    return InvalidInput(
        f"The decision table: {where}{message}", code="E-RULETABLE", path=place, fix=fix
    )
