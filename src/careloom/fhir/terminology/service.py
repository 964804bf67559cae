"""Questions to the value sets and code systems of one store.

http://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from careloom.fhir.canonical import parse_canonical
from careloom.fhir.conformance import Conformance
from careloom.fhir.definitions.archive import terminology_archive
from careloom.fhir.terminology.code_system import CodeSystem
from careloom.fhir.terminology.value_set import Members, compose
from careloom.types import JsonObject, Scope


class Terminology:
    """The terminology of one store: what it holds, and what R4 defines."""

    def __init__(self, conformance: Conformance, scope: Scope) -> None:
        self._conformance = conformance
        self._scope = scope

    async def resource(self, kind: str, canonical: str) -> JsonObject | None:
        """A ValueSet, CodeSystem or ConceptMap by its canonical URL."""
        return await self._conformance.resource(self._scope, kind, canonical)

    async def code_system(self, canonical: str) -> CodeSystem | None:
        """The code system; None when it is not loaded."""
        made = (await self._conformance.shelf(self._scope)).made
        key = ("CodeSystem", canonical)
        if key not in made:
            resource = await self.resource("CodeSystem", canonical)
            made[key] = None if resource is None else _compiled(resource)
        found: CodeSystem | None = made[key]
        return found

    async def members(self, canonical: str, path: tuple[str, ...] = ()) -> Members | None:
        """The codes of a value set; None when the value set is not known."""
        made = (await self._conformance.shelf(self._scope)).made
        key = ("Members", canonical)
        if key not in made:
            resource = await self.resource("ValueSet", canonical)
            made[key] = (
                None if resource is None else await self.compose(resource, (*path, canonical))
            )
        found: Members | None = made[key]
        return found

    async def compose(self, value_set: JsonObject, path: tuple[str, ...] = ()) -> Members:
        """The codes of a value set that is given."""
        return await compose(value_set, self.code_system, self.members, path)

    async def has(self, canonical: str, system: str | None, code: str) -> bool | None:
        """Whether a code is in a value set; None when that cannot be said."""
        members = await self.members(canonical)
        return None if members is None else members.has(system, code)


def _compiled(resource: JsonObject) -> CodeSystem:
    url = parse_canonical(resource["url"]).url
    archive = terminology_archive()
    if archive.version("CodeSystem", url) == resource.get("version", "") and "id" not in resource:
        return _specified(url)
    return CodeSystem(resource)


@lru_cache(128)
def _specified(url: str) -> CodeSystem:
    """A code system of the specification, which is the same for every store."""
    resource: Any = terminology_archive().read("CodeSystem", url)
    return CodeSystem(resource)
