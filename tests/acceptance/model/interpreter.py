"""What a workflow must do, said a second time and as plainly as possible: no journal, no frontier,
no waiting, no database. The engine is held against it.

Where branches race (a join that is decided early, a loop that stops at its first error), what the
losers still did is not determined: such rows are `free`, and may be there or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]
Key = tuple[str, str]
ATTEMPTS = 3
"""Of every probe's retry policy."""


class Failed(Exception):
    """A list of steps failed; where is not always determined."""


@dataclass
class Expected:
    """What must hold when the run has ended."""

    state: str = "succeeded"
    rows: dict[Key, str] = field(default_factory=dict)
    """The outcome of every row that must be there."""
    free: set[Key] = field(default_factory=set)
    """Rows that may be there."""
    output: Any = None
    known: bool = True
    """Whether the output is determined."""


@dataclass
class _Scope:
    trigger: JsonObject
    said: dict[str, Any] = field(default_factory=dict)
    """What each step that can be seen says."""
    item: Any = None


def expected(definition: JsonObject, trigger: JsonObject) -> Expected:
    """Interpret a definition of probes and control steps."""
    result = Expected()
    scope = _Scope(trigger)
    try:
        _list(definition["steps"], "steps", "", scope, result)
    except Failed:
        result.state = "rolled_back" if definition.get("onFailure") == "rollback" else "failed"
        return result
    wanted = definition.get("output")
    if wanted is not None:
        result.output = {name: _value(text, scope) for name, text in wanted.items()}
        result.known = all(value is not _UNKNOWN for value in result.output.values())
    return result


_UNKNOWN = object()


def _value(text: Any, scope: _Scope) -> Any:
    """A template of the forms that the generator writes."""
    if not isinstance(text, str) or not text.startswith("{{"):
        return text
    path = text.strip("{} ").split(".")
    if path[0] == "trigger":
        return scope.trigger[path[1]]
    if path[0] == "item":
        return scope.item
    return scope.said.get(path[1], _UNKNOWN)


def _list(steps: list[JsonObject], place: str, it: str, scope: _Scope, out: Expected) -> Any:
    """Go through a list; what its last step that gave something says."""
    last: Any = None
    for step in steps:
        said = _step(step, f"{place}/{step['id']}", it, scope, out)
        if said is not None:
            last = said
    return last


def _step(step: JsonObject, path: str, it: str, scope: _Scope, out: Expected) -> Any:
    if "when" in step and step["when"] != "true":
        out.rows[path, it] = "skipped"
        return None
    kind = step["type"]
    if kind == "probe":
        return _probe(step, path, it, scope, out)
    if kind == "if":
        branch = "then" if step["condition"] else "else"
        out.rows[path, it] = "succeeded"
        if branch in step:
            return _list(step[branch], f"{path}/{branch}", it, scope, out)
        return None
    if kind == "switch":
        value = str(_value(step["value"], scope))
        branch = value if value in step["cases"] else "default"
        out.rows[path, it] = "succeeded"
        steps = step["cases"].get(branch, step.get("default", []))
        return _list(steps, f"{path}/{branch}", it, scope, out)
    if kind == "parallel":
        return _parallel(step, path, it, scope, out)
    if kind == "foreach":
        return _foreach(step, path, it, scope, out)
    raise AssertionError(kind)


def _probe(step: JsonObject, path: str, it: str, scope: _Scope, out: Expected) -> Any:
    plan = step["plan"]
    good = False
    for attempt in range(ATTEMPTS):
        word = plan[min(attempt, len(plan) - 1)]
        if word == "ok":
            good = True
        if word != "again":
            break
    if good:
        out.rows[path, it] = "succeeded"
        scope.said[step["id"]] = _value(step["say"], scope)
        return scope.said[step["id"]]
    if "fallback" in step:
        out.rows[path, it] = "degraded"
        said = _list(step["fallback"], f"{path}/fallback", it, scope, out)
        scope.said[step["id"]] = said
        return said
    out.rows[path, it] = "failed"
    if step.get("onError") == "continue":
        return None
    raise Failed(path)


def _branch(steps: list[JsonObject], place: str, it: str, scope: _Scope) -> tuple[bool, Expected]:
    """One branch alone: whether it succeeds, and its rows."""
    alone = Expected()
    try:
        _list(steps, place, it, scope, alone)
    except Failed:
        return False, alone
    return True, alone


def _merge(out: Expected, inner: list[Expected], *, raced: bool) -> None:
    for one in inner:
        if raced:
            out.free |= one.rows.keys() | one.free
        else:
            out.rows |= one.rows
            out.free |= one.free


def _parallel(step: JsonObject, path: str, it: str, scope: _Scope, out: Expected) -> Any:
    found: list[tuple[bool, Expected]] = []
    scopes = []
    for name, steps in step["branches"].items():
        inner = _Scope(scope.trigger, dict(scope.said), scope.item)
        found.append(_branch(steps, f"{path}/{name}", it, inner))
        scopes.append(inner)
    good, total = sum(ok for ok, _ in found), len(found)
    join = step.get("join", "all")
    wanted = {"all": total, "any": 1, "settled": 0}.get(join) if isinstance(join, str) else None
    wanted = min(join["atLeast"], total) if wanted is None else wanted
    decided_early = join != "settled" and not (join == "all" and good == total)
    _merge(out, [one for _, one in found], raced=decided_early)
    if good < wanted:
        _failed_group(step, path, it, scope, out)
        return None
    out.rows[path, it] = "succeeded"
    if not decided_early:
        for (_, _), inner in zip(found, scopes, strict=True):
            scope.said |= inner.said
    return _UNKNOWN


def _foreach(step: JsonObject, path: str, it: str, scope: _Scope, out: Expected) -> Any:
    items = step["items"]
    found = []
    for index, item in enumerate(items):
        inner = _Scope(scope.trigger, dict(scope.said), item)
        iteration = f"{it}.{index}" if it else str(index)
        found.append(_branch(step["steps"], f"{path}/steps", iteration, inner))
    bad = sum(not ok for ok, _ in found)
    stops = step.get("onItemError", "fail") == "fail" and bad > 0
    _merge(out, [one for _, one in found], raced=stops)
    if stops:
        _failed_group(step, path, it, scope, out)
        return None
    out.rows[path, it] = "succeeded"
    return _UNKNOWN


def _failed_group(step: JsonObject, path: str, it: str, scope: _Scope, out: Expected) -> None:
    if "fallback" in step:
        out.rows[path, it] = "degraded"
        _list(step["fallback"], f"{path}/fallback", it, scope, out)
        return
    out.rows[path, it] = "failed"
    if step.get("onError") != "continue":
        raise Failed(path)
