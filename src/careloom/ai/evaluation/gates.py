"""Gates: what must be measured, and how well, before a workflow with an AI step is deployed.

A gate stands with a gold set and names a step of a workflow, a worker or a model. It asks for the
evaluation of exactly the content that would be deployed, on the cases as they are now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from careloom import __version__
from careloom.ai.evaluation.evaluations import Evaluations
from careloom.ai.evaluation.measures import LOWER_IS_BETTER, METRICS
from careloom.errors import InvalidInput
from careloom.store.database import Database
from careloom.types import Json, JsonObject, Scope

_KEYS = frozenset({"workflow", "step", "worker", "model", "metric", "atLeast", "atMost", "margin"})
_NAMED = 20
MOST_GATES = 50


@dataclass(frozen=True, slots=True)
class Gated:
    """A step that is to be deployed, under one of its names."""

    subject: str
    content: str
    path: str
    """In the definition."""
    model: str = ""
    worker: str = ""
    """`name@version` of a kept worker."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate, with the revision of its gold set and what was deployed under it last."""

    gold_set: str
    subject: str
    rule: JsonObject
    deployed: str | None
    revision: int


class Gates:
    """Keeps gates, and holds deployments against them."""

    def __init__(self, db: Database, evaluations: Evaluations) -> None:
        self._db = db
        self._evaluations = evaluations

    async def put(
        self,
        scope: Scope,
        name: str,
        given: Json,
        deployed: Callable[[str], Awaitable[str | None]],
        actor: JsonObject,
    ) -> list[JsonObject]:
        """The gates of a gold set, in place of those there were; `deployed` says which content of
        a subject is deployed. Raises InvalidInput with the place."""
        rules = read_gates(given)
        kept = [
            {"subject": subject, "rule": rule, "content": await deployed(subject)}
            for subject, rule in rules.items()
        ]
        await self._db.call("gates_put", scope.tenant, scope.store, name, kept, actor)
        return list(rules.values())

    async def all(self, scope: Scope) -> list[Gate]:
        """Every gate of the store."""
        rows = await self._db.rows("gates", scope.tenant, scope.store)
        return [
            Gate(row["gold_set"], row["subject"], row["rule"], row["content"], row["revision"])
            for row in rows
        ]

    async def stores(self, tenant: str) -> list[Scope]:
        """Stores with gates, or with something that is held back."""
        rows = await self._db.rows("stores_gated", tenant)
        return [Scope(tenant, row["store"]) for row in rows]

    async def stamp(self, scope: Scope) -> tuple[str, bool]:
        """A hash of all on which it depends what passes, the release too; and whether it is what it
        was when the gates were looked at last."""
        found = await self._db.call("gates_stamp", scope.tenant, scope.store)
        stamp = f"{__version__}/{found['stamp']}"
        return stamp, stamp == found["seen"]

    async def looked(self, scope: Scope, stamp: str) -> None:
        """What is deployed was held against the gates as they stood with this stamp."""
        await self._db.call("gates_looked", scope.tenant, scope.store, stamp)

    async def findings(
        self, scope: Scope, workflow: str, steps: list[Gated], gates: list[Gate]
    ) -> list[JsonObject]:
        """What a deployment of these steps lacks: {code, severity, path, message, cause, fix}."""
        found = []
        for gate in gates:
            mine = [one for one in steps if one.subject == gate.subject]
            for one in mine:
                found += await self._of(scope, gate, one)
            if not mine and gate.subject.startswith(f"workflow/{workflow}/"):
                step = gate.subject.rpartition("/")[2]
                found.append(
                    _finding(
                        "",
                        f"The gate of the gold set {gate.gold_set} is for the step {step},"
                        " which is not there, or is no AI step",
                        "a gate cannot be left by naming its step otherwise",
                        "keep the step's id, or change the gate:"
                        f" PUT /api/gold-sets/{gate.gold_set}/gates",
                    )
                )
        return found

    async def passed(self, scope: Scope, steps: list[Gated], gates: list[Gate]) -> None:
        """Keep what is deployed now: later versions are compared with it."""
        for gate in gates:
            for one in steps:
                if one.subject == gate.subject and one.content != gate.deployed:
                    where = (scope.tenant, scope.store, gate.gold_set, gate.subject)
                    await self._db.call("gate_passed", *where, one.content)

    async def _of(self, scope: Scope, gate: Gate, step: Gated) -> list[JsonObject]:
        if step.content == gate.deployed:
            return []  # It is what is deployed already.
        how = f"careloom evaluate {gate.gold_set} {_target(gate.subject)}"
        measured = await self._evaluations.measured(
            scope, step.content, gate.gold_set, gate.revision
        )
        if measured is None:
            return [
                _finding(
                    step.path,
                    f"{gate.subject} was not measured on the gold set {gate.gold_set} as it is to"
                    " be deployed",
                    "no finished evaluation of exactly this step, worker and model on the cases as"
                    " they are now",
                    f"measure it first: {how}",
                )
            ]
        evaluation, metrics, failing = measured
        value = _value(metrics, gate.rule["metric"])
        reasons = _bound(gate.rule, value)
        if not reasons and "margin" in gate.rule and gate.deployed is not None:
            reasons = await self._against_deployed(scope, gate, value)
        if not reasons:
            return []
        named = ", ".join(failing[:_NAMED]) + (
            f" and {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
        )
        return [
            _finding(
                step.path,
                f"{gate.subject} does not pass the gate of the gold set {gate.gold_set}: {reason}",
                f"evaluation {evaluation}; failing cases: {named or 'none'}",
                "improve it and measure again, or change the gate",
            )
            for reason in reasons
        ]

    async def _against_deployed(self, scope: Scope, gate: Gate, value: float | None) -> list[str]:
        before = await self._evaluations.measured(
            scope, str(gate.deployed), gate.gold_set, gate.revision
        )
        if before is None:
            return [
                "what is deployed now was not measured on these cases, so that nobody can say"
                " whether this is worse"
            ]
        former = _value(before[1], gate.rule["metric"])
        if former is None or value is None:
            return []
        worse = value - former if gate.rule["metric"] in LOWER_IS_BETTER else former - value
        if worse <= gate.rule["margin"] + 1e-9:
            return []
        return [
            f"{gate.rule['metric']} is {value:g}, what is deployed has {former:g}, and it may be"
            f" worse by at most {gate.rule['margin']:g}"
        ]


def read_gates(given: Json) -> dict[str, JsonObject]:
    """Gates by their subject, as they are sent; raises InvalidInput with the place."""
    if not isinstance(given, list) or len(given) > MOST_GATES:
        raise InvalidInput(f"gates is a list of at most {MOST_GATES}", path="/gates")
    rules: dict[str, JsonObject] = {}
    for number, one in enumerate(given):
        subject, rule = _read(one, f"/gates/{number}")
        if subject in rules:
            raise InvalidInput("Two gates are for this subject", path=f"/gates/{number}")
        rules[subject] = rule
    return rules


def subject_of(target: JsonObject, path: str = "") -> str:
    """The name of what is measured; raises InvalidInput for what is none."""
    kinds = [name for name in ("workflow", "worker", "model") if target.get(name) is not None]
    if len(kinds) != 1 or not isinstance(target[kinds[0]], str):
        raise InvalidInput("Name a workflow with a step, a worker, or a model", path=path or "/")
    if kinds[0] != "workflow":
        return f"{kinds[0]}/{target[kinds[0]]}"
    if not isinstance(target.get("step"), str):
        raise InvalidInput("step is the id of a step of the workflow", path=f"{path}/step")
    return f"workflow/{target['workflow']}/{target['step']}"


def _read(given: Any, path: str) -> tuple[str, JsonObject]:
    if not isinstance(given, dict) or set(given) - _KEYS:
        raise InvalidInput(f"A gate has {', '.join(sorted(_KEYS))}", path=path)
    subject, metric = subject_of(given, path), given.get("metric")
    if metric not in METRICS and not (isinstance(metric, str) and metric.startswith("field:")):
        raise InvalidInput(
            "The metric is not one that is measured",
            path=f"{path}/metric",
            fix=f"use one of {', '.join(METRICS)} or field:<name>",
        )
    bound, other = ("atMost", "atLeast") if metric in LOWER_IS_BETTER else ("atLeast", "atMost")
    if other in given:
        raise InvalidInput(f"{metric} is bounded by {bound}", path=f"{path}/{other}")
    if bound not in given and "margin" not in given:
        raise InvalidInput(f"A gate has {bound}, a margin, or both", path=path)
    for name in (bound, "margin"):
        value = given.get(name)
        if name in given and (
            isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1
        ):
            raise InvalidInput(f"{name} is a number from 0 to 1", path=f"{path}/{name}")
    return subject, dict(given)


def _value(metrics: JsonObject, metric: str) -> float | None:
    if metric.startswith("field:"):
        found = metrics["fields"].get(metric.removeprefix("field:"))
    else:
        found = metrics.get(metric)
    return None if found is None else float(found["value"])


def _bound(rule: JsonObject, value: float | None) -> list[str]:
    metric = rule["metric"]
    if value is None:
        return [f"{metric} could not be measured"]
    least, most = rule.get("atLeast"), rule.get("atMost")
    if least is not None and value < least:
        return [f"{metric} is {value:g}, at least {least:g} is asked for"]
    if most is not None and value > most:
        return [f"{metric} is {value:g}, at most {most:g} is asked for"]
    return []


def _target(subject: str) -> str:
    kind, _, name = subject.partition("/")
    if kind != "workflow":
        return f"--{kind} {name}"
    workflow, _, step = name.partition("/")
    return f"--workflow {workflow} --step {step} --file FILE"


def _finding(path: str, message: str, cause: str, fix: str) -> JsonObject:
    return {
        "code": "E-EVALGATE",
        "severity": "error",
        "path": path,
        "message": message,
        "cause": cause,
        "fix": fix,
    }
