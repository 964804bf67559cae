"""Evaluations: a step, a worker or a model over the cases of a gold set, with every effect off.

An evaluation is a row, and each case that was answered another; it goes on in whichever process
looks at it, and pays for no answer twice that was kept. What was measured is named by `content`, a
hash of everything that an answer depends on.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import orjson

from careloom.ai.evaluation.comparison import compared
from careloom.ai.evaluation.gold_sets import Case, GoldSets
from careloom.ai.evaluation.judging import judge, plain, said
from careloom.ai.evaluation.measures import Reading, detail, metrics
from careloom.ai.evaluation.outcomes import Outcome
from careloom.ai.evaluation.threshold import Costs, choose
from careloom.errors import CareloomError, Conflict, NotFound, Unavailable, Unprocessable
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Json, JsonObject, Scope, iso

log = logging.getLogger("careloom.evaluation")
_QUIET = timedelta(seconds=20)
"""An evaluation that gave no sign of life for so long has lost its process."""
_BEAT_S = 4.0
_AT_ONCE = 4
"""Evaluations that a process takes up by itself, waiting ones counted."""
FEWEST_SURE = 20
"""Cases with a confidence, below which nothing is said about its calibration."""
Budget = dict[str, float]
"""Bounds of the whole evaluation: cost, tokens, seconds of answering."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured."""

    name: str
    """workflow/<id>/<step>, worker/<name> or model/<name>."""
    content: str
    facts: JsonObject
    """What the content is made of, for people: model, version, worker, workflow version."""
    canonical: JsonObject
    """How to do it again."""


@dataclass(frozen=True, slots=True)
class Order:
    """One evaluation as it is asked for."""

    gold_set: str
    target: JsonObject
    """{"workflow", "step", "version"?, "definition"?}, {"worker", "version"?} or {"model"}."""
    budget: Budget
    at_once: int = 4
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What one case was answered."""

    output: JsonObject | None
    error: str | None
    milliseconds: float
    cost: float = 0.0
    tokens: int = 0


class Answers(Protocol):
    """The house, which can carry out a step of a workflow without its effects."""

    async def subject(self, scope: Scope, target: JsonObject) -> Subject:
        """What a target is now; raises NotFound and Unprocessable."""

    async def answer(
        self, scope: Scope, canonical: JsonObject, case: Case, key: uuid.UUID, actor: JsonObject
    ) -> Answered:
        """Carry the step out with the case's input. The same key pays for no kept answer again."""

    async def deployed(self, scope: Scope, subject: str) -> str | None:
        """The content of a step that is deployed now; None for anything that is not."""


class Evaluations:
    """The service behind /api/evaluations/runs."""

    def __init__(self, db: Database, keyring: Keyring, gold: GoldSets, answers: Answers) -> None:
        self._db = db
        self._keyring = keyring
        self._gold = gold
        self._answers = answers
        self._tasks: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(2)
        self.finished: Callable[[Scope], Awaitable[None]] | None = None
        """Called when one is done: what was held back may pass now."""

    async def stop(self) -> None:
        """End what is under way here; it is taken up when somebody looks at it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def begin(self, scope: Scope, order: Order, actor: JsonObject) -> JsonObject:
        """Begin one, or go on with one of the same content and cases that has not ended. Raises
        NotFound, and Unprocessable for a gold set without cases."""
        gold = await self._gold.shown(scope, order.gold_set)
        cases = await self._gold.ids(scope, order.gold_set)
        if not cases:
            raise Unprocessable(
                "The gold set has no cases",
                code="no_cases",
                fix=f"add some: POST /api/gold-sets/{order.gold_set}/cases",
            )
        subject = await self._answers.subject(scope, order.target)
        threshold = gold["threshold"] if order.threshold is None else order.threshold
        about = {
            "goldSet": order.gold_set,
            "revision": gold["revision"],
            "subject": subject.name,
            "content": subject.content,
            "facts": subject.facts,
            "canonical": subject.canonical,
            "cases": cases,
            "options": {
                "budget": order.budget,
                "atOnce": order.at_once,
                "label": gold["label"],
                "positive": gold["positive"],
                "threshold": threshold,
                "costs": gold["costs"],
                "calibrationErrorAtMost": gold["calibrationErrorAtMost"],
            },
        }
        where = (scope.tenant, scope.store)
        answer = await self._db.call("evaluation_open", *where, uuid.uuid4(), about, actor)
        name = f"eval_{uuid.UUID(answer['id']).hex}"
        return {**await self.read(scope, name), "again": answer["again"]}

    async def read(self, scope: Scope, name: str) -> JsonObject:
        """One with what it found so far; it is taken up here when its process stopped."""
        row = await self._row(scope, name)
        await self._take_up(scope, row)
        job = row["job"]
        shown = _shown(row)
        if job["detail"] is not None:
            opened = await self._keyring.open(
                scope.tenant, job["detail"], _place(scope, job["evaluation_id"], "detail")
            )
            shown |= orjson.loads(opened)
        rows = await self._cases(scope, job["evaluation_id"])
        shown["failing"] = [
            {"id": one["case_id"], "verdict": one["verdict"], "confidence": one["confidence"]}
            for one in rows
            if one["verdict"] != "right"
        ]
        return shown

    async def progress(self, scope: Scope, name: str) -> JsonObject:
        """How far one is; it is taken up here when its process stopped."""
        row = await self._row(scope, name)
        await self._take_up(scope, row)
        return _shown(row)

    async def take_up(self, tenant: str) -> None:
        """Go on here with those of the tenant that lost their process, a few at a time."""
        room = _AT_ONCE - len(self._tasks)
        if room > 0:
            for lost in await self._db.rows("evaluations_quiet", tenant, _QUIET, room):
                scope = Scope(tenant, lost["store"])
                await self._take_up(scope, await self._row(scope, lost["id"].hex))

    async def listed(
        self, scope: Scope, gold_set: str | None, subject: str | None, limit: int
    ) -> list[JsonObject]:
        """The latest first."""
        where = (scope.tenant, scope.store, None, gold_set, subject, limit)
        return [_shown(row) for row in await self._db.rows("evaluations", *where)]

    async def case(self, scope: Scope, name: str, case: str) -> JsonObject:
        """What one case was answered, beside what was expected. Raises NotFound."""
        job = (await self._row(scope, name))["job"]
        where = (scope.tenant, scope.store, job["evaluation_id"], case)
        rows = await self._db.rows("evaluation_cases", *where)
        if not rows:
            raise NotFound("The evaluation has no such case", code="gold_case_not_found")
        body = await self._opened(scope, job["evaluation_id"], rows)
        about = _outcome_about(rows[0])
        return {"id": case, **about, **(body[0] or {"erased": True})}

    async def cancel(self, scope: Scope, name: str, actor: JsonObject) -> JsonObject:
        """Stop one; what it found stays and counts for nothing."""
        job = (await self._row(scope, name))["job"]
        await self._close(scope, job["evaluation_id"], "cancelled", actor)
        return await self.read(scope, name)

    async def threshold(self, scope: Scope, name: str, costs: Costs | None) -> JsonObject:
        """The threshold by what errors and reviews cost; by the gold set's costs when none are
        given. Raises Unprocessable where there are none, and Conflict before it is done."""
        job = (await self._row(scope, name))["job"]
        if job["state"] != "done":
            raise Conflict("The evaluation is not done", code="evaluation_not_done")
        options = job["options"]
        if costs is None and options["costs"] is None:
            raise Unprocessable(
                "It is not known what errors and reviews cost",
                code="no_costs",
                fix="give falsePositive, falseNegative and review, or set `costs` in the gold set",
            )
        outcomes = await self._outcomes(scope, job)
        costs = costs or Costs.of(options["costs"])
        return choose(outcomes, costs, options["positive"])

    async def compare(self, scope: Scope, before: str, after: str) -> JsonObject:
        """Two evaluations of one gold set case by case. Raises Conflict for different ones."""
        jobs = [(await self._row(scope, name))["job"] for name in (before, after)]
        if jobs[0]["gold_set"] != jobs[1]["gold_set"]:
            raise Conflict("They were made on different gold sets", code="other_gold_set")
        found = [{one.case: one for one in await self._outcomes(scope, job)} for job in jobs]
        same = jobs[0]["revision"] == jobs[1]["revision"]
        told = compared(found[0], found[1], jobs[1]["options"]["positive"])
        return {"before": before, "after": after, "sameCases": same, **told}

    async def measured(
        self, scope: Scope, content: str, gold_set: str, revision: int
    ) -> tuple[str, JsonObject, list[str]] | None:
        """The latest finished evaluation of a content on these cases: id, metrics, failing ids."""
        where = (scope.tenant, scope.store, content, gold_set, revision)
        rows = await self._db.rows("evaluation_measured", *where)
        if not rows:
            return None
        return f"eval_{rows[0]['id'].hex}", rows[0]["metrics"], list(rows[0]["failing"])

    async def _row(self, scope: Scope, name: str) -> Any:
        try:
            evaluation = uuid.UUID(hex=name.removeprefix("eval_"))
        except ValueError:
            evaluation = uuid.UUID(int=0)
        where = (scope.tenant, scope.store, evaluation, None, None, 1)
        rows = await self._db.rows("evaluations", *where)
        if not rows:
            raise NotFound("There is no such evaluation", code="evaluation_not_found")
        return rows[0]

    async def _cases(self, scope: Scope, evaluation: uuid.UUID) -> list[Any]:
        where = (scope.tenant, scope.store, evaluation, None)
        return await self._db.rows("evaluation_cases", *where)

    async def _opened(
        self, scope: Scope, evaluation: uuid.UUID, rows: Sequence[Any]
    ) -> list[JsonObject | None]:
        sealed = [(row["body"], _place(scope, evaluation, row["case_id"])) for row in rows]
        plain = await self._keyring.open_many(scope.tenant, sealed)
        return [None if body is None else orjson.loads(body) for body in plain]

    async def _take_up(self, scope: Scope, row: Any) -> None:
        job = row["job"]
        evaluation: uuid.UUID = job["evaluation_id"]
        if job["state"] != "running" or evaluation in self._tasks:
            return
        if not await self._db.call(
            "evaluation_take", scope.tenant, scope.store, evaluation, _QUIET
        ):
            return
        task = asyncio.create_task(self._work(scope, job), name="careloom-evaluation")
        self._tasks[evaluation] = task
        task.add_done_callback(lambda _task: self._tasks.pop(evaluation, None))

    async def _work(self, scope: Scope, job: Any) -> None:
        evaluation, actor = job["evaluation_id"], job["owner"]
        try:
            await self._enter(scope, evaluation)
            try:
                await _Pass(self._db, self._keyring, self._answers, scope, job).through(
                    await self._still_to_do(scope, job)
                )
                await self._finish(scope, job)
            finally:
                self._room.release()
        except _Stopped as stopped:
            await self._close(scope, evaluation, "stopped", actor, stopped.reason)
        except Unavailable:
            # The database is away: the row says that it runs, and it is taken up again.
            log.warning("an evaluation lost the database")
        except CareloomError as error:
            log.warning("an evaluation stopped: %s", error.code)
            await self._close(scope, evaluation, "failed", actor, error.code)
        except Exception as error:
            log.error("an evaluation failed: %s", type(error).__name__)
            await self._close(scope, evaluation, "failed", actor, type(error).__name__)

    async def _enter(self, scope: Scope, evaluation: uuid.UUID) -> None:
        """Wait until there is room here, with signs of life: no other process takes it meanwhile,
        and pays for the same answers. Raises _Stopped when somebody ended it."""
        while True:
            try:
                await asyncio.wait_for(self._room.acquire(), _BEAT_S)
                return
            except TimeoutError:
                where = (scope.tenant, scope.store, evaluation)
                if not (await self._db.call("evaluation_beat", *where))["going"]:
                    raise _Stopped("ended") from None

    async def _still_to_do(self, scope: Scope, job: Any) -> list[Case]:
        """The cases that are not answered yet; those of erased patients are none any more."""
        gold = await self._gold.shown(scope, job["gold_set"])
        if gold["revision"] != job["revision"]:
            raise Conflict("The cases changed meanwhile", code="gold_set_changed")
        done = {row["case_id"] for row in await self._cases(scope, job["evaluation_id"])}
        left = [case for case in job["cases"] if case not in done]
        cases = await self._gold.cases(scope, job["gold_set"], left)
        return [case for case in cases.values() if case is not None]

    async def _outcomes(self, scope: Scope, job: Any) -> list[Outcome]:
        rows = await self._cases(scope, job["evaluation_id"])
        bodies = await self._opened(scope, job["evaluation_id"], rows)
        return [
            _outcome(row, body, job["options"])
            for row, body in zip(rows, bodies, strict=True)
            if body is not None
        ]

    async def _finish(self, scope: Scope, job: Any) -> None:
        options, evaluation = job["options"], job["evaluation_id"]
        outcomes = await self._outcomes(scope, job)
        reading = Reading(options["positive"], options["threshold"])
        found = await asyncio.to_thread(metrics, outcomes, reading)
        told = detail(outcomes)
        found["fields"] = told["fields"]
        found["miscalibrated"] = is_miscalibrated(found, options["calibrationErrorAtMost"])
        sealed = await self._keyring.seal(
            scope.tenant, None, _place(scope, evaluation, "detail"), orjson.dumps(told)
        )
        await self._close(scope, evaluation, "done", job["owner"], found=found, sealed=sealed)
        if self.finished is not None:
            await self.finished(scope)

    async def _close(
        self,
        scope: Scope,
        evaluation: uuid.UUID,
        state: str,
        actor: JsonObject,
        error: str | None = None,
        found: JsonObject | None = None,
        sealed: bytes | None = None,
    ) -> None:
        where = (scope.tenant, scope.store, evaluation, state, error)
        await self._db.call("evaluation_close", *where, found, sealed, actor)


class _Stopped(Exception):
    """The budget is used up, or somebody ended it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Pass:
    """One process' way through the cases that are left."""

    def __init__(
        self, db: Database, keyring: Keyring, answers: Answers, scope: Scope, job: Any
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._answers = answers
        self._scope = scope
        self._job = job
        self._spent: JsonObject = {}

    async def through(self, cases: list[Case]) -> None:
        """Answer them, some at once; raises _Stopped when the budget is used up. What is under way
        then is still kept."""
        waiting = list(reversed(cases))
        await self._beat()
        at_once = min(self._job["options"]["atOnce"], len(cases))
        pulse = asyncio.create_task(self._pulse())
        workers = {asyncio.create_task(self._answer_all(waiting)) for _ in range(at_once)}
        pending = set(workers)
        try:
            while pending:
                done, _ = await asyncio.wait({*pending, pulse}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                pending -= done
        finally:
            for task in (pulse, *workers):
                task.cancel()
            await asyncio.gather(pulse, *workers, return_exceptions=True)
        if waiting:
            raise _Stopped("budget_exceeded")

    async def _answer_all(self, waiting: list[Case]) -> None:
        while waiting and not self._is_spent():
            await self._one(waiting.pop())

    async def _one(self, case: Case) -> None:
        job, scope = self._job, self._scope
        evaluation: uuid.UUID = job["evaluation_id"]
        key = uuid.uuid5(evaluation, case.id)
        given = await self._answers.answer(scope, job["canonical"], case, key, job["owner"])
        judged = judge(case.expected, given.output) if given.output is not None else None
        verdict = "unanswered" if judged is None else "right" if judged.right else "wrong"
        body = {
            "expected": case.expected,
            "given": {name: said(given.output or {}, name) for name in case.expected},
            "fields": judged.fields if judged else dict.fromkeys(case.expected, False),
            "probability": (given.output or {}).get("probability"),
            "error": given.error,
            "tags": list(case.tags),
        }
        sealed = await self._keyring.seal(
            scope.tenant, case.patient, _place(scope, evaluation, case.id), orjson.dumps(body)
        )
        about = {
            "verdict": verdict,
            "confidence": _confidence(given.output),
            "milliseconds": given.milliseconds,
            "cost": given.cost,
            "tokens": given.tokens,
        }
        where = (scope.tenant, scope.store, evaluation, case.id)
        await self._db.call("evaluation_note", *where, about, sealed)
        for name, value in (("cost", given.cost), ("tokens", given.tokens)):
            self._spent[name] = self._spent.get(name, 0) + value
        self._spent["seconds"] = self._spent.get("seconds", 0) + given.milliseconds / 1000

    def _is_spent(self) -> bool:
        bounds = self._job["options"]["budget"]
        return any(self._spent.get(name, 0) >= most for name, most in bounds.items())

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            await self._beat()

    async def _beat(self) -> None:
        scope, evaluation = self._scope, self._job["evaluation_id"]
        told = await self._db.call("evaluation_beat", scope.tenant, scope.store, evaluation)
        if not told.pop("going"):
            raise _Stopped("ended")
        self._spent = told


def is_miscalibrated(found: JsonObject, most: float) -> bool:
    """Whether the calibration error is above the bound, and not by chance: its interval's lower end
    is. Resamples of a few cases say nothing of chance: one case's interval has no width."""
    error = found["ece"]
    return error is not None and error["n"] >= FEWEST_SURE and error["low"] > most


def _confidence(output: JsonObject | None) -> float | None:
    answer = output or {}
    for value in (answer.get("confidence"), (answer.get("evidence") or {}).get("confidence")):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return min(max(float(value), 0.0), 1.0)
    return None


def _outcome(row: Any, body: JsonObject, options: JsonObject) -> Outcome:
    label, positive = options["label"], options["positive"]
    expected, given = body["expected"].get(label), body["given"].get(label)
    score: float | None = None
    if positive is not None and given is not None:
        score = _score(body["probability"], row["confidence"], _same_class(given, positive))
    return Outcome(
        row["case_id"],
        row["verdict"],
        row["confidence"],
        _class(expected, positive),
        _class(given, positive) if row["verdict"] != "unanswered" else None,
        score,
        body["fields"],
        row["milliseconds"],
        row["cost"],
    )


def _score(probability: Json, confidence: float | None, is_positive: bool) -> float | None:
    """How likely the positive class is: what the model says, else by its confidence."""
    if isinstance(probability, int | float) and not isinstance(probability, bool):
        return float(probability)
    if confidence is None:
        return None
    return confidence if is_positive else 1 - confidence


def _same_class(given: Json, positive: str) -> bool:
    return plain(str(given)) == plain(positive)


def _class(value: Json, positive: str | None) -> str | None:
    """A class as it is counted: without regard to case and white space."""
    if value is None:
        return None
    if positive is not None and _same_class(value, positive):
        return positive
    return plain(str(value))


def _outcome_about(row: Any) -> JsonObject:
    return {
        "verdict": row["verdict"],
        "confidence": row["confidence"],
        "milliseconds": round(row["milliseconds"], 2),
        "cost": row["cost"],
        "tokens": row["tokens"],
    }


def _shown(row: Any) -> JsonObject:
    job = row["job"]
    return {
        "id": f"eval_{job['evaluation_id'].hex}",
        "goldSet": job["gold_set"],
        "revision": job["revision"],
        "subject": job["subject"],
        "content": job["content"],
        "facts": job["facts"],
        "options": job["options"],
        "status": job["state"],
        "error": job["error"],
        "progress": {"done": row["done"], "of": len(job["cases"]), "wrong": row["wrong"]},
        "metrics": job["metrics"],
        "by": job["owner"].get("principal"),
        "createdAt": iso(job["created_at"]),
        "finishedAt": iso(job["finished_at"]),
    }


def _place(scope: Scope, evaluation: uuid.UUID, part: str) -> str:
    return f"{scope.store}|evaluation|{evaluation.hex}|{part}"
