"""A human task as a FHIR Task, and what a change of that FHIR Task asks of the human task.

http://hl7.org/fhir/R4/task.html. The Task says that somebody is to do something, for which patient
and in which run; what is shown and decided stays in the human task, where queues say who sees it.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from careloom.errors import Conflict, Unprocessable
from careloom.store.effect import Effect
from careloom.types import Json, JsonObject, Scope

TASK_SYSTEM = "urn:careloom:task"
RUN_SYSTEM = "urn:careloom:run"
QUEUE_SYSTEM = "urn:careloom:queue"
PRINCIPAL_SYSTEM = "urn:careloom:principal"
FIXED = ("identifier", "intent", "for", "groupIdentifier", "code", "authoredOn", "priority")
"""Elements that only the human task changes."""
_LITERAL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64}", re.ASCII)
_CODES = {"approval": "approve", "task": "fulfill", "form": "fulfill"}


@dataclass(frozen=True, slots=True)
class Put:
    """A version of a resource made ready: the operation without its body, and the sealed body."""

    op: JsonObject
    body: bytes


class Resources(Protocol):
    """The FHIR store, as far as tasks need it."""

    async def current(self, scope: Scope, type: str, id: str) -> tuple[JsonObject, int]:
        """A resource and its version; raises NotFound or Gone."""

    async def put(
        self, scope: Scope, resource: JsonObject, version: int, *, dated: bool = True
    ) -> Put:
        """Seal the resource as this version of its id. Not `dated`: for a moment still to come."""

    async def plan_create(self, scope: Scope, resource: JsonObject, id: str) -> Effect:
        """A checked create under an id of ours."""


def fhir_task(
    *,
    task_id: uuid.UUID,
    kind: str,
    run: str,
    step: str,
    workflow: str,
    patient: str | None,
    queue: str,
    assignee: str | None,
    priority: str,
    due: datetime | None,
    shown: Json,
    now: datetime,
) -> JsonObject:
    """The FHIR Task of a human task that was just opened."""
    task: JsonObject = {
        "resourceType": "Task",
        "id": str(task_id),
        "identifier": [{"system": TASK_SYSTEM, "value": str(task_id)}],
        "groupIdentifier": {"system": RUN_SYSTEM, "value": run},
        "status": "requested",
        "intent": "order",
        "priority": priority,
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": _CODES[kind]}]
        },
        "description": f"{kind} {step} of the workflow {workflow}",
        "authoredOn": instant(now),
        "lastModified": instant(now),
        "performerType": [{"coding": [{"system": QUEUE_SYSTEM, "code": queue}]}],
    }
    if patient is not None:
        task["for"] = {"reference": f"Patient/{patient}"}
    if assignee is not None:
        task["owner"] = _owner(assignee)
    if due is not None:
        task["restriction"] = {"period": {"end": instant(due)}}
    references = sorted({one for one in _texts(shown) if _LITERAL.fullmatch(one)})
    if references:
        task["input"] = [
            {"type": {"text": "shown"}, "valueReference": {"reference": one}} for one in references
        ]
    return task


def changed(
    task: JsonObject,
    *,
    status: str,
    assignee: str | None,
    queue: str,
    now: datetime,
    output: dict[str, JsonObject] | None = None,
) -> JsonObject:
    """The FHIR Task after a change of the human task; what clients added stays."""
    after = {**task, "status": status, "lastModified": instant(now)}
    after["performerType"] = [{"coding": [{"system": QUEUE_SYSTEM, "code": queue}]}]
    after.pop("owner", None)
    if assignee is not None:
        after["owner"] = _owner(assignee)
    if output:
        kept = [one for one in after.get("output", []) if one["type"].get("text") not in output]
        told = [{"type": {"text": name}, **value} for name, value in output.items()]
        after["output"] = [*kept, *told]
    return after


async def add_mirror(
    resources: Resources,
    scope: Scope,
    effect: Effect,
    op: JsonObject,
    task: JsonObject,
    version: int,
) -> None:
    """Add the FHIR Task as this version to an effect whose operation `op` changes the human task,
    and, sealed for the end of the run that nobody foresees, the version that says cancelled."""
    put = await resources.put(scope, task, version)
    await add_cancellation(resources, scope, effect, op, task, version)
    effect.add("fhir.put", **{**put.op, "body": effect.add_body(put.body), "mirror": True})


async def add_cancellation(
    resources: Resources,
    scope: Scope,
    effect: Effect,
    op: JsonObject,
    task: JsonObject,
    version: int,
) -> None:
    """Seal the version after this one as a cancelled Task, for SQL to put when the run ends."""
    ended = await resources.put(scope, {**task, "status": "cancelled"}, version + 1, dated=False)
    op["mirror"] = {"version": version, "cancel": ended.op}
    op["bodies"] = {**op.get("bodies", {}), "cancel": effect.add_body(ended.body)}


def wanted(before: JsonObject, after: JsonObject, state: str, mine: bool) -> str:
    """What a client's new version of the Task asks: claim, release, approve, reject or touch.

    Raises Unprocessable for a change that only the human task makes, Conflict for one that does
    not follow from its state.
    """
    for name in FIXED:
        if before.get(name) != after.get(name):
            raise Unprocessable(
                f"Task.{name} follows the human task and cannot be changed here",
                code="mirrored_element",
                path=f"Task.{name}",
                fix="send the element as it was read",
            )
    status = after.get("status")
    if status == before.get("status"):
        return "touch"
    closed = state not in ("requested", "accepted")
    verbs = {
        "completed": "approve",
        "rejected": "reject",
        "accepted": "touch" if mine else "claim",
        "in-progress": "touch" if mine else "claim",
        "received": "touch",
        "requested": "release" if state == "accepted" else "touch",
    }
    if closed or not isinstance(status, str) or status not in verbs:
        raise Conflict(
            f"A Task that is {before.get('status')} does not become {status}",
            code="wrong_state",
            fix="claim it (accepted), complete it, reject it, or let it go (requested);"
            " a task ends as cancelled with its run",
        )
    return verbs[status]


def decision_of(task: JsonObject, verb: str) -> JsonObject:
    """The decision in a Task that a client completed: `output` by the text or code of its type, a
    contained or named QuestionnaireResponse as the answers, `statusReason` as the comment."""
    decision: JsonObject = {"decision": verb, "comment": task.get("statusReason", {}).get("text")}
    data: JsonObject = {}
    for one in task.get("output", ()):
        kind = one.get("type", {})
        codes = [coding.get("code") for coding in kind.get("coding", ())]
        name = kind.get("text") or next(iter(codes), None)
        value = next((value for key, value in one.items() if key.startswith("value")), None)
        named = value.get("reference") if isinstance(value, dict) else None
        if isinstance(named, str) and named.startswith("#"):
            decision["answers"] = _contained(task, named[1:])
        elif isinstance(named, str) and named.startswith("QuestionnaireResponse/"):
            decision["answersAt"] = named.partition("/")[2]
        elif name:
            data[str(name)] = value
    if data:
        decision["data"] = data
    return decision


def _contained(task: JsonObject, id: str) -> JsonObject:
    for resource in task.get("contained", ()):
        if resource.get("id") == id and resource.get("resourceType") == "QuestionnaireResponse":
            return {key: value for key, value in resource.items() if key != "id"}
    raise Unprocessable(
        "Task.output names a QuestionnaireResponse that the Task does not contain",
        code="unresolved_reference",
        path="Task.output",
    )


def instant(moment: datetime) -> str:
    """http://hl7.org/fhir/R4/datatypes.html#dateTime, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _owner(principal: str) -> JsonObject:
    return {"identifier": {"system": PRINCIPAL_SYSTEM, "value": principal}, "display": principal}


def _texts(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (dict, list)):
        return []
    return [text for child in children for text in _texts(child)]
