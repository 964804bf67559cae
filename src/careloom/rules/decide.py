"""Decides by a table with the ZEN engine, and says which rows decided.

https://github.com/gorules/zen
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
import zen

from careloom.errors import CareloomError, InvalidInput, Unprocessable
from careloom.rules.bounds import LONGEST, check_together
from careloom.rules.cells import CellError
from careloom.rules.table import HIT_POLICIES, Table, content_hash, read_table
from careloom.types import Json, JsonObject

_ENGINE = zen.ZenEngine()
_NODES = ("inputNode", "outputNode", "decisionTableNode", "expressionNode", "switchNode")
_MODEL_BYTES = 1 << 20
_COMPILED = 256


def is_model(given: JsonObject) -> bool:
    """Whether this is a JSON Decision Model, as the GoRules editor writes it."""
    return "nodes" in given


def check_model(model: JsonObject) -> str:
    """A JSON Decision Model that may be decided by; returns it as text. Its nodes only compute:
    scripts, calls and references to other models are not offered."""
    nodes = model.get("nodes")
    if not isinstance(nodes, list) or not isinstance(model.get("edges"), list):
        raise _fault("nodes", "a model has lists of nodes and edges")
    for number, node in enumerate(nodes):
        kind = node.get("type") if isinstance(node, dict) else None
        if kind not in _NODES:
            raise _fault(f"nodes/{number}/type", f"only {', '.join(_NODES)} are offered")
    text = orjson.dumps({"nodes": nodes, "edges": model["edges"]})
    if len(text) > _MODEL_BYTES:
        raise _fault("", f"the model is larger than {_MODEL_BYTES >> 20} MB")
    try:
        _check_bounds(nodes)
        _compiled(text.decode()).validate()
    except CellError as error:
        raise _fault("nodes", f"one calculation cannot be bounded: {error}") from error
    except Exception as error:
        raise _fault("", "the model cannot be read by the engine") from error
    return text.decode()


def _check_bounds(nodes: list[JsonObject]) -> None:
    """Raises CellError for calculations that have no bound, alone or together."""
    computing = [one for one in nodes if one["type"] not in ("inputNode", "outputNode")]
    texts = list(_texts(computing))
    if any(len(text) > LONGEST for text in texts):
        raise CellError(f"it is longer than {LONGEST} characters")
    check_together(texts, _texts([_without_conditions(node) for node in computing]))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _texts(child)


def _without_conditions(node: JsonObject) -> Json:
    """A range in a cell of a table's inputs is compared with, and never gone through."""
    content = node.get("content")
    if node["type"] != "decisionTableNode" or not isinstance(content, dict):
        return node
    columns = [one.get("id") for one in _objects(content.get("inputs"))]
    rules = [
        [value for name, value in rule.items() if name not in columns]
        for rule in _objects(content.get("rules"))
    ]
    return [{**content, "rules": None}, rules]


def _objects(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def decide(given: JsonObject, data: JsonObject) -> JsonObject:
    """The answer of a table in either form: {result, rows} or {results, rows}.

    Raises InvalidInput for a table or an input that is none, Unprocessable with `rules_gap` or
    `rules_overlap` where the hit policy leaves the answer open.
    """
    if is_model(given):
        return _decide_model(check_model(given), data)
    return decide_table(_table(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)), data)


@lru_cache(maxsize=_COMPILED)
def _table(content: bytes) -> Table:
    return read_table(orjson.loads(content))


def decide_table(table: Table, data: JsonObject) -> JsonObject:
    """The answer of a table in its short form."""
    for column in table.inputs:
        _check(column.field, column.type, column.optional, _at(data, column.field))
    found = _evaluate(_compiled_table(table.hash, table.jdm()), data)
    rows = found if isinstance(found, list) else [found] if found else []
    ids = [str(row.pop("_row")) for row in rows]
    results = [{name: row.get(name) for name in table.outputs} for row in rows]
    if table.hit_policy == "collect":
        return {"results": results, "rows": ids}
    if len(rows) > 1:
        raise Unprocessable(
            f"Rows {', '.join(ids)} all match, and the table allows one",
            code="rules_overlap",
            fix="narrow the rows, or use hitPolicy: first",
            details={"rows": ids},
        )
    if rows:
        return {"result": results[0], "rows": ids}
    if table.default is None:
        raise Unprocessable(
            "No row of the table decides this input",
            code="rules_gap",
            fix="add a row or a `default` to the table",
        )
    return {"result": {**dict.fromkeys(table.outputs), **table.default}, "rows": []}


def _decide_model(text: str, data: JsonObject) -> JsonObject:
    decision = _compiled(text)
    try:
        answer = decision.evaluate(data, {"trace": True})
    except Exception as error:
        raise _not_decided() from error
    answered = orjson.loads(orjson.dumps(answer))
    key = "results" if isinstance(answered["result"], list) else "result"
    return {key: answered["result"], "rows": list(_traced(answered.get("trace") or {}))}


def _traced(trace: JsonObject) -> Iterator[str]:
    """Ids of the rows that decided, in the order of the tables."""
    for step in sorted(trace.values(), key=lambda one: one.get("order") or 0):
        seen = step.get("traceData")
        for one in seen if isinstance(seen, list) else [seen]:
            rule = one.get("rule") if isinstance(one, dict) else None
            if isinstance(rule, dict) and "_id" in rule:
                yield str(rule["_id"])


def _evaluate(decision: Any, data: JsonObject) -> Any:
    try:
        return orjson.loads(orjson.dumps(decision.evaluate(data)["result"]))
    except Exception as error:
        raise _not_decided() from error


def _not_decided() -> CareloomError:
    # What the engine says may quote the input, which may be a patient's.
    return Unprocessable(
        "The table could not be decided: a calculation does not fit the input",
        code="rules_failed",
        fix="try the table with this kind of input; check the calculations after `=`",
    )


def _check(name: str, kind: str | None, optional: bool, value: Json) -> None:
    if value is None:
        if not optional:
            raise InvalidInput(
                f"The table's input {name} is missing",
                code="rules_input",
                path=name,
                fix="give it under `data`, or declare the input `optional: true`",
            )
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        None: True,
        "number": number,
        "integer": number and float(value).is_integer()
        if isinstance(value, int | float)
        else False,
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
    }
    if not fits[kind]:
        raise InvalidInput(
            f"The table's input {name} is not of type {kind}", code="rules_input", path=name
        )


def _at(data: JsonObject, field: str) -> Json:
    value: Json = data
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@lru_cache(maxsize=_COMPILED)
def _compiled(text: str) -> Any:
    return _ENGINE.create_decision(text)


@lru_cache(maxsize=_COMPILED)
def _compiled_table(_hash: str, text: str) -> Any:
    return _ENGINE.create_decision(text)


def _fault(place: str, message: str) -> InvalidInput:
    return InvalidInput(
        f"The decision model: {message}",
        code="E-RULETABLE",
        path=place,
        fix=f"use a table with hit policy {', '.join(HIT_POLICIES)}, or a model of tables and"
        " expressions",
    )


__all__ = ["check_model", "content_hash", "decide", "decide_table", "is_model"]
