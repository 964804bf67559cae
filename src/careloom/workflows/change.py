"""One change as it is told: names, states and times; never what a run or a task carries.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from careloom.types import JsonObject, iso
from careloom.workflows.engine.ids import run_name

_OPENED = "/~open"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed, at a place of the tenant's chain."""

    place: int
    store: str
    kind: str
    """run, step, task, message, incident or workflow."""
    run: uuid.UUID | None
    text: bytes
    """As an event, without its id."""


def changes_of(row: Any) -> list[Change]:
    """What an audit row (sql/changes.sql) says of changes; nothing for one of another kind."""
    kind, _, what = row["action"].partition(".")
    tellers: dict[str, Callable[[Any, str], list[Change]]] = {
        "run": _of_run,
        "step": _of_step,
        "task": _of_task,
        "message": _of_message,
        "incident": _of_incident,
        "workflow": _of_workflow,
    }
    return tellers[kind](row, what) if kind in tellers else []


def told(changes: list[Change]) -> bytes:
    """The changes of one place; the id stands with the last, so that none is lost in between."""
    *before, last = [change.text for change in changes]
    id_line = f"id: {changes[-1].place}\n\n".encode()
    return b"".join(text + b"\n" for text in before) + last + id_line


def told_to_look_again(reason: str, place: int) -> bytes:
    """Some changes are not told: who looks on is to ask for what it shows."""
    return _event("resync", {"reason": reason}) + f"id: {place}\n\n".encode()


def beat(place: int | None) -> bytes:
    """A sign of life; it moves the id on, so that a quiet topic does not fall behind."""
    return b": beat\n\n" if place is None else f": beat\nid: {place}\n\n".encode()


def _event(kind: str, data: JsonObject) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps(data) + b"\n"


def _change(row: Any, kind: str, data: JsonObject) -> Change:
    text = _event(kind, {**data, "at": iso(row["at"])})
    return Change(row["pos"], row["store"], kind, row["run_id"], text)


def _run_of(row: Any) -> JsonObject:
    name = None if row["run_id"] is None else run_name(row["run_id"])
    return {"runId": name, "workflowId": row["workflow_id"]}


def _of_run(row: Any, what: str) -> list[Change]:
    """`status` is where the run stands now, `change` what brought us here."""
    if row["run_id"] is None or row["state"] is None:
        return []
    status = "waiting" if row["waiting"] else row["state"]
    return [_change(row, "run", {**_run_of(row), "status": status, "change": what})]


def _of_step(row: Any, what: str) -> list[Change]:
    if row["run_id"] is None:
        return []
    detail = row["detail"] or {}
    path = row["entity"][41:]
    status = "running" if what == "opened" else "retrying" if what == "retry" else what
    data = {
        **_run_of(row),
        "path": path.removesuffix(_OPENED),
        "iteration": detail.get("iteration", ""),
        "status": status,
    }
    changes = [_change(row, "step", data)]
    ended = detail.get("run")
    if ended is not None or what == "waiting" or row["waited"]:
        changes += _of_run(row, ended or ("wait" if what == "waiting" else "go_on"))
    return changes


def _of_task(row: Any, what: str) -> list[Change]:
    if row["state"] is None:
        return []
    data = {"taskId": row["entity"].removeprefix("Task/"), **_run_of(row), "status": row["state"]}
    return [_change(row, "task", {**data, "change": what})]


def _of_message(row: Any, what: str) -> list[Change]:
    data = {"messageId": row["entity"].removeprefix("Message/"), **_run_of(row), "status": what}
    return [_change(row, "message", data)]


def _of_incident(row: Any, what: str) -> list[Change]:
    detail = row["detail"] or {}
    data = {"incidentId": row["entity"].removeprefix("Incident/"), "change": what}
    counted = {name: detail[name] for name in ("kind", "count") if name in detail}
    return [_change(row, "incident", {**data, **counted})]


def _of_workflow(row: Any, what: str) -> list[Change]:
    workflow, _, version = row["entity"].removeprefix("Workflow/").partition("/")
    data: JsonObject = {"workflowId": workflow, "change": what}
    if version.isdigit():
        data["version"] = int(version)
    return [_change(row, "workflow", data)]
