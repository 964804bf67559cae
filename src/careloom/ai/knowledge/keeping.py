"""The knowledge of a store: collections of documents, kept in versions, with their passages.

It holds no patient data. Embeddings are made when a document is kept, as far as the collection's
model answers; what is left is made by `reindex`.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import Any, Protocol

from careloom.ai.knowledge.embedding import AT_ONCE, Embeddings, Vector, key_of, use_of
from careloom.ai.knowledge.passages import passages_of
from careloom.ai.language.asking import ModelFailed
from careloom.ai.language.facts import ModelFacts
from careloom.errors import InvalidInput, NotFound, TooLarge, UnsupportedMediaType
from careloom.store.database import Database
from careloom.types import Json, JsonObject, Scope, iso

MARKDOWN, PLAIN, PDF = "text/markdown", "text/plain", "application/pdf"
TYPES = (MARKDOWN, PLAIN, PDF)
MOST_PASSAGES = 50_000
"""Passages of a store: a search looks at each of those that it may."""
MOST_OF_ONE = 5_000
KEPT_VERSIONS = 50
"""Of a document; earlier ones are forgotten when a new one comes."""
LANGUAGES = (
    *("arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish"),
    *("french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian"),
    *("lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian", "serbian"),
    *("simple", "spanish", "swedish", "tamil", "turkish", "yiddish"),
)
"""Full text configurations that every PostgreSQL from 15 on has; `simple` knows no word forms."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_RESERVED = frozenset({"search", "reindex"})
_KEYS = frozenset({"description", "language", "embeddingModel"})
_AT_MOST_S = 30.0
"""How long one request makes embeddings."""


class ReadText(Protocol):
    """Reads the text of a PDF."""

    async def read(self, data: bytes) -> JsonObject:
        """{"text", …}; raises what is wrong with the document."""


class KnowledgeBase:
    """Keeps knowledge."""

    def __init__(self, db: Database, reader: ReadText, embeddings: Embeddings) -> None:
        self._db = db
        self._reader = reader
        self._embeddings = embeddings

    async def put_collection(
        self, scope: Scope, collection: str, given: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """Make or change a collection. Raises InvalidInput, and Unprocessable for a model that
        is not configured or makes no embeddings."""
        check_name(collection, "collection")
        unknown = sorted(given.keys() - _KEYS)
        if unknown:
            raise _wrong(f"/{unknown[0]}", f"there are {', '.join(sorted(_KEYS))}")
        description, language = given.get("description"), given.get("language")
        if description is not None and not (
            isinstance(description, str) and len(description) <= 2000
        ):
            raise _wrong("/description", "it is a text of at most 2000 characters")
        if language is not None and language not in LANGUAGES:
            raise _wrong("/language", f"it is one of {', '.join(LANGUAGES)}")
        model = await self._model_given(scope, given)
        where = (scope.tenant, scope.store, collection)
        await self._db.call("knowledge_collection_put", *where, description, language, model, actor)
        return (await self.collections(scope, [collection]))[0]

    async def collections(self, scope: Scope, only: list[str] | None = None) -> list[JsonObject]:
        """Collections, with how much they hold and how much of it is embedded."""
        keys = await self._keys(scope)
        rows = await self._db.rows("knowledge_collections", scope.tenant, scope.store, only, keys)
        return [
            {
                "collection": row["collection"],
                "description": row["description"],
                "language": row["language"],
                "embeddingModel": row["model"],
                "documents": row["documents"],
                "passages": row["passages"],
                "embedded": row["embedded"],
                "updatedAt": iso(row["updated_at"]),
            }
            for row in rows
        ]

    async def collection(self, scope: Scope, collection: str) -> JsonObject:
        """One; raises NotFound."""
        found = await self.collections(scope, [collection])
        if not found:
            raise _no_collection(collection)
        return found[0]

    async def delete_collection(self, scope: Scope, collection: str, actor: JsonObject) -> None:
        """Delete it with all it holds. Raises NotFound."""
        where = (scope.tenant, scope.store, collection)
        if not await self._db.call("knowledge_collection_delete", *where, actor):
            raise _no_collection(collection)

    async def put(
        self,
        scope: Scope,
        collection: str,
        document: str,
        data: bytes,
        content_type: str,
        title: str | None,
        actor: JsonObject,
    ) -> JsonObject:
        """Keep a document. Raises UnsupportedMediaType, TooLarge, InvalidInput."""
        check_name(collection, "collection")
        check_name(document, "document")
        if document in _RESERVED:
            raise InvalidInput(
                f"A document is not named {document}", path="documentId", code="reserved_name"
            )
        text = await self._text(data, content_type)
        passages = passages_of(text, markdown=content_type == MARKDOWN)
        if not passages:
            raise InvalidInput("The document has no text", code="document_empty")
        if len(passages) > MOST_OF_ONE:
            raise TooLarge(
                f"The document has more than {MOST_OF_ONE} passages",
                code="too_much_text",
                fix="keep it as several documents",
            )
        about = {
            "title": (title or _title(passages[0].heading) or document)[:300],
            "contentType": content_type,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        where = (scope.tenant, scope.store, collection, document)
        listed = [one.to_json() for one in passages]
        said = await self._db.call(
            "knowledge_put", *where, about, text, listed, MOST_PASSAGES, KEPT_VERSIONS, actor
        )
        await self._embed(scope, collection)
        return {**await self.document(scope, collection, document), "created": said["created"]}

    async def documents(self, scope: Scope, collection: str) -> list[JsonObject]:
        """The documents of a collection, without their texts. Raises NotFound."""
        await self.collection(scope, collection)
        return await self._documents(scope, collection, None)

    async def document(
        self, scope: Scope, collection: str, document: str, version: int | None = None
    ) -> JsonObject:
        """A document with its text: the newest version, or an earlier one. Raises NotFound."""
        found = await self._documents(scope, collection, document)
        where = (scope.tenant, scope.store, collection, document)
        rows = await self._db.rows("knowledge_text_of", *where, version) if found else []
        if not rows:
            raise NotFound(
                "There is no such document in this collection, or no such version of it",
                code="document_not_found",
            )
        row = rows[0]
        shown = {
            "version": row["version"],
            "title": row["title"],
            "contentType": row["content_type"],
            "sha256": row["sha256"],
            "characters": len(row["body"]),
            "updatedAt": iso(row["at"]),
            "text": row["body"],
        }
        return {**found[0], **shown}

    async def delete(self, scope: Scope, collection: str, document: str, actor: JsonObject) -> None:
        """Delete a document with its versions. Raises NotFound."""
        where = (scope.tenant, scope.store, collection, document)
        if not await self._db.call("knowledge_delete", *where, actor):
            raise NotFound(
                "There is no such document in this collection", code="document_not_found"
            )

    async def reindex(self, scope: Scope, collection: str) -> JsonObject:
        """Make embeddings that are missing or of another model, for at most 30 s. `pending` are
        those still to make, `why` says what kept it from more. Raises NotFound."""
        known = await self.collection(scope, collection)
        made, why = await self._embed(scope, collection)
        now = await self.collection(scope, collection)
        pending = now["passages"] - now["embedded"] if known["embeddingModel"] else 0
        return {"collection": collection, "made": made, "pending": pending, "why": why}

    async def _model_given(self, scope: Scope, given: JsonObject) -> str | None:
        """The model's name; empty for none, None when it stays as it is."""
        if "embeddingModel" not in given:
            return None
        name: Json = given["embeddingModel"]
        if name is None:
            return ""
        if not isinstance(name, str):
            raise _wrong("/embeddingModel", "it is the name of a configured model, or null")
        return (await self._embeddings.model(scope, name)).name

    async def _keys(self, scope: Scope) -> JsonObject:
        """The name of the present embeddings of each collection that has a model."""
        rows = await self._db.rows("knowledge_collections", scope.tenant, scope.store, None, {})
        if not any(row["model"] for row in rows):
            return {}
        known = await self._embeddings.known(scope)
        return {
            row["collection"]: key_of(known[row["model"]]) for row in rows if row["model"] in known
        }

    async def _embed(self, scope: Scope, collection: str) -> tuple[int, str | None]:
        """How many embeddings were made, and why not all."""
        found = await self._db.rows(
            "knowledge_collections", scope.tenant, scope.store, [collection], {}
        )
        name = found[0]["model"] if found else None
        if name is None:
            return 0, "the collection has no embeddingModel"
        facts = (await self._embeddings.known(scope)).get(name)
        if facts is None:
            return 0, f"the model {name} is not configured any more"
        use = use_of(facts, "knowledge", "none", "")
        refusal = await self._embeddings.refusal(scope, use)
        if refusal is not None:
            return 0, refusal
        made, until = 0, time.monotonic() + _AT_MOST_S
        while time.monotonic() < until:
            try:
                count = await self._embed_some(scope, collection, facts)
            except ModelFailed as error:
                return made, error.code
            if count == 0:
                return made, None
            made += count
        return made, "there was no time for more"

    async def _embed_some(self, scope: Scope, collection: str, facts: ModelFacts) -> int:
        key, where = key_of(facts), (scope.tenant, scope.store, collection)
        rows = await self._db.rows("knowledge_pending", *where, key, AT_ONCE)
        if not rows:
            return 0
        texts = [f"{row['heading']}\n{row['body']}".strip() for row in rows]
        vectors = await self._embeddings.of(scope, facts, texts)
        kept = [_kept(row, vector) for row, vector in zip(rows, vectors, strict=True)]
        return int(await self._db.call("knowledge_embed", *where, key, kept))

    async def _documents(
        self, scope: Scope, collection: str, document: str | None
    ) -> list[JsonObject]:
        key = (await self._keys(scope)).get(collection)
        where = (scope.tenant, scope.store, collection, document)
        rows = await self._db.rows("knowledge_documents", *where, key)
        return [
            {
                "collection": collection,
                "documentId": row["document_id"],
                "version": row["version"],
                "title": row["title"],
                "contentType": row["content_type"],
                "sha256": row["sha256"],
                "characters": row["characters"],
                "passages": row["passages"],
                "embedded": row["embedded"],
                "updatedAt": iso(row["updated_at"]),
            }
            for row in rows
        ]

    async def _text(self, data: bytes, content_type: str) -> str:
        if content_type not in TYPES:
            raise UnsupportedMediaType(
                f"Knowledge is {', '.join(TYPES)}",
                fix="send it with Content-Type: text/markdown",
            )
        if not data.strip():
            raise InvalidInput("The document is empty", code="document_empty")
        if (content_type == PDF) != (b"%PDF-" in data[:1024]):
            raise UnsupportedMediaType("The bytes are not of the Content-Type that they came with")
        text = str((await self._reader.read(data))["text"])
        return text.replace("\x00", "")


def check_name(given: str, what: str) -> None:
    """Raise InvalidInput for a name of a collection or document that is none."""
    if not _NAME.fullmatch(given):
        raise InvalidInput(
            f"The name of a {what} is letters, digits, '.', '_' and '-', at most 64",
            path=what,
            code="knowledge_name",
        )


def _title(headings: str) -> str:
    return headings.partition(" > ")[0]


def _kept(row: Any, vector: Vector) -> JsonObject:
    place = {"document": row["document_id"], "number": row["number"], "sha256": row["sha256"]}
    return {**place, "vector": vector}


def _wrong(path: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"{path.lstrip('/')} of the collection is not right: {what}",
        path=path,
        code="knowledge_collection",
    )


def _no_collection(collection: str) -> NotFound:
    return NotFound(
        f"There is no collection {collection!r} in this store",
        code="collection_not_found",
        fix="GET /api/knowledge lists those there are",
    )
