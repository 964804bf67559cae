"""Training a new version: read, split by patient, fit, keep, measure, compare with the running one.

A training is a row; its process beats while it works, and one that is silent has failed. The new
version is a candidate: nothing answers with it until it is promoted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from careloom.ai.evaluation.evaluations import Evaluations, Order
from careloom.ai.evaluation.gates import Gates
from careloom.ai.evaluation.gold_sets import Case, GoldSets
from careloom.ai.learning.card import card_of
from careloom.ai.learning.definition import Definition
from careloom.ai.learning.encoding import Row, learned_encoding
from careloom.ai.learning.fitting import fit, needed
from careloom.ai.learning.model import Answering, Trained
from careloom.ai.learning.network import exported
from careloom.ai.learning.shelf import QUIET, Shelf
from careloom.ai.learning.sources import Learned, from_cases, from_records
from careloom.ai.learning.split import split
from careloom.errors import CareloomError, Conflict, InvalidInput, Unavailable, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope

log = logging.getLogger("careloom.learning")
ENOUGH = 10
"""Held-out cases of the rarest class from which two versions are told apart."""
MARGIN = 0.02
"""How much worse than the running version the gate lets a new one be that the house sets itself."""
_BEAT_S = 5.0
_LOOK_S = 0.1
GrantsOf = Callable[[JsonObject], tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class Training:
    """One training as it is asked for."""

    model: str
    gold_set: str | None = None
    """Whose cases it learns from; None for a prediction, which learns from the records."""
    seed: int = 1


class Retraining:
    """Trains versions."""

    def __init__(
        self,
        db: Database,
        shelf: Shelf,
        gold: GoldSets,
        evaluations: Evaluations,
        gates: Gates,
        content: Callable[[Scope, str], Awaitable[str]],
        deployed: Callable[[Scope, str], Awaitable[str | None]],
        grants_of: GrantsOf,
    ) -> None:
        self._db = db
        self._shelf = shelf
        self._gold = gold
        self._evaluations = evaluations
        self._gates = gates
        self._content = content
        self._deployed = deployed
        self._grants_of = grants_of
        self._tasks: set[asyncio.Task[None]] = set()
        self.threads = ThreadPoolExecutor(1, thread_name_prefix="careloom-training")
        """One fit at a time, so that trainings never take all threads that others wait for."""

    async def stop(self) -> None:
        """End what is under way here; it has failed."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.threads.shutdown(wait=False, cancel_futures=True)

    async def begin(self, scope: Scope, order: Training, actor: JsonObject) -> JsonObject:
        """Begin a version. Raises NotFound, Conflict while one of the model is trained, and
        Unprocessable without what training needs."""
        definition = await self._declared(scope, order, actor)
        if (order.gold_set is None) != (definition.kind == "prediction"):
            raise InvalidInput(
                "A prediction learns from the store's records, without a gold set"
                if definition.kind == "prediction"
                else "A classifier learns from the cases of a gold set: name it as `goldSet`"
                " (`--from` of careloom retrain)",
                path="/goldSet",
            )
        if order.gold_set == definition.held_out:
            raise InvalidInput("These cases are held out: no version learns from them")
        if order.gold_set is not None:
            await self._gold.shown(scope, order.gold_set)
        await self._check_held_out(scope, definition)
        for module in ("sklearn", "onnx"):
            await asyncio.to_thread(needed, module)
        said = _source(order, definition)
        source = {"goldSet": order.gold_set, "seed": order.seed, "said": said}
        where = (scope.tenant, scope.store, order.model)
        number = await self._db.call("trained_version_open", *where, source, QUIET, actor)
        definition = await self._shelf.opened(scope, order.model, number)
        work = self._work(scope, definition, order, number, actor)
        task = asyncio.create_task(work, name="careloom-training")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await self._shelf.version(scope, order.model, number)

    async def _check_held_out(self, scope: Scope, definition: Definition) -> None:
        """Cases of somebody else's gold set are not overwritten by the first version."""
        if (await self._shelf.shown(scope, definition.name))["newest"] is not None:
            return
        if any(one["name"] == definition.held_out for one in await self._gold.listed(scope)):
            raise Conflict(
                f"There is a gold set {definition.held_out}, in which this model's held-out cases"
                " would be kept",
                code="held_out_taken",
                fix="give the model another name, or delete the gold set",
            )

    async def _declared(self, scope: Scope, order: Training, actor: JsonObject) -> Definition:
        """What is declared; of a model that is not, what the gold set says."""
        if order.gold_set is None or await self._shelf.is_declared(scope, order.model):
            return await self._shelf.declared(scope, order.model, actor)
        gold = await self._gold.shown(scope, order.gold_set)
        if gold["label"] is None:
            raise Unprocessable(
                f"The gold set {order.gold_set} does not name its label",
                code="no_label",
                fix=f"name it: PUT /api/gold-sets/{order.gold_set} with `label`, or declare the"
                f" model: PUT /api/trained-models/{order.model}",
            )
        given = {name: gold[name] for name in ("label", "positive")}
        await self._shelf.put(scope, order.model, {"kind": "classifier", **given}, actor)
        return await self._shelf.declared(scope, order.model, actor)

    async def _work(
        self,
        scope: Scope,
        definition: Definition,
        order: Training,
        number: int,
        actor: JsonObject,
    ) -> None:
        one = _One(self, scope, definition, order, number, actor)
        pulse = asyncio.create_task(one.pulse())
        state = "failed"
        error: str | None = "interrupted"
        told: JsonObject | None = None
        try:
            told = await one.train()
            state, error = "candidate", None
        except Unavailable:
            error = "unavailable"
        except CareloomError as failed:
            error = failed.code
        except Exception as failed:
            log.error("a training failed: %s", type(failed).__name__)
            error = type(failed).__name__
        finally:
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)
            await asyncio.shield(self._close(scope, order.model, number, state, error, told, actor))

    async def _close(
        self,
        scope: Scope,
        model: str,
        number: int,
        state: str,
        error: str | None,
        told: JsonObject | None,
        actor: JsonObject,
    ) -> None:
        where = (scope.tenant, scope.store, model, number)
        try:
            await self._db.call("trained_version_close", *where, state, error, told, actor)
        except Unavailable:
            # The row says that it is trained; silence makes it one that failed.
            log.warning("the end of a training could not be kept")


class _One:
    """One version on its way."""

    def __init__(
        self,
        house: Retraining,
        scope: Scope,
        definition: Definition,
        order: Training,
        number: int,
        actor: JsonObject,
    ) -> None:
        self._house = house
        self._scope = scope
        self._definition = definition
        self._order = order
        self._number = number
        self._actor = actor

    async def pulse(self) -> None:
        """Signs of life while a fit takes its time."""
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                await self._beat(None)
            except Unavailable:
                # The next one may be heard: silence for a minute ends a training, not one miss.
                log.warning("a sign of life of a training was not heard")

    async def train(self) -> JsonObject:
        """All of it; what the comparison with the running version says."""
        definition, scope = self._definition, self._scope
        learned = await self._read()
        parts = split(definition.name, learned.rows, definition.body["heldOut"])
        train, held = parts.train, parts.held
        if parts.rare:
            learned.left_out["rare_class"] = parts.rare
        await self._beat({"stage": "fitting", "done": 0, "of": len(train)})
        loop = asyncio.get_running_loop()
        threads = self._house.threads
        trained, chosen = await loop.run_in_executor(threads, self._fit, train)
        version = f"{self._number}-{trained.digest[:12]}"
        answering = await asyncio.to_thread(Answering, definition, trained, version)
        about = {
            "version": version,
            "algorithm": definition.body["algorithm"],
            "seed": self._order.seed,
            "chosen": chosen,
            "source": {
                "said": _source(self._order, definition),
                "cases": len(learned.rows),
                "leftOut": dict(learned.left_out),
            },
            "features": [part["name"] for part in trained.encoding.parts],
        }
        now = datetime.now(UTC)
        card = await asyncio.to_thread(card_of, definition, answering, train, held, about, now)
        await self._house._shelf.keep(scope, definition.name, self._number, trained, card)
        await self._hold_out(held)
        await self._gate(card)
        return await self._compare(card)

    async def _read(self) -> Learned:
        scope, definition, house = self._scope, self._definition, self._house
        if self._order.gold_set is not None:
            return await from_cases(
                house._gold, scope, self._order.gold_set, definition, self._beat
            )
        reader = house._shelf.reader(scope, definition, house._grants_of(self._actor))
        return await from_records(reader, definition, self._beat)

    def _fit(self, train: list[Row]) -> tuple[Trained, JsonObject]:
        definition = self._definition
        encoding = learned_encoding(definition.features, train)
        if not encoding.parts:
            raise InvalidInput("The cases have no text and no number to learn from")
        classes = sorted({row.label for row in train})
        if definition.positive not in (None, *classes):
            raise Unprocessable("No case to train on has the positive class", code="too_few_cases")
        # Of two classes the positive one is the second column.
        classes.sort(key=lambda one: one == definition.positive)
        if definition.body["algorithm"] == "boosting" and len(classes) != 2:
            raise Unprocessable(
                f"boosting is for two classes, the cases have {len(classes)}",
                code="more_than_two_classes",
                fix="declare algorithm: logistic",
            )
        labels = np.array([classes.index(row.label) for row in train], np.int64)
        fitted = fit(
            encoding.all([row.features for row in train]),
            labels,
            [row.who for row in train],
            algorithm=definition.body["algorithm"],
            sparse=encoding.is_text,
            seed=self._order.seed,
        )
        graph = exported(fitted.network, encoding.width, needed("onnx"))
        patients = sorted({row.patient for row in train if row.patient is not None})
        return Trained(graph, encoding, classes, patients), dict(fitted.chosen)

    async def _hold_out(self, held: list[Row]) -> None:
        """The held-out cases as a gold set; it is left alone when nothing changed, so that what was
        measured on it counts on."""
        gold, scope, definition = self._house._gold, self._scope, self._definition
        cases = [_case(row, definition) for row in held]
        settings = {
            "description": f"Held out from the training of {definition.reference}",
            "label": definition.label,
            "positive": definition.positive,
        }
        if await self._is_kept(cases):
            return
        await gold.put(scope, definition.held_out, settings, self._actor)
        await gold.add(scope, definition.held_out, cases, self._actor, whole=True)

    async def _is_kept(self, cases: list[Case]) -> bool:
        gold, scope, name = self._house._gold, self._scope, self._definition.held_out
        ids = await gold.ids(scope, name)
        if ids != sorted(one.id for one in cases):
            return False
        kept = await gold.cases(scope, name, ids)
        return all(
            (there := kept.get(one.id)) is not None
            and (there.input, there.expected, there.patient)
            == (one.input, one.expected, one.patient)
            for one in cases
        )

    async def _gate(self, card: JsonObject) -> None:
        """Where no gate is for this model, one that asks that it is better than saying the
        commonest class, and not worse than the running version beyond a margin."""
        house, scope, definition = self._house, self._scope, self._definition
        subject = f"model/{definition.reference}"
        if any(gate.subject == subject for gate in await house._gates.all(scope)):
            return
        metric = metric_of(definition)
        least = 0.55 if metric == "auc" else card["naive"]["accuracy"]
        rule = {"model": definition.reference, "metric": metric, "atLeast": least, "margin": MARGIN}
        there = (await house._gold.shown(scope, definition.held_out))["gates"]

        async def deployed(subject: str) -> str | None:
            return await house._deployed(scope, subject)

        await house._gates.put(scope, definition.held_out, [*there, rule], deployed, self._actor)

    async def _compare(self, card: JsonObject) -> JsonObject:
        """Measured on the held-out cases, and beside the running version where there is one."""
        house, scope, definition = self._house, self._scope, self._definition
        after = await self._measured(f"{definition.reference}@{self._number}")
        running = await house._shelf.running(scope, definition.name)
        if running is None:
            return {"with": None, "verdict": "first", "after": after, "before": None}
        before = await self._measured(f"{definition.reference}@{running}")
        found = await house._evaluations.compare(scope, before, after)
        rarest = min(card["data"]["heldOut"]["classes"].values())
        said = verdict(found, definition, rarest)
        return {"with": running, "before": before, "after": after, **said}

    async def _measured(self, reference: str) -> str:
        evaluations, scope = self._house._evaluations, self._scope
        gold_set = self._definition.held_out
        revision = (await self._house._gold.shown(scope, gold_set))["revision"]
        content = await self._house._content(scope, reference)
        known = await evaluations.measured(scope, content, gold_set, revision)
        if known is not None:
            return known[0]
        order = Order(gold_set, {"model": reference}, {}, at_once=8)
        told = await evaluations.begin(scope, order, self._actor)
        while told["status"] == "running":
            progress = told["progress"]
            await self._beat({"stage": "measuring", "model": reference, **progress})
            await asyncio.sleep(_LOOK_S)
            told = await evaluations.progress(scope, told["id"])
        if told["status"] != "done":
            raise Conflict(
                f"The evaluation of {reference} was not finished", code="evaluation_not_done"
            )
        return str(told["id"])

    async def _beat(self, progress: JsonObject | None) -> None:
        where = (self._scope.tenant, self._scope.store, self._definition.name, self._number)
        if not await self._house._db.call("trained_version_beat", *where, progress):
            raise Conflict("The training has ended", code="training_ended")


def metric_of(definition: Definition) -> str:
    """By what versions are compared: how well they rank where one class is positive, else how often
    they are right."""
    return "accuracy" if definition.positive is None else "auc"


def verdict(found: JsonObject, definition: Definition, rarest: int) -> JsonObject:
    """`better` and `worse` only where the interval of the difference does not hold 0, and where the
    rarest class has cases enough: of four cases a bootstrap's interval holds less than it says."""
    metric = metric_of(definition)
    difference = found[metric]
    said = "unknown"
    if difference is not None and rarest >= ENOUGH:
        low, high = difference["low"], difference["high"]
        said = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
    return {
        "verdict": said,
        "metric": metric,
        "difference": difference,
        "accuracy": found["accuracy"],
        "brier": found["brier"],
        "cases": found["cases"],
        "gained": len(found["gained"]),
        "lost": len(found["lost"]),
        "p": found["p"],
    }


def _source(order: Training, definition: Definition) -> str:
    if order.gold_set is not None:
        return f"the gold set {order.gold_set}"
    return f"this store's {definition.body['subject']} resources"


def _case(row: Row, definition: Definition) -> Case:
    given = {"features": row.features} if definition.kind == "prediction" else row.features
    expected = {definition.label: row.label}
    return Case(row.id, given, expected, ("held-out",), row.patient, None)
