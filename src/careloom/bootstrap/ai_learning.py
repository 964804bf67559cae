"""Builds learning: the shelf of trained models, training and promotion."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from careloom.ai.learning.promotion import Promotion
from careloom.ai.learning.retraining import Retraining
from careloom.ai.learning.shelf import Shelf
from careloom.bootstrap.ai_evaluation import Evaluation
from careloom.fhir.fhirpath_model import r4_model
from careloom.fhir.restriction import Access
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Learning:
    """The services of learning."""

    shelf: Shelf
    retraining: Retraining
    promotion: Promotion


@dataclass(frozen=True, slots=True)
class StoreRecords:
    """A FHIR store as somebody may see it."""

    store: FhirStore
    scope: Scope

    async def read(self, resource_type: str, id: str) -> JsonObject:
        return await self.store.read(self.scope, resource_type, id)

    async def found(
        self, resource_type: str, query: list[tuple[str, str]], most: int
    ) -> AsyncIterator[JsonObject]:
        asked, left = [*query, ("_count", str(min(_PAGE, most)))], most
        while True:
            bundle = await self.store.search(self.scope, resource_type, asked)
            for entry in bundle.get("entry", ()):
                if entry.get("search", {}).get("mode") == "match" and left > 0:
                    left -= 1
                    yield entry["resource"]
            links = {link["relation"]: link["url"] for link in bundle.get("link", ())}
            if left <= 0 or "next" not in links:
                return
            asked = parse_qsl(urlsplit(links["next"]).query, keep_blank_values=True)

    async def count(self, resource_type: str, query: list[tuple[str, str]]) -> int:
        asked = [*query, ("_summary", "count")]
        return int((await self.store.search(self.scope, resource_type, asked))["total"])


def shelf_of(db: Database, keyring: Keyring, fhir: FhirStore) -> Shelf:
    """The shelf; what a model reads, it reads as the grants of a run let it be seen."""

    def records(scope: Scope, grants: tuple[str, ...] | None) -> StoreRecords:
        return StoreRecords(fhir.seen_by(Access(grants)), scope)

    return Shelf(db, keyring, records, r4_model)


def build_learning(db: Database, shelf: Shelf, evaluation: Evaluation) -> Learning:
    """Training and promotion over what is measured."""
    answers, evaluations = evaluation.answers, evaluation.evaluations

    async def content(scope: Scope, reference: str) -> str:
        return (await answers.subject(scope, {"model": reference})).content

    retraining = Retraining(
        db,
        shelf,
        evaluation.gold,
        evaluations,
        evaluation.gates,
        content,
        answers.deployed,
        _grants,
    )
    promotion = Promotion(db, shelf, evaluation.gates, content, evaluation.gate.reconsider)
    return Learning(shelf, retraining, promotion)


def _grants(actor: JsonObject) -> tuple[str, ...] | None:
    """What whoever trains may read; None for the house itself."""
    given = actor.get("grants")
    return None if given is None else tuple(given)
