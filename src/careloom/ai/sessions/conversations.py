"""Conversations with a worker: made, spoken in, read, cancelled and taken up again.

A message is a turn, and a turn is a run: what was said is in its journal, sealed with the patient's
key. Turns of one session go on in the order of their messages.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

import orjson

from careloom.ai.language.messages import text_of
from careloom.ai.turns.journal import CallJournal
from careloom.ai.worker_versions import WorkerVersions
from careloom.errors import Conflict, InvalidInput, NotFound
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Json, JsonObject, Scope, iso

PREFIX = "ses_"
_LONGEST = 200_000
_MOST_TOOLS = 64
_WAITS_FOR_CLIENT = "event:ai.tool-outputs:"
Action = Literal["cancel", "retry"]


class TurnRuns(Protocol):
    """The runs behind turns; bootstrap connects it to the engine."""

    async def plan(
        self, scope: Scope, trigger: JsonObject, actor: JsonObject
    ) -> tuple[JsonObject, bytes]:
        """A run that answers a message, as its row and its sealed input."""

    def born(self, tenant: str) -> None:
        """Say that there is a run to be taken."""

    async def status(self, scope: Scope, run_id: str) -> JsonObject:
        """A run with its trigger, steps, output and error."""

    async def said(self, scope: Scope, run_id: str) -> list[JsonObject]:
        """What was said in a run."""

    async def act(self, scope: Scope, run_id: str, action: Action, actor: JsonObject) -> None:
        """Cancel a run, or do it again from where it failed. Raises Conflict."""

    async def hand_in(
        self, scope: Scope, run_id: str, number: int, outputs: JsonObject, actor: JsonObject
    ) -> None:
        """What the functions gave that a turn waits for before its call of this number."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as it stands."""

    number: int
    first_run: uuid.UUID
    run: uuid.UUID
    status: str
    """queued, running, requires_action, waiting, completed, failed or cancelled."""
    at: datetime
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.status not in ("completed", "failed", "cancelled")

    @property
    def task_id(self) -> str:
        return f"task_{self.first_run.hex}"


class Conversations:
    """The service behind /api/sessions."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        workers: WorkerVersions,
        journal: CallJournal,
        runs: TurnRuns,
    ) -> None:
        self._db = db
        self._journal = journal
        self._keyring = keyring
        self._workers = workers
        self._runs = runs

    async def create(
        self, scope: Scope, worker: str, metadata: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """A new session with the worker's newest version; `metadata.patientId` pins it."""
        found = await self._workers.get(scope, worker)
        patient = _patient(metadata.get("patientId"))
        session = uuid.uuid4()
        place = _place(scope, session)
        sealed = await self._keyring.seal(scope.tenant, patient, place, orjson.dumps(metadata))
        await self._db.call(
            *("conversation_create", scope.tenant, scope.store, session),
            *(found.id, found.version, patient, sealed, actor),
        )
        return await self.get(scope, f"{PREFIX}{session.hex}")

    async def get(self, scope: Scope, session_id: str) -> JsonObject:
        """One session. Raises NotFound."""
        return await self._shown(scope, await self._row(scope, session_id))

    async def find(self, scope: Scope, session_id: str) -> JsonObject | None:
        """The same; None when there is none."""
        try:
            return await self.get(scope, session_id)
        except NotFound:
            return None

    async def listed(
        self,
        scope: Scope,
        *,
        worker: str | None = None,
        patient: str | None = None,
        before: datetime | None = None,
        limit: int = 50,
    ) -> list[JsonObject]:
        """Newest first."""
        rows = await self._db.rows(
            *("conversation_list", scope.tenant, scope.store, None),
            *(worker, _patient(patient), before, limit),
        )
        return [await self._shown(scope, row) for row in rows]

    async def send(
        self,
        scope: Scope,
        session_id: str,
        given: JsonObject,
        actor: JsonObject,
        once: JsonObject | None = None,
    ) -> JsonObject:
        """A message: kept, and its turn begun, in one transaction. `once` makes a repeat harmless:
        the same message is answered with the turn that there is."""
        row = await self._row(scope, session_id)
        session = row["s"]
        message = read_message(given)
        trigger: JsonObject = {
            "sessionId": f"{PREFIX}{session['session_id'].hex}",
            "worker": session["worker_id"],
            "conversation": {
                "sessionId": f"{PREFIX}{session['session_id'].hex}",
                "workerVersion": session["worker_version"],
                "message": message,
                "metadata": await self._metadata(scope, session),
                "stream": given.get("stream") is True,
                "tools": read_tools(given.get("tools")),
            },
        }
        if session["patient"] is not None:
            trigger["patientId"] = f"Patient/{session['patient']}"
        fields, sealed = await self._runs.plan(scope, trigger, actor)
        answer = await self._db.call(
            *("conversation_send", scope.tenant, scope.store, session["session_id"]),
            *(once, fields, sealed, actor),
        )
        self._runs.born(scope.tenant)
        run = uuid.UUID(answer["run"])
        return {
            "id": f"msg_{run.hex}",
            "sessionId": f"{PREFIX}{session['session_id'].hex}",
            "role": "user",
            "content": given["content"],
            "taskId": f"task_{run.hex}",
            "runId": f"run_{run.hex}",
            "status": "queued",
            "createdAt": iso(datetime.fromisoformat(answer["at"])),
            "repeated": answer["repeated"],
        }

    async def turns(
        self, scope: Scope, session_id: str, *, after: int = 0, limit: int = 100
    ) -> list[Turn]:
        """The session's turns, oldest first."""
        session = parse_session(session_id)
        rows = await self._db.rows(
            "conversation_turns", scope.tenant, scope.store, session, after, limit
        )
        return [
            Turn(
                row["number"],
                row["first_run"],
                row["run_id"],
                _status(row["state"], row["waiting"]),
                row["at"],
                row["closed_at"],
            )
            for row in rows
        ]

    async def tasks(self, scope: Scope, session_id: str, *, limit: int = 100) -> list[JsonObject]:
        """The session's turns as tasks, oldest first."""
        await self._row(scope, session_id)
        return [
            _task(session_id, turn) for turn in await self.turns(scope, session_id, limit=limit)
        ]

    async def task(self, scope: Scope, session_id: str, task_id: str) -> JsonObject:
        """One turn: its answer, what it asks its program for, or why it failed."""
        turn = await self._turn(scope, session_id, task_id)
        run = await self._runs.status(scope, f"run_{turn.run.hex}")
        shown = _task(session_id, turn)
        step: JsonObject = run["steps"][-1] if run["steps"] else {}
        output = step.get("output") or {}
        if turn.status == "completed":
            shown["answer"] = {
                "role": "assistant",
                "content": output.get("text", ""),
                "degraded": output.get("degraded", False),
            }
            shown["evidence"] = output.get("evidence")
        elif turn.status == "requires_action":
            _, calls = await self._journal.owed(scope, turn.first_run)
            shown["requiredAction"] = {"type": "submit_tool_outputs", "toolCalls": calls}
        elif turn.status == "failed":
            error = run.get("error") or {}
            shown["error"] = {key: error.get(key) for key in ("code", "message")}
        return shown

    async def submit(
        self, scope: Scope, session_id: str, task_id: str, given: Json, actor: JsonObject
    ) -> JsonObject:
        """What the program's functions gave. All that is owed is handed in at once."""
        turn = await self._turn(scope, session_id, task_id)
        if turn.status != "requires_action":
            raise Conflict(
                "The task does not wait for tool outputs",
                code="no_action_required",
                details={"status": turn.status},
            )
        outputs = read_outputs(given)
        number, calls = await self._journal.owed(scope, turn.first_run)
        owed = {one["id"] for one in calls}
        if outputs.keys() != owed:
            raise InvalidInput(
                "toolOutputs must have one output for each call that is owed",
                path="/toolOutputs",
                code="tool_outputs",
                details={"owed": sorted(owed)},
            )
        await self._runs.hand_in(scope, f"run_{turn.run.hex}", number, outputs, actor)
        return _task(session_id, await self._turn(scope, session_id, task_id))

    async def act(
        self, scope: Scope, session_id: str, task_id: str, action: Action, actor: JsonObject
    ) -> JsonObject:
        """Cancel a turn, or take up one that failed or was cancelled; answers that were received
        are not asked for again."""
        turn = await self._turn(scope, session_id, task_id)
        await self._runs.act(scope, f"run_{turn.run.hex}", action, actor)
        return _task(session_id, await self._turn(scope, session_id, task_id))

    async def cancel(self, scope: Scope, session_id: str, actor: JsonObject) -> JsonObject:
        """No further message; turns that are open are cancelled."""
        session = (await self._row(scope, session_id))["s"]["session_id"]
        await self._db.call(
            "conversation_state", scope.tenant, scope.store, session, "cancelled", actor
        )
        for turn in await self.turns(scope, session_id, limit=10_000):
            if turn.is_open:
                await self._runs.act(scope, f"run_{turn.run.hex}", "cancel", actor)
        return await self.get(scope, session_id)

    async def resume(self, scope: Scope, session_id: str, actor: JsonObject) -> JsonObject:
        """A cancelled session takes messages again."""
        session = (await self._row(scope, session_id))["s"]["session_id"]
        await self._db.call(
            "conversation_state", scope.tenant, scope.store, session, "active", actor
        )
        return await self.get(scope, session_id)

    async def messages(
        self, scope: Scope, session_id: str, *, after: int = 0, limit: int = 100
    ) -> list[JsonObject]:
        """What was said, oldest first, by turns behind `after`."""
        await self._row(scope, session_id)
        found: list[JsonObject] = []
        for turn in await self.turns(scope, session_id, after=after, limit=limit):
            found += await self.messages_of(scope, session_id, turn)
        return found

    async def messages_of(self, scope: Scope, session_id: str, turn: Turn) -> list[JsonObject]:
        """What was said in one turn so far."""
        run = await self._runs.status(scope, f"run_{turn.run.hex}")
        asked = run["trigger"]["conversation"]["message"]
        shared = {"sessionId": session_id, "taskId": turn.task_id, "turn": turn.number}
        messages: list[JsonObject] = [
            {
                **shared,
                "id": f"msg_{turn.first_run.hex}",
                "role": "user",
                "content": text_of(asked),
                "parts": [part for part in asked["content"] if part["type"] != "text"],
                "createdAt": iso(turn.at),
            }
        ]
        said = await self._runs.said(scope, f"run_{turn.run.hex}")
        for number, one in enumerate(said, 1):
            role = {"worker": "assistant", "person": "assistant"}.get(one["role"], one["role"])
            kept = {key: value for key, value in one.items() if key not in ("role", "step", "at")}
            messages.append(
                {
                    **shared,
                    "id": f"msg_{turn.first_run.hex}_{number}",
                    "role": role,
                    **kept,
                    "createdAt": one["at"],
                }
            )
        return messages

    async def _turn(self, scope: Scope, session_id: str, task_id: str) -> Turn:
        await self._row(scope, session_id)
        for turn in await self.turns(scope, session_id, limit=10_000):
            if turn.task_id == task_id:
                return turn
        raise NotFound("There is no such task in this session", code="session_task_not_found")

    async def _row(self, scope: Scope, session_id: str) -> Any:
        rows = await self._db.rows(
            *("conversation_list", scope.tenant, scope.store, parse_session(session_id)),
            *(None, None, None, 1),
        )
        if not rows:
            raise NotFound("There is no such session", code="session_not_found")
        return rows[0]

    async def _metadata(self, scope: Scope, session: Mapping[str, Any]) -> JsonObject:
        place = _place(scope, session["session_id"])
        plain = await self._keyring.open(scope.tenant, session["metadata"], place)
        found: JsonObject = orjson.loads(plain)
        return found

    async def _shown(self, scope: Scope, row: Any) -> JsonObject:
        session = row["s"]
        return {
            "id": f"{PREFIX}{session['session_id'].hex}",
            "workerId": session["worker_id"],
            "workerName": row["worker_name"],
            "workerVersion": session["worker_version"],
            "status": session["state"],
            "patientId": session["patient"],
            "metadata": await self._metadata(scope, session),
            "turns": session["turns"],
            "createdBy": session["owner"].get("principal"),
            "createdAt": iso(session["created_at"]),
            "updatedAt": iso(session["updated_at"]),
        }


def parse_session(session_id: str) -> uuid.UUID:
    """The id behind a public name; raises NotFound for anything else."""
    try:
        return uuid.UUID(hex=session_id.removeprefix(PREFIX))
    except ValueError:
        raise NotFound("There is no such session", code="session_not_found") from None


def read_message(given: JsonObject) -> JsonObject:
    """The message of a request: a text, or parts with images and documents by address."""
    if given.get("role", "user") != "user":
        raise InvalidInput("A message has the role user", path="/role", code="message_role")
    content = given.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list) or not content:
        raise _no_message("it is a text, or a list of parts")
    parts = [_part(number, one) for number, one in enumerate(content)]
    if not any(part["type"] == "text" and part["text"].strip() for part in parts):
        raise _no_message("it has words")
    return {"role": "user", "content": parts}


def _part(number: int, given: Json) -> JsonObject:
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "text" and isinstance(given.get("text"), str) and len(given["text"]) <= _LONGEST:
        return {"type": "text", "text": given["text"]}
    uri = given.get("uri") if isinstance(given, dict) else None
    known = isinstance(uri, str) and uri.startswith(("dicom://", "file://"))
    if kind in ("image", "document") and known:
        return {"type": kind, "uri": uri}
    raise _no_message(
        f"part {number} is {{type: text, text}} of at most {_LONGEST} characters, or"
        " {type: image or document, uri: dicom:// or file://}"
    )


def read_tools(given: Json) -> list[JsonObject]:
    """Functions that the program which sends the message carries out itself."""
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > _MOST_TOOLS:
        raise InvalidInput(f"`tools` is a list of at most {_MOST_TOOLS} functions", path="/tools")
    found = []
    for number, one in enumerate(given):
        name = one.get("name") if isinstance(one, dict) else None
        parameters = one.get("parameters", {"type": "object"}) if isinstance(one, dict) else None
        if not isinstance(name, str) or not name.isidentifier() or not isinstance(parameters, dict):
            raise InvalidInput(
                "A function has a name of letters, digits and '_', and parameters, a JSON Schema",
                path=f"/tools/{number}",
                code="client_tool",
            )
        described = str(one.get("description", ""))[:2000]
        found.append({"name": name[:64], "description": described, "parameters": parameters})
    return found


def read_outputs(given: Json) -> JsonObject:
    """Submitted tool outputs, by the id of the call."""
    if not isinstance(given, list) or not given:
        raise InvalidInput("`toolOutputs` is a list of {toolCallId, output}", path="/toolOutputs")
    outputs: JsonObject = {}
    for number, one in enumerate(given):
        if not isinstance(one, dict) or not isinstance(one.get("toolCallId"), str):
            raise InvalidInput(
                "An output has a toolCallId, and an output or an error",
                path=f"/toolOutputs/{number}",
            )
        given_by = {key: one[key] for key in ("output", "error") if key in one}
        outputs[one["toolCallId"]] = {**given_by, "untrusted": True}
    return outputs


def _status(state: str, waiting: str | None) -> str:
    if state == "running" and waiting is not None:
        return "requires_action" if waiting.startswith(_WAITS_FOR_CLIENT) else "waiting"
    return {"succeeded": "completed", "rolled_back": "cancelled"}.get(state, state)


def _task(session_id: str, turn: Turn) -> JsonObject:
    return {
        "id": turn.task_id,
        "sessionId": session_id,
        "messageId": f"msg_{turn.first_run.hex}",
        "runId": f"run_{turn.run.hex}",
        "turn": turn.number,
        "status": turn.status,
        "createdAt": iso(turn.at),
        "finishedAt": iso(turn.closed_at),
    }


def _patient(given: Json) -> str | None:
    if given is None:
        return None
    name = given.removeprefix("Patient/") if isinstance(given, str) else ""
    if not name or len(name) > 64 or not name.replace("-", "").replace(".", "").isalnum():
        raise InvalidInput(
            "patientId is the id of a Patient", path="/metadata/patientId", code="patient_id"
        )
    return str(name)


def _no_message(what: str) -> InvalidInput:
    return InvalidInput(f"The content of a message is not right: {what}", path="/content")


def _place(scope: Scope, session: uuid.UUID) -> str:
    return f"{scope.store}|ai_session|{session.hex}"
