"""The language models of a store: the allow-list of what may be asked, with the facts of each."""

from __future__ import annotations

from careloom.ai.language.facts import ModelFacts, read_facts
from careloom.ai.learning.definition import PREFIX
from careloom.errors import InvalidInput, NotFound, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope, iso


class LanguageModels:
    """Keeps and finds them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(
        self, scope: Scope, name: str, given: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """Keep one. Raises InvalidInput, and Unprocessable for a fallback that is not there."""
        if name.startswith(PREFIX):
            raise InvalidInput(
                f"Names that begin with {PREFIX} are of models that were trained here",
                path="name",
                code="model_name",
            )
        facts = read_facts(name, given)
        if facts.fallback is not None:
            await self.get(scope, facts.fallback)
        where = (scope.tenant, scope.store, name)
        answer: JsonObject = await self._db.call(
            "ai_model_put", *where, facts.to_json(), facts.version, actor
        )
        return {"name": name, **facts.to_json(), "version": facts.version, **answer}

    async def all(self, scope: Scope) -> dict[str, ModelFacts]:
        """Every one, by name."""
        rows = await self._db.rows("ai_model_list", scope.tenant, scope.store)
        return {row["name"]: read_facts(row["name"], row["facts"]) for row in rows}

    async def listed(self, scope: Scope) -> list[JsonObject]:
        """As the API shows them."""
        rows = await self._db.rows("ai_model_list", scope.tenant, scope.store)
        return [
            {
                "name": row["name"],
                **row["facts"],
                "version": row["hash"],
                "updatedAt": iso(row["updated_at"]),
            }
            for row in rows
        ]

    async def get(self, scope: Scope, name: str) -> ModelFacts:
        """One; raises Unprocessable that lists those there are."""
        return among(await self.all(scope), name)

    async def one(self, scope: Scope, name: str) -> ModelFacts:
        """One; raises NotFound that lists those there are."""
        try:
            return await self.get(scope, name)
        except Unprocessable as error:
            raise NotFound(
                error.message, code=error.code, fix=error.fix, details=error.details
            ) from error

    async def delete(self, scope: Scope, name: str, actor: JsonObject) -> None:
        """Keep it no longer: from here on no turn asks it. Raises NotFound."""
        if not await self._db.call("ai_model_delete", scope.tenant, scope.store, name, actor):
            raise NotFound(f"There is no model {name!r} in this store", code="model_not_found")


def among(known: dict[str, ModelFacts], name: str) -> ModelFacts:
    """The model of this name; raises Unprocessable that lists those there are."""
    facts = known.get(name)
    if facts is None:
        listed = ", ".join(sorted(known)) or "none so far"
        raise Unprocessable(
            f"The model {name!r} is not configured in this store. Configured: {listed}",
            code="unknown_model",
            fix=f"use one of them, or configure it: PUT /api/models/{name}",
            details={"configured": sorted(known)},
        )
    return facts
