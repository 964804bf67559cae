"""The trained models of a store: what is declared, which versions there are, which one answers.

A version is kept once, sealed, and never changed. Steps name a model as `trained/<name>`, which is
the running version, or `trained/<name>@<version>`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson

from careloom.ai.learning.card import text_of
from careloom.ai.learning.definition import Definition, read_definition, shipped, split_reference
from careloom.ai.learning.features import FeatureReader, Records
from careloom.ai.learning.model import Answering, Trained
from careloom.ai.models import Model
from careloom.errors import InvalidInput, NotFound, Unprocessable
from careloom.fhirpath import Model as Fhir
from careloom.store.database import Database
from careloom.store.keys import KeyDestroyed, Keyring
from careloom.types import Json, JsonObject, Scope, iso

QUIET = timedelta(seconds=60)
"""A training that gave no sign of life for so long has lost its process."""
_LOADED = 32
_MOST_VERSIONS = 100
OpenRecords = Callable[[Scope, tuple[str, ...] | None], Records]
"""The FHIR store as grants let it be seen; None for the house itself."""


class Shelf:
    """Keeps and finds them, and answers with them."""

    def __init__(
        self, db: Database, keyring: Keyring, records: OpenRecords, fhir: Callable[[], Fhir]
    ) -> None:
        self._db = db
        self._keyring = keyring
        self.records = records
        self._fhir = fhir
        self._loaded: OrderedDict[tuple[Scope, str, int], Answering] = OrderedDict()

    async def put(self, scope: Scope, name: str, given: Json, actor: JsonObject) -> JsonObject:
        """Declare a model, or change what its next version learns by. Raises InvalidInput."""
        definition = read_definition(name, given)
        await self._db.call(
            "trained_model_put", scope.tenant, scope.store, name, definition.body, actor
        )
        return await self.shown(scope, name)

    async def listed(self, scope: Scope) -> list[JsonObject]:
        """Every one that is declared, and those that come with Careloom."""
        rows = await self._db.rows("trained_models", scope.tenant, scope.store, None)
        found = {row["name"]: _shown(row) for row in rows}
        for name, one in shipped().items():
            found.setdefault(name, _unused(one))
        return [found[name] for name in sorted(found)]

    async def shown(self, scope: Scope, name: str) -> JsonObject:
        """One with its versions. Raises NotFound."""
        rows = await self._db.rows("trained_models", scope.tenant, scope.store, name)
        if not rows:
            return {**_unused(_shipped(name)), "versions": []}
        return {**_shown(rows[0]), "versions": await self._versions(scope, name, None)}

    async def is_declared(self, scope: Scope, name: str) -> bool:
        """Whether it is, or comes with Careloom."""
        rows = await self._db.rows("trained_models", scope.tenant, scope.store, name)
        return bool(rows) or name in shipped()

    async def declared(self, scope: Scope, name: str, actor: JsonObject) -> Definition:
        """What is declared; one that comes with Careloom is declared by its first use. Raises
        NotFound."""
        rows = await self._db.rows("trained_models", scope.tenant, scope.store, name)
        if rows:
            return Definition(name, rows[0]["definition"])
        definition = _shipped(name)
        where = (scope.tenant, scope.store, name)
        await self._db.call("trained_model_put", *where, definition.body, actor)
        return definition

    async def opened(self, scope: Scope, name: str, number: int) -> Definition:
        """What a version learns by, as it was declared when the version was opened."""
        where = (scope.tenant, scope.store, name, number, 1, QUIET)
        [row] = await self._db.rows("trained_versions", *where)
        return Definition(name, row["definition"])

    async def running(self, scope: Scope, name: str) -> int | None:
        """The number of the version that answers."""
        rows = await self._db.rows("trained_models", scope.tenant, scope.store, name)
        return rows[0]["running"] if rows else None

    async def version(self, scope: Scope, name: str, number: int) -> JsonObject:
        """One version with its card, and how many of the patients whom it learned from were erased
        since. Raises NotFound."""
        told = await self.progress(scope, name, number)
        card, is_there = told["card"], told["status"] != "training"
        return {
            **told,
            "cardText": None if card is None else text_of(card),
            "erasedPatients": await self._erased(scope, name, number) if is_there else 0,
        }

    async def progress(self, scope: Scope, name: str, number: int) -> JsonObject:
        """How far a version is, without what takes time to find. Raises NotFound."""
        found = await self._versions(scope, name, number)
        if not found:
            raise NotFound(
                f"There is no version {number} of {name[:64]}",
                code="trained_version_not_found",
                fix=f"list them: GET /api/trained-models/{name[:64]}",
            )
        return found[0]

    async def names(self, scope: Scope) -> frozenset[str]:
        """How steps may name them: those that answer, and each version that can."""
        rows = await self._db.rows("trained_models", scope.tenant, scope.store, None)
        found = set()
        for row in rows:
            reference = Definition(row["name"], row["definition"]).reference
            if row["running"] is not None:
                found.add(reference)
            for one in await self._versions(scope, row["name"], None):
                if one["status"] in ("candidate", "running", "retired"):
                    found.add(f"{reference}@{one['version']}")
        return frozenset(found)

    async def facts(self, scope: Scope, reference: str) -> tuple[str, str]:
        """(name without the version, version) of what would answer now. Raises Unprocessable."""
        answering = await self.answering(scope, reference)
        return answering.definition.reference, answering.version

    async def model(
        self,
        scope: Scope,
        reference: str,
        grants: tuple[str, ...] | None,
        patient: str | None,
    ) -> Model:
        """The model as a step asks it: with the features, or with a resource that the grants let
        be read, of the run's patient where it has one. Raises Unprocessable."""
        answering = await self.answering(scope, reference)

        async def predict(given: JsonObject) -> JsonObject:
            features = await self._asked(scope, answering, given, grants, patient)
            return await asyncio.to_thread(answering.answer, features)

        definition = answering.definition
        return Model(
            definition.reference,
            "features",
            ("label", "probability", "confidence", "factors", definition.label),
            predict,
            version=answering.version,
            measured={"calibrated": True, "threshold": definition.threshold},
        )

    async def answering(self, scope: Scope, reference: str) -> Answering:
        """The version that a name means, loaded."""
        try:
            name, number = split_reference(reference)
        except InvalidInput as error:
            raise Unprocessable(error.message, code=error.code) from error
        known = max(
            (one for at, of, one in self._loaded if (at, of) == (scope, name)), default=None
        )
        where = (scope.tenant, scope.store, name, number)
        rows = await self._db.rows("trained_version_body", *where, known)
        if not rows:
            raise Unprocessable(
                f"{reference[:80]!r} has no version that answers",
                code="unknown_model",
                fix=f"train and promote one: careloom retrain {name}, careloom promote {name} 1",
            )
        return await self._load(scope, name, rows[0])

    def reader(
        self, scope: Scope, definition: Definition, grants: tuple[str, ...] | None
    ) -> FeatureReader:
        """Reads what a prediction looks at, as the grants let it be seen."""
        return FeatureReader(definition, self.records(scope, grants), self._fhir())

    async def keep(
        self, scope: Scope, name: str, number: int, trained: Trained, card: JsonObject
    ) -> None:
        """Keep what was learned, once."""
        body = orjson.dumps(trained.to_json())
        sealed = await self._keyring.seal(scope.tenant, None, _place(scope, name, number), body)
        where = (scope.tenant, scope.store, name, number)
        await self._db.call("trained_version_keep", *where, sealed, trained.digest, card)

    async def withdraw(self, scope: Scope, name: str, number: int, actor: JsonObject) -> JsonObject:
        """Forget what a version learned. Raises NotFound, and Conflict for the running one."""
        await self._db.call("trained_withdraw", scope.tenant, scope.store, name, number, actor)
        self._loaded.pop((scope, name, number), None)
        return await self.version(scope, name, number)

    async def _asked(
        self,
        scope: Scope,
        answering: Answering,
        given: JsonObject,
        grants: tuple[str, ...] | None,
        patient: str | None,
    ) -> JsonObject:
        if answering.definition.kind == "classifier":
            return given
        features, resource = given.get("features"), given.get("resource")
        if isinstance(features, dict):
            return features
        if isinstance(resource, str):
            kind, _, id = resource.rpartition("/")
            records = self.records(scope, grants)
            resource = await records.read(kind.rpartition("/")[2], id)
        if not isinstance(resource, dict):
            raise Unprocessable(
                f"{answering.definition.reference} takes `input.resource`, a"
                f" {answering.definition.body['subject']} or a reference to one",
                code="model_input",
            )
        reader = self.reader(scope, answering.definition, grants)
        subject = await reader.subject(resource)
        if patient is not None and subject.patient != patient:
            raise Unprocessable(
                "The run is about another patient than this resource", code="outside_compartment"
            )
        return await reader.features(subject)

    async def _load(self, scope: Scope, name: str, row: Any) -> Answering:
        key = (scope, name, row["number"])
        found = self._loaded.get(key)
        if found is None:
            body = row["body"]
            if body is None:  # Loaded when it was asked for, and given up since.
                where = (scope.tenant, scope.store, name, row["number"])
                [again] = await self._db.rows("trained_version_body", *where, None)
                body = again["body"]
            place = _place(scope, name, row["number"])
            trained = Trained.of(orjson.loads(await self._keyring.open(scope.tenant, body, place)))
            version = f"{row['number']}-{row['digest'][:12]}"
            definition = Definition(name, row["definition"])
            found = await asyncio.to_thread(Answering, definition, trained, version)
            self._loaded[key] = found
            while len(self._loaded) > _LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(key)
        return found

    async def _versions(self, scope: Scope, name: str, number: int | None) -> list[JsonObject]:
        where = (scope.tenant, scope.store, name, number, _MOST_VERSIONS, QUIET)
        return [_version(row) for row in await self._db.rows("trained_versions", *where)]

    async def _erased(self, scope: Scope, name: str, number: int) -> int:
        where = (scope.tenant, scope.store, name, number, None)
        rows = await self._db.rows("trained_version_body", *where)
        if not rows:
            return 0
        place = _place(scope, name, number)
        kept = orjson.loads(await self._keyring.open(scope.tenant, rows[0]["body"], place))

        async def is_gone(patient: str) -> bool:
            try:
                await self._keyring.seal(scope.tenant, patient, place, b"")
            except KeyDestroyed:
                return True
            return False

        return sum(await asyncio.gather(*map(is_gone, kept["patients"])))


def _shipped(name: str) -> Definition:
    found = shipped().get(name)
    if found is None:
        raise NotFound(
            f"There is no trained model {name[:64]!r} in this store",
            code="trained_model_not_found",
            fix=f"declare it: PUT /api/trained-models/{name[:64]}; there come"
            f" {', '.join(shipped())} with Careloom",
        )
    return found


def _unused(definition: Definition) -> JsonObject:
    return {
        "name": definition.name,
        "reference": definition.reference,
        "definition": definition.body,
        "shipped": True,
        "running": None,
        "newest": None,
        "createdAt": None,
        "updatedAt": None,
    }


def _shown(row: Any) -> JsonObject:
    return {
        "name": row["name"],
        "reference": Definition(row["name"], row["definition"]).reference,
        "definition": row["definition"],
        "shipped": row["name"] in shipped(),
        "running": row["running"],
        "newest": row["newest"],
        "createdAt": iso(row["created_at"]),
        "updatedAt": iso(row["updated_at"]),
    }


def _version(row: Any) -> JsonObject:
    status = row["state"]
    if row["running"]:
        status = "running"
    elif status == "candidate" and row["promoted_at"] is not None:
        status = "retired"
    return {
        "version": row["number"],
        "status": status,
        "error": row["error"],
        "progress": row["progress"],
        "source": row["source"],
        "digest": row["digest"],
        "card": row["card"],
        "comparison": row["comparison"],
        "by": row["owner"].get("principal"),
        "createdAt": iso(row["created_at"]),
        "finishedAt": iso(row["finished_at"]),
        "promotedAt": iso(row["promoted_at"]),
    }


def _place(scope: Scope, name: str, number: int) -> str:
    return f"{scope.store}|trained|{name}|{number}"
