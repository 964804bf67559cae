"""What a workflow is once it has been read: small immutable values over canonical JSON.

The canonical JSON is the stored form and is itself written in the definition language, so it can be
read again; its SHA-256 names the version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from careloom.types import Json, JsonObject

Mode = Literal["compat", "strict"]

STEP_KEYS = (
    "id",
    "type",
    "name",
    "description",
    "when",
    "retry",
    "timeout",
    "heartbeat",
    "onError",
    "output",
    "then",
    "else",
    "cases",
    "default",
    "branches",
    "steps",
    "fallback",
    "compensate",
)
"""Keys of a step that the engine reads; every other key is the step type's parameter."""
HOLDERS: dict[str, tuple[str, ...]] = {
    "if": ("then", "else"),
    "approval": ("then", "else"),
    "switch": ("cases", "default"),
    "parallel": ("branches",),
    "foreach": ("steps",),
}
"""The keys under which steps of these types have steps; other types have none."""
NEEDED_HOLDER = {"if": "then", "switch": "cases", "parallel": "branches", "foreach": "steps"}
"""The one that a step cannot do without."""
HOLDER_KEYS = frozenset(key for keys in HOLDERS.values() for key in keys)
TRIGGER_KEYS = ("type", "event", "filter", "where")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after which pauses a failed attempt is repeated. Pauses in seconds."""

    attempts: int = 3
    initial_s: float = 1.0
    factor: float = 2.0
    max_s: float = 60.0
    jitter: float = 0.2
    """Share of the pause that is drawn at random, 0 to 1."""


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One step; `params` still holds its templates."""

    id: str
    type: str
    path: str
    """Where it stands: `steps/analyze-image`, or `steps/check/then/notify` inside a branch."""
    params: JsonObject
    retry: RetryPolicy = RetryPolicy()
    timeout_s: float | None = None
    condition: str | None = None
    on_error: Literal["fail", "continue"] = "fail"
    output: str | None = None
    """Another name for the result inside this step's output."""
    branches: dict[str, tuple[StepDefinition, ...]] = field(default_factory=dict)
    """if: then and else; switch: one per case, and default; parallel: one per branch; foreach:
    its body under `steps`."""
    fallback: tuple[StepDefinition, ...] = ()
    """Run when the step failed for good; the run then goes on, and the step counts as degraded."""
    compensate: tuple[StepDefinition, ...] | Literal["none"] | None = None
    """How the step is undone when the run is rolled back: steps of its own; "none" is a stated
    exemption; None leaves it to the step type."""
    heartbeat_s: float | None = None
    """An attempt that gives no sign of life for so long is timed out. Seconds."""
    name: str | None = None

    def walk(self) -> Iterator[StepDefinition]:
        """This step and every step inside it, in order: branches, fallback, compensation."""
        yield self
        undo = self.compensate if isinstance(self.compensate, tuple) else ()
        for steps in (*self.branches.values(), self.fallback, undo):
            for step in steps:
                yield from step.walk()


@dataclass(frozen=True, slots=True)
class TriggerDefinition:
    """What starts a run."""

    type: str
    event: str | None = None
    filter: str | None = None
    """FHIR search parameters that the resource must meet: `category=imaging&status=final`."""
    where: str | None = None
    """An expression over `current` and `previous` that must hold."""
    params: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConcurrencyLimit:
    """At most `limit` runs at a time, for each value of `key` when there is one."""

    limit: int
    key: str | None = None
    """Template over the trigger."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow, whole and checked for form; verification looks at its meaning."""

    id: str
    name: str
    triggers: tuple[TriggerDefinition, ...]
    input_schema: JsonObject | None
    """JSON Schema of what a run is started with (`trigger`)."""
    steps: tuple[StepDefinition, ...]
    output: Json
    """Template of the run's result, or None."""
    hash: str
    canonical: JsonObject
    timeout_s: float | None = None
    """How long a run may take in all. Seconds."""
    on_failure: Literal["stop", "rollback"] = "stop"
    """What a failed run does: stop where it is, or undo its completed steps in reverse order."""
    concurrency: ConcurrencyLimit | None = None
    order_by: str | None = None
    """Template of a key: runs with the same key go one after another, in the order they came."""
    result_schema: JsonObject | None = None
    """JSON Schema of the run's output."""

    @classmethod
    def from_canonical(cls, canonical: JsonObject) -> Definition:
        """The definition of a canonical JSON object, which is trusted to be one."""
        limit = canonical.get("concurrency")
        return cls(
            id=canonical["id"],
            name=canonical["name"],
            triggers=tuple(_trigger(one) for one in canonical["triggers"]),
            input_schema=canonical.get("input"),
            steps=_steps(canonical["steps"], "steps"),
            output=canonical.get("output"),
            hash=content_hash(canonical),
            canonical=canonical,
            timeout_s=canonical.get("timeout"),
            on_failure=canonical.get("onFailure", "stop"),
            concurrency=None
            if limit is None
            else ConcurrencyLimit(limit["limit"], limit.get("key")),
            order_by=canonical.get("orderBy"),
            result_schema=canonical.get("result"),
        )

    def walk(self) -> Iterator[StepDefinition]:
        """Every step, branches included, in order."""
        for step in self.steps:
            yield from step.walk()

    def step(self, path: str) -> StepDefinition:
        """The step at a path; raises KeyError when there is none."""
        for step in self.walk():
            if step.path == path:
                return step
        raise KeyError(path)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One repair: what was changed, where, from what to what. Nothing is changed without one."""

    code: str
    path: str
    message: str
    before: str
    after: str
    line: int | None = None

    def to_json(self) -> JsonObject:
        """As the API shows it."""
        out = {"code": self.code, "path": self.path, "message": self.message}
        out |= {"before": self.before, "after": self.after}
        return out | ({"line": self.line} if self.line else {})


@dataclass(frozen=True, slots=True)
class ParseResult:
    """A definition with the receipts of its repairs and the text it came from."""

    definition: Definition
    receipts: list[Receipt]
    source: str
    """The text as it was handed in; a JSON object is written out."""
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The line and column of each place, by path."""
    places: dict[str, tuple[str | int, ...]] = field(default_factory=dict)
    """The keys and numbers that lead to each place in the text, by path."""
    value: Json = None
    """What the text says, as it is written, with the keys of its components."""

    def line(self, path: str) -> int | None:
        """The line of a path, or of the nearest place around it."""
        return self._place(path)[0]

    def column(self, path: str) -> int | None:
        """The column of a path, or of the nearest place around it."""
        return self._place(path)[1]

    def _place(self, path: str) -> tuple[int, int] | tuple[None, None]:
        while path not in self.lines and "/" in path:
            path = path.rpartition("/")[0]
        return self.lines.get(path, (None, None))


def content_hash(canonical: JsonObject) -> str:
    """SHA-256 of the canonical JSON, independent of key order."""
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def branch_path(step_path: str, branch: str) -> str:
    """The path of a branch; `/` and `~` in a case's name are escaped as in JSON Pointer."""
    return f"{step_path}/{branch.replace('~', '~0').replace('/', '~1')}"


def branch_lists(step: JsonObject) -> dict[str, list[JsonObject]]:
    """The child lists of a canonical step by branch name."""
    lists = {key: step[key] for key in ("then", "else", "steps") if key in step}
    lists |= step.get("cases", {}) | step.get("branches", {})
    return lists | ({"default": step["default"]} if "default" in step else {})


def undo_list(step: JsonObject) -> list[JsonObject]:
    """The steps of a canonical step's `compensate`; none when there are none."""
    undo = step.get("compensate")
    return undo if isinstance(undo, list) else []


def raw_steps(steps: list[JsonObject], path: str = "steps") -> Iterator[tuple[str, JsonObject]]:
    """Every canonical step with its path, in the order of Definition.walk()."""
    for step in steps:
        here = f"{path}/{step['id']}"
        yield here, step
        own = {"fallback": step.get("fallback", []), "compensate": undo_list(step)}
        for lists in (branch_lists(step), own):
            for name, children in lists.items():
                yield from raw_steps(children, branch_path(here, name))


def _trigger(raw: JsonObject) -> TriggerDefinition:
    params = {key: value for key, value in raw.items() if key not in TRIGGER_KEYS}
    return TriggerDefinition(
        raw["type"], raw.get("event"), raw.get("filter"), raw.get("where"), params
    )


def _steps(raw: list[JsonObject], path: str) -> tuple[StepDefinition, ...]:
    return tuple(_step(one, f"{path}/{one['id']}") for one in raw)


def _step(raw: JsonObject, path: str) -> StepDefinition:
    retry = raw.get("retry")
    return StepDefinition(
        id=raw["id"],
        type=raw["type"],
        path=path,
        params={key: value for key, value in raw.items() if key not in STEP_KEYS},
        retry=RetryPolicy(**retry) if retry else RetryPolicy(),
        timeout_s=raw.get("timeout"),
        condition=raw.get("when"),
        on_error=raw.get("onError", "fail"),
        output=raw.get("output"),
        heartbeat_s=raw.get("heartbeat"),
        fallback=_steps(raw.get("fallback", []), branch_path(path, "fallback")),
        compensate=_compensation(raw, path),
        branches={
            name: _steps(children, branch_path(path, name))
            for name, children in branch_lists(raw).items()
        },
        name=raw.get("name"),
    )


def _compensation(
    raw: JsonObject, path: str
) -> tuple[StepDefinition, ...] | Literal["none"] | None:
    if raw.get("compensate") == "none":
        return "none"
    return _steps(undo_list(raw), branch_path(path, "compensate")) or None
