"""Definition-based extraction: answers put where the definitions of their items point.

http://hl7.org/fhir/uv/sdc/extraction.html#definition-based-extraction. An item's definition is
[StructureDefinition]#[Type].path; a group with one, or with an extraction context, is one element
or resource for each repetition.
"""

from __future__ import annotations

import uuid
from typing import Any

from careloom.fhir.definitions import Definitions
from careloom.fhir.forms.answers import value_of
from careloom.fhir.forms.expressions import (
    SDC,
    Surroundings,
    exact,
    extension,
    extensions,
)
from careloom.fhir.forms.extraction import Place, answers, creating
from careloom.fhir.forms.setting import Misplaced, below, put
from careloom.types import JsonObject

CONTEXT = f"{SDC}itemExtractionContext"
EXTRACT = f"{SDC}definitionExtract"
EXTRACT_VALUE = f"{SDC}definitionExtractValue"
CORE = "http://hl7.org/fhir/StructureDefinition/"


class Extractor:
    """Takes one response apart by definitions; `entries` grow."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._definitions: Definitions = around.fhir.context.definitions
        self.entries: list[JsonObject] = []

    async def extract(
        self, questionnaire: JsonObject, response: JsonObject, listed: list[Place]
    ) -> list[JsonObject]:
        """The entries of all contexts of a Questionnaire."""
        top = Place(questionnaire, [response], "QuestionnaireResponse", listed)
        await self._visit(top, None)
        return self.entries

    async def _visit(self, place: Place, resource: JsonObject | None) -> None:
        """A place, and below it those whose definitions belong to its resource."""
        begun = await self._begun(place)
        if begun is not None:
            entry, resource = begun
            self.entries.append(entry)
        focus: Any = resource
        if resource is not None:
            focus = self._filled(place, resource, resource)
            await self._fixed(place, resource, focus)
        for inner in place.inner:
            await self._inner(inner, resource, focus)

    async def _inner(self, place: Place, resource: JsonObject | None, focus: Any) -> None:
        if resource is None or self._has_context(place.item):
            await self._visit(place, resource)
            return
        within = self._filled(place, resource, focus)
        await self._fixed(place, resource, within)
        for inner in place.inner:
            await self._inner(inner, resource, within)

    @staticmethod
    def _has_context(item: JsonObject) -> bool:
        return any(extension(item, url) is not None for url in (CONTEXT, EXTRACT))

    async def _begun(self, place: Place) -> tuple[JsonObject, JsonObject] | None:
        """The entry and resource that an extraction context begins."""
        said = extension(place.item, CONTEXT)
        if said is None:
            declared = extension(place.item, EXTRACT)
            if declared is None:
                return None
            said = _part(declared, "definition")
            said = str(said).removeprefix(CORE) if isinstance(said, str) else None
        known: JsonObject | None = None
        if isinstance(said, dict):
            found = await self._around.values(said, place.path)
            known = _first_resource(found[0].value) if found else None
            said = str(said.get("expression", "")).lstrip("/").partition("?")[0].partition("/")[0]
        if not isinstance(said, str) or not self._definitions.is_resource(said):
            self._around.tell(place.path, "the extraction context names no resource type of R4")
            return None
        if known is not None and known.get("resourceType") == said:
            name = f"{said}/{known['id']}"
            entry: JsonObject = {
                "fullUrl": f"{self._around.caller.base}/{name}",
                "resource": known,
                "request": {"method": "PUT", "url": name},
            }
            return entry, known
        made: JsonObject = {"resourceType": said}
        return creating(made, f"urn:uuid:{uuid.uuid4()}"), made

    def _filled(self, place: Place, resource: JsonObject, focus: Any) -> Any:
        """Put the answers of a place into the resource; where its inner places go on."""
        definition = place.item.get("definition")
        steps = self._steps(definition, resource) if isinstance(definition, str) else None
        if steps is None:
            return focus
        if place.item.get("type") == "group":
            return self._element(resource, focus, steps, place)
        for answer in answers(place):
            value = value_of(answer)
            if value is not None:
                self._put(resource, focus, steps, value, place)
        return focus

    def _steps(self, definition: str, resource: JsonObject) -> list[str] | None:
        """The names below the type; None for a definition of another type."""
        _, _, path = definition.rpartition("#")
        type, _, rest = path.partition(".")
        return rest.split(".") if rest and type == resource["resourceType"] else None

    def _element(
        self, resource: JsonObject, focus: Any, steps: list[str], place: Place
    ) -> JsonObject:
        """A new element for a group that stands for one."""
        made = _Marked(steps)
        try:
            holder, kind, rest = self._reached(resource, focus, steps)
            for name in rest[:-1]:
                holder, kind = below(self._definitions, holder, kind, name)
            element = self._definitions.element(kind, rest[-1])
            if element is None or not element.types[0][:1].isupper():
                raise Misplaced("the definition names no element that has others in it")
        except Misplaced as error:
            self._around.tell(place.path, str(error))
            return made
        if element.is_list:
            holder.setdefault(rest[-1], []).append(made)
            return made
        if isinstance(holder.get(rest[-1]), dict):
            made.update(holder[rest[-1]])
        holder[rest[-1]] = made
        return made

    def _reached(
        self, resource: JsonObject, focus: Any, steps: list[str]
    ) -> tuple[JsonObject, str, list[str]]:
        """Where a path goes on: below the group's element when it begins with the group's path."""
        if isinstance(focus, _Marked) and steps[: len(focus.steps)] == focus.steps:
            rest = steps[len(focus.steps) :]
            if rest:
                return focus, self._kind(resource["resourceType"], focus.steps), rest
        return resource, resource["resourceType"], steps

    def _kind(self, kind: str, steps: list[str]) -> str:
        for name in steps:
            element = self._definitions.element(kind, name)
            if element is None:
                break
            kind = element.types[0]
        return kind

    def _put(
        self, resource: JsonObject, focus: Any, steps: list[str], value: Any, place: Place
    ) -> None:
        holder, kind, rest = self._reached(resource, focus, steps)
        try:
            put(self._definitions, holder, kind, rest, value)
        except Misplaced as error:
            self._around.tell(place.path, str(error))

    async def _fixed(self, place: Place, resource: JsonObject, focus: Any) -> None:
        """Values that the Questionnaire itself gives (definitionExtractValue)."""
        for declared in extensions(place.item, EXTRACT_VALUE):
            definition = _part(declared, "definition")
            steps = self._steps(definition, resource) if isinstance(definition, str) else None
            if steps is None:
                continue
            values = [value for value in (_part(declared, "fixed-value"),) if value is not None]
            expression = _part(declared, "expression")
            if expression is not None:
                found = await self._around.values(expression, place.path, place.answered[0])
                values += [exact(one.value) for one in found]
            for value in values:
                self._put(resource, focus, steps, value, place)


class _Marked(dict[str, Any]):
    """The element that a group stands for, with its path."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__()
        self.steps = steps


def _part(declared: Any, url: str) -> Any:
    listed = declared.get("extension", ()) if isinstance(declared, dict) else ()
    for one in listed:
        if isinstance(one, dict) and one.get("url") == url:
            return next((one[key] for key in one if key.startswith("value")), None)
    return None


def _first_resource(found: Any) -> JsonObject | None:
    if isinstance(found, dict) and found.get("resourceType") == "Bundle":
        entries = [e["resource"] for e in found.get("entry", ()) if e["search"]["mode"] == "match"]
        return entries[0] if len(entries) == 1 else None
    return found if isinstance(found, dict) else None
