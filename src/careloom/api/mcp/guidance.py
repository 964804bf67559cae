"""knowledge_search: the passages of guidelines, policies and rules that answer a question, to be
cited. docs/howto/knowledge.md
"""

from __future__ import annotations

from careloom.ai.knowledge.search import LONGEST_QUESTION, MOST, Question
from careloom.api.mcp.tool import Guest, Tool, schema_of
from careloom.types import JsonObject

SEARCH = "knowledge_search"
_PASSAGES = 5


async def knowledge_tools(guest: Guest) -> list[Tool]:
    """One, where the key may read the knowledge base and there is one."""
    if not guest.principal.allows("knowledge:read"):
        return []
    kept = await guest.services.ai.knowledge.collections(guest.principal.scope)
    names = sorted(one["collection"] for one in kept)
    if not names:
        return []
    return [
        Tool(
            SEARCH,
            "Search the knowledge base",
            "Find the passages of guidelines, policies and rules that answer a question best, with"
            " their document, version and heading, to be cited. Ask without patient data.",
            schema_of(
                ["question"],
                question={"type": "string", "minLength": 1, "maxLength": LONGEST_QUESTION},
                collections={
                    "type": "array",
                    "items": {"type": "string", "enum": names},
                    "description": "All when not given",
                },
                limit={"type": "integer", "minimum": 1, "maximum": MOST, "default": _PASSAGES},
            ),
            _search,
        )
    ]


async def _search(guest: Guest, given: JsonObject) -> JsonObject:
    guest.principal.require("knowledge:read")
    scope = guest.principal.scope
    wanted = given.get("collections")
    if not wanted:
        kept = await guest.services.ai.knowledge.collections(scope)
        wanted = [one["collection"] for one in kept]
    # Nobody knows what an assistant writes into it: models see it only where they may see all.
    question = Question(given["question"], guest.principal.id, "phi")
    limit = int(given.get("limit", _PASSAGES))
    return await guest.services.ai.knowledge_search.search(scope, wanted, question, limit)
