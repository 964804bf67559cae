"""Search in the documents of the patient to whom the session is pinned, with citations.

Nothing is indexed: the patient's DocumentReferences are read as the turn's principal sees them,
the text of their attachments is taken out, and ranked in memory. Texts are kept in memory only, for
the next question, and are found there only by who has just read their bytes.
http://hl7.org/fhir/R4/documentreference.html
"""

from __future__ import annotations

import base64
import hashlib
from binascii import Error as NotBase64
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from careloom.ai.knowledge.passages import Passage, passages_of
from careloom.ai.knowledge.ranking import by_words
from careloom.ai.tools.citing import citations_given, citing
from careloom.ai.tools.fhir_access import OpenRecords, Records
from careloom.ai.tools.protocol import Function, ToolContext, ToolRefused, ToolResult
from careloom.errors import CareloomError, Unprocessable
from careloom.identity.permissions import intersect
from careloom.types import Json, JsonObject, Scope

_KEYS = frozenset({"maxDocuments", "maxPassages", "citations"})
_DOCUMENTS, _MOST_DOCUMENTS = 20, 100
_PASSAGES, _MOST_PASSAGES = 5, 20
_LARGEST = 8 << 20
"""Bytes of an attachment that is read."""
_MOST_CHARACTERS = 2_000_000
"""Of all documents of one search."""
_KEPT = 64
"""Texts that are kept in memory."""
OpenUpload = Callable[[Scope, str], Awaitable[bytes]]
"""The bytes of a `file://` address; raises what stands in the way."""
ReadText = Callable[[bytes], Awaitable[JsonObject]]
"""{"text", …} of a document's bytes; raises what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A passage of one of the patient's documents."""

    document: JsonObject
    number: int
    passage: Passage

    @property
    def citation(self) -> str:
        version = self.document["meta"]["versionId"]
        return f"DocumentReference/{self.document['id']}@{version}#{self.number}"


class PatientDocuments:
    """Searches the pinned patient's documents, with citations."""

    name = "documents"

    def __init__(
        self, open_records: OpenRecords, open_upload: OpenUpload, read_text: ReadText
    ) -> None:
        self._open_records = open_records
        self._open_upload = open_upload
        self._read_text = read_text
        self._texts: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def check(self, config: JsonObject) -> JsonObject:
        unknown = sorted(config.keys() - _KEYS)
        if unknown:
            raise _wrong(f"/{unknown[0]}", f"there are {', '.join(sorted(_KEYS))}")
        return {
            "maxDocuments": _whole(config, "maxDocuments", _DOCUMENTS, _MOST_DOCUMENTS),
            "maxPassages": _whole(config, "maxPassages", _PASSAGES, _MOST_PASSAGES),
            "citations": citations_given(config, self.name),
        }

    def functions(self, config: JsonObject) -> Sequence[Function]:
        limit = {"type": "integer", "minimum": 1, "maximum": config["maxPassages"]}
        return [
            Function(
                "document_search",
                "Search the text of the patient's documents (letters, reports), newest first."
                f" {citing('DocumentReference/1@1#4')}",
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["query"],
                    "properties": {
                        "query": {"type": "string", "minLength": 1, "maxLength": 1000},
                        "limit": limit,
                    },
                },
            )
        ]

    async def call(self, context: ToolContext, function: str, arguments: JsonObject) -> ToolResult:
        if context.patient is None:
            raise ToolRefused(
                "Documents are searched only in a session that is pinned to a patient",
                code="no_patient",
                detail={},
            )
        patient = f"Patient/{context.patient}"
        records = await self._seen(context, f"fhir:read/DocumentReference?compartment={patient}")
        query = [("patient", patient), ("_count", str(context.config["maxDocuments"]))]
        bundle = await records.search("DocumentReference", [*query, ("_sort", "-date")])
        listed = [
            one["resource"]
            for one in bundle.get("entry", ())
            if one["resource"]["resourceType"] == "DocumentReference"
        ][: context.config["maxDocuments"]]
        found, unread = await self._passages(context, listed)
        order = by_words(arguments["query"], [one.passage.text for one in found])
        best = [found[place] for place in order[: arguments.get("limit", _PASSAGES)]]
        best = best[: context.config["maxPassages"]]
        content: JsonObject = {
            "passages": [_shown(one) for one in best],
            "documents": len(listed),
            "unread": unread,
        }
        return ToolResult(content, sources=[_source(one) for one in best])

    async def _seen(self, context: ToolContext, *own: str) -> Records:
        grants = own if context.grants is None else intersect(context.grants, own)
        return await self._open_records(context.scope, grants, True)

    async def _passages(
        self, context: ToolContext, listed: list[JsonObject]
    ) -> tuple[list[_Found], list[JsonObject]]:
        """The passages of the documents, and the documents that could not be read, and why."""
        found: list[_Found] = []
        unread: list[JsonObject] = []
        characters = 0
        for document in listed:
            number = 0
            for content in document.get("content", ()):
                reference = f"DocumentReference/{document['id']}"
                if characters >= _MOST_CHARACTERS:
                    unread.append({"document": reference, "why": "too_much_text"})
                    break
                try:
                    text = await self._text(context, content.get("attachment") or {})
                except CareloomError as error:
                    unread.append({"document": reference, "why": error.code})
                    continue
                characters += len(text)
                for passage in passages_of(text, markdown=False):
                    number += 1
                    found.append(_Found(document, number, passage))
        return found, unread

    async def _text(self, context: ToolContext, attachment: JsonObject) -> str:
        data = await self._bytes(context, attachment)
        if len(data) > _LARGEST:
            raise Unprocessable("The attachment is too large", code="document_too_large")
        scope = context.scope
        key = (scope.tenant, scope.store, hashlib.sha256(data).hexdigest())
        text = self._texts.get(key)
        if text is None:
            text = str((await self._read_text(data))["text"])
            self._texts[key] = text
            while len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        self._texts.move_to_end(key)
        return text

    async def _bytes(self, context: ToolContext, attachment: JsonObject) -> bytes:
        """What the attachment holds or points at in this store."""
        if "data" in attachment:
            return _decoded(attachment["data"])
        url = str(attachment.get("url", ""))
        if url.startswith("file://"):
            # What the patient's own document names is the patient's; the permission is the one
            # that the address asks of people too.
            context.require("run:read")
            return await self._open_upload(context.scope, url)
        kind, _, id = url.partition("/")
        if kind != "Binary" or not id or "/" in id:
            raise Unprocessable("The attachment lies elsewhere", code="attachment_elsewhere")
        # A Binary is in nobody's compartment: the reference in the patient's own document leads
        # to it, unless the Binary itself says that it is another's.
        records = await self._seen(context, "fhir:read/Binary")
        binary = await records.read("Binary", id)
        owner = str((binary.get("securityContext") or {}).get("reference", ""))
        if owner.startswith("Patient/") and owner != f"Patient/{context.patient}":
            raise Unprocessable(
                "The attachment belongs to another patient", code="outside_compartment"
            )
        return _decoded(binary.get("data", ""))


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=False)
    except (NotBase64, ValueError) as error:
        raise Unprocessable("The attachment is not base64", code="attachment_broken") from error


def _shown(found: _Found) -> JsonObject:
    document = found.document
    kind = (document.get("type") or {}).get("text")
    return {
        "id": found.citation,
        "title": document.get("description") or kind,
        "date": document.get("date"),
        "page": found.passage.page,
        "text": found.passage.text,
    }


def _source(found: _Found) -> JsonObject:
    return {
        "reference": f"DocumentReference/{found.document['id']}",
        "version": found.document["meta"]["versionId"],
        "passage": found.number,
        "page": found.passage.page,
        "sha256": found.passage.sha256,
        "citation": found.citation,
    }


def _whole(config: JsonObject, key: str, default: int, most: int) -> int:
    value: Json = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise _wrong(f"/{key}", f"it is a whole number from 1 to {most}")
    return int(value)


def _wrong(path: str, what: str) -> Unprocessable:
    return Unprocessable(
        f"{path.lstrip('/')} of documents is not right: {what}", path=path, code="tool_config"
    )
