"""A kept worker in a `worker` step: one turn, with the step's input as the message.

The turn keeps each call of the model by itself (ai/turns), so that a step which is called again
pays for nothing twice; what its tools want done is committed with the step.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from careloom.ai.language.messages import as_text, digest, media_of, user
from careloom.ai.turns.call import Finished, TurnCall, TurnFailed, Waiting
from careloom.ai.turns.journal import CallJournal, Kept
from careloom.ai.turns.structured import read_answer, schema_of
from careloom.ai.turns.turn import Turns
from careloom.ai.worker_definition import Worker
from careloom.ai.worker_versions import WorkerVersions
from careloom.steps.worker.intents import Intents
from careloom.steps.worker.media import Media
from careloom.steps.worker.waiting import TurnWaits
from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepCall, StepError, StepResult

_OURS = frozenset({"text", "summary", "evidence", "degraded", "confidence"})
"""Names in the output that no model is asked for."""
Tell = Callable[[Scope, str | None, str, int, int, str], Awaitable[None]]
"""(scope, patient, run, call, attempt, words): words of an answer as they come."""


@dataclass(frozen=True, slots=True)
class LanguageWorkers:
    """What a step needs of the house to let kept workers answer."""

    workers: WorkerVersions
    turns: Turns
    journal: CallJournal
    intents: Intents
    waits: TurnWaits
    media: Media
    tell: Tell
    finished: Callable[[Scope], None]
    """Says that a turn is about to be committed."""

    async def execute(self, call: StepCall) -> StepResult:
        """One turn; raises StepError when it has no answer."""
        spoken = call.input.get("conversation") or {}
        key = f"{call.key}:{digest(call.input)[:16]}"
        kept = await self.turns.kept(call.scope, key)
        version = kept[0].worker_version if kept else spoken.get("workerVersion")
        worker = await self.workers.find(call.scope, str(call.input["worker"]), version)
        if worker is None:
            raise StepError("There is no such worker in this store", code="unknown_worker")
        gave = await self.waits.gave(call, _waiting(kept), kept[-1].number if kept else 0)
        if kept and _is_person(kept[-1]):
            return await self._by_person(call, worker, kept[-1], gave, spoken)
        turn = await self._turn(call, worker, key, spoken, gave)
        result = await self._went(call, worker, turn, kept, spoken)
        if gave is not None and "lapsed" in gave:
            # A decision that comes at the same time is on record, and marked as withdrawn.
            result.effect.add("task.withdraw", id=gave["lapsed"])
        return result

    async def _went(
        self,
        call: StepCall,
        worker: Worker,
        turn: TurnCall,
        kept: list[Kept],
        spoken: JsonObject,
    ) -> StepResult:
        """The turn, to its end or to where it waits."""
        try:
            outcome = await self.turns.go(turn, kept)
        except TurnFailed as error:
            return await self._failed(call, turn, error, spoken)
        if isinstance(outcome, Waiting):
            return await self._waits(call, worker, outcome)
        result = await self._result(call, outcome, spoken)
        self.finished(call.scope)
        return result

    async def _turn(
        self,
        call: StepCall,
        worker: Worker,
        key: str,
        spoken: JsonObject,
        gave: JsonObject | None,
    ) -> TurnCall:
        origin = _origin(call.key)
        history: list[JsonObject] = []
        session = spoken.get("sessionId")
        if session is not None:
            session = uuid.UUID(hex=session.removeprefix("ses_")).hex
            history = await self.journal.history(call.scope, session, origin)
        message = await self._message(call, spoken.get("message"))
        told = None
        if spoken.get("stream"):

            async def told(number: int, attempt: int, words: str) -> None:
                await self.tell(call.scope, call.patient, call.run_id, number, attempt, words)

        return TurnCall(
            scope=call.scope,
            worker=worker,
            run_id=call.run_id,
            origin=origin,
            path=call.path,
            key=key,
            message=message,
            environment=call.environment,
            now=call.now,
            actor={**call.actor, "run_id": call.run_id.removeprefix("run_")},
            grants=call.grants,
            patient=call.patient,
            model=call.input.get("model"),
            schema=self._schema(call, worker, spoken),
            history=history,
            # What starts a workflow was written by others; who talks in a session has a key, but
            # nobody vouches for the words in an image or a document.
            tainted=session is None
            or any(one["role"] == "tool" for one in history)
            or bool(media_of([message, *history])),
            session_id=session,
            metadata=spoken.get("metadata") or {},
            client_tools=spoken.get("tools") or [],
            resume=gave,
            workflow=call.workflow_id,
            reviewed=None if spoken else call.reviewed,
            told=told,
        )

    @staticmethod
    def _schema(call: StepCall, worker: Worker, spoken: JsonObject) -> JsonObject | None:
        own = worker.definition["outputSchema"]
        if spoken.get("message") is not None:
            return None
        return schema_of(own, call.alias, call.expects - _OURS)

    async def _message(self, call: StepCall, spoken: JsonObject | None) -> JsonObject:
        """The message of the conversation, or the step's input as one; its media looked at."""
        if spoken is not None:
            words = [part for part in spoken["content"] if part["type"] == "text"]
            uris = [part["uri"] for part in spoken["content"] if part["type"] != "text"]
            parts = await self.media.found_in(call, uris)
            return {"role": "user", "content": [*words, *parts]}
        given = call.input.get("input")
        if not isinstance(given, dict) or not given:
            raise StepError("The worker needs an `input`", code="worker_input")
        parts = await self.media.found_in(call, given)
        return user(as_text(given), parts)

    async def _waits(self, call: StepCall, worker: Worker, waiting: Waiting) -> StepResult:
        result = await self.waits.begin(call, waiting)
        if waiting.intents:
            evidence = {"worker": worker.name, "workerVersion": worker.version}
            evidence["model"] = call.input.get("model") or worker.model
            result.effect.extend(
                await self.intents.effect(call, _reviewed(worker, waiting.intents), evidence)
            )
        self.finished(call.scope)
        return result

    async def _result(self, call: StepCall, done: Finished, spoken: JsonObject) -> StepResult:
        output: JsonObject = dict(done.data or {})
        summary = output.get("summary")
        output["text"] = done.text
        output["summary"] = summary if isinstance(summary, str) and summary else done.text
        output["evidence"] = done.evidence
        if done.degraded:
            output["degraded"] = True
        if call.alias is not None:
            output.setdefault(call.alias, dict(done.data or {}) or done.text)
        worker = await self.workers.get(
            call.scope, done.evidence["worker"], done.evidence["workerVersion"]
        )
        intents = _reviewed(worker, done.intents)
        return StepResult(
            output=output,
            effect=await self.intents.effect(call, intents, done.evidence),
            messages=_said(done.messages, worker.name, spoken.get("message"), output["summary"]),
            notes=done.notes,
        )

    async def _failed(
        self, call: StepCall, turn: TurnCall, error: TurnFailed, spoken: JsonObject
    ) -> StepResult:
        """A person takes over where the worker says so; else the step fails."""
        self.finished(call.scope)
        person = turn.worker.fallback_person
        if person is None:
            raise StepError(
                error.message,
                code=error.code,
                retryable=error.retryable,
                retry_after=error.retry_after,
                details=error.details,
            ) from error
        kept = await self.turns.kept(call.scope, turn.key)
        number = kept[-1].number + 1 if kept else 1
        held: JsonObject = {
            "messages": [turn.message],
            "done": [],
            "waits": [{"kind": "fallback", "call": {"id": "person", "name": "answer"}, "ask": {}}],
            "later": [],
            "met": None if turn.resume is None else turn.resume["token"],
            "cause": error.code,
            "why": error.message,
            "schema": turn.schema,
        }
        await self.journal.hold(turn, number, held)
        return await self._ask_person(call, turn.worker, number, held, person)

    async def _ask_person(
        self, call: StepCall, worker: Worker, number: int, held: JsonObject, person: JsonObject
    ) -> StepResult:
        shown = held["messages"][0]["content"]
        fields = sorted((held["schema"] or {}).get("required", ())) or ["text"]
        ask: JsonObject = {
            "title": f"Answer in place of the worker {worker.name}",
            "instructions": f"The worker gave no answer: {held['why']}",
            "show": {"asked": shown[0]["text"] if shown else ""},
            "suggestion": {"value": {name: "" for name in fields if name != "confidence"}},
            "queue": "default",
            **person,
        }
        return await self.waits.ask(call, str(number), ask)

    async def _by_person(
        self,
        call: StepCall,
        worker: Worker,
        kept: Kept,
        gave: JsonObject | None,
        spoken: JsonObject,
    ) -> StepResult:
        """The answer of the person who took over, marked as degraded."""
        held, person = kept.request, worker.fallback_person or {}
        if gave is None or gave["token"] == held["met"]:
            return await self._ask_person(call, worker, kept.number, held, person)
        decision = gave["decision"]
        data = decision.get("data") if isinstance(decision.get("data"), dict) else {}
        text = data.get("text") or decision.get("comment") or ""
        if held["schema"] is not None and decision["decision"] != "reject":
            _, faults = read_answer(as_text(data), held["schema"])
            if faults:
                raise StepError(
                    f"The person's answer does not fit the form: {'; '.join(faults)}",
                    code="answer_schema",
                )
        if decision["decision"] == "reject":
            raise StepError(
                "The person who took over gave no answer",
                code="worker_unanswered",
                details={"cause": held["cause"]},
            )
        evidence = {
            "worker": worker.name,
            "workerVersion": worker.version,
            "model": "person",
            "version": "",
            "by": decision.get("by"),
            "degraded": [held["cause"]],
        }
        output: JsonObject = {
            **data,
            "text": text,
            "summary": data.get("summary") or text or as_text(data),
            "evidence": evidence,
            "degraded": True,
        }
        if call.alias is not None:
            output.setdefault(call.alias, data or text)
        note = {"code": "W-DEGRADED", "cause": held["cause"], "message": "A person answered"}
        self.finished(call.scope)
        messages = [{"role": "person", "content": output["summary"], "degraded": True}]
        if spoken:
            messages[0]["by"] = decision.get("by")
        return StepResult(output=output, messages=messages, notes=[note])


def _origin(key: str) -> str | None:
    """The run that a step's key names; a step that is tried alone has none."""
    try:
        return uuid.UUID(hex=key.partition(":")[0]).hex
    except ValueError:
        return None


def _waiting(kept: list[Kept]) -> JsonObject | None:
    return kept[-1].request if kept and kept[-1].state == "waiting" else None


def _is_person(kept: Kept) -> bool:
    """Whether the turn waits for the person who takes over."""
    waits: list[Any] = kept.request.get("waits") or []
    return kept.state == "waiting" and bool(waits) and waits[0]["kind"] == "fallback"


def _reviewed(worker: Worker, intents: list[JsonObject]) -> list[JsonObject]:
    """Drafts go to the inbox that the worker names."""
    return [{"review": worker.definition["review"], **intent} for intent in intents]


def _said(
    messages: list[JsonObject], worker: str, spoken: JsonObject | None, summary: str
) -> list[JsonObject]:
    """What was said, as the run's session shows it. A conversation's message is its run's input."""
    if not spoken:
        return [{"role": "worker", "worker": worker, "content": summary}]
    shown: list[JsonObject] = []
    for one in messages[1:]:
        if one["role"] == "assistant":
            said: JsonObject = {"role": "worker", "worker": worker, "content": one["text"]}
            if one["calls"]:
                said["calls"] = one["calls"]
            shown.append(said)
        elif one["role"] == "tool":
            shown.append(
                {"role": "tool", "name": one["name"], "id": one["id"], "content": one["content"]}
            )
        else:
            shown.append({"role": "system", "content": as_text(one["content"][0]["text"])})
    return shown
