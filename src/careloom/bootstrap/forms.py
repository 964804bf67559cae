"""What forms draw on of other rooms: terminology, the blob store, the look at a file's bytes."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.documents.document import sniff
from careloom.errors import InvalidInput, TooLarge, UnsupportedMediaType
from careloom.fhir.fhirpath_model import r4_model
from careloom.fhir.store import FhirStore
from careloom.fhir.terminology.service import Terminology
from careloom.fhir.terminology.value_set import Entry, Members
from careloom.store.blobs import Blobs
from careloom.store.database import Database
from careloom.tasks.attachments import Attachments
from careloom.tasks.content import TaskContent
from careloom.tasks.mirror import Resources
from careloom.tasks.options import Options, fits
from careloom.tasks.sources import FormSources
from careloom.types import JsonObject, Scope


@dataclass(frozen=True, slots=True)
class Known:
    """A value set of the store's terminology as options."""

    members: Members

    def has(self, system: str | None, code: str) -> bool | None:
        return self.members.has(system, code)

    def page(self, words: str, count: int, language: str | None) -> list[JsonObject]:
        found: list[JsonObject] = []
        for entry in self.members.entries.values():
            if entry.concept is not None and (
                entry.concept.is_abstract or entry.concept.is_inactive
            ):
                continue
            coding = _coding(entry, language)
            if fits(words, coding):
                found.append(coding)
                if len(found) == count:
                    break
        return found

    @property
    def total(self) -> int:
        return len(self.members.entries)

    @property
    def is_complete(self) -> bool:
        return not self.members.missing


def _coding(entry: Entry, language: str | None) -> JsonObject:
    own = entry.concept.display_in(language) if entry.concept and language else None
    coding: JsonObject = {"system": entry.system, "code": entry.code}
    display = own or entry.display
    return coding | ({"display": display} if display else {})


class StoreValueSets:
    """The value sets of a store, and those of the specification."""

    def __init__(self, fhir: FhirStore) -> None:
        self._fhir = fhir

    async def find(self, scope: Scope, canonical: str) -> Options | None:
        """A value set that is known and can be worked out; None for every other."""
        return await self._members(scope, canonical)

    async def compose(self, scope: Scope, value_set: JsonObject) -> Options | None:
        """The same for one that stands in the form."""
        return await self._members(scope, value_set)

    async def _members(self, scope: Scope, value_set: str | JsonObject) -> Options | None:
        terminology = Terminology(self._fhir.context.conformance, scope)
        try:
            found = (
                await terminology.members(value_set)
                if isinstance(value_set, str)
                else await terminology.compose(value_set)
            )
        except (InvalidInput, TooLarge):  # it can be asked of nobody: the same as not known
            return None
        return None if found is None or not found.entries else Known(found)


class BlobKeeper:
    """Attachments in the blob store."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def keep(self, scope: Scope, subject: str | None, data: bytes) -> str:
        return (await self._blobs.put(scope, subject, data)).id

    async def get(self, scope: Scope, name: str) -> bytes:
        return await self._blobs.get(scope, name)

    async def delete(self, scope: Scope, name: str) -> None:
        await self._blobs.delete(scope, name)


def kind_of(data: bytes) -> str | None:
    """The media type by the bytes alone; None when it is none that is taken."""
    try:
        return sniff(data)
    except UnsupportedMediaType:
        return None


def form_sources(
    db: Database, content: TaskContent, fhir: FhirStore, resources: Resources, blobs: Blobs
) -> FormSources:
    """What the forms of every store draw on."""
    attachments = Attachments(db, content, BlobKeeper(blobs))
    return FormSources(r4_model(), resources, StoreValueSets(fhir), attachments, kind_of)
