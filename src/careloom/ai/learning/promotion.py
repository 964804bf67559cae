"""Making a version the one that answers, through the gates that stand on its model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from careloom.ai.evaluation.gates import Gated, Gates
from careloom.ai.learning.shelf import Shelf
from careloom.errors import Conflict, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope


@dataclass(frozen=True, slots=True)
class Promotion:
    """Promotes versions, earlier ones too."""

    db: Database
    shelf: Shelf
    gates: Gates
    content: Callable[[Scope, str], Awaitable[str]]
    """The content of a model as evaluations name it, by its name in steps."""
    reconsider: Callable[[Scope], Awaitable[None]]

    async def promote(self, scope: Scope, name: str, number: int, actor: JsonObject) -> JsonObject:
        """Let it answer from here on; {"model", "version", "before"}. Raises NotFound, Conflict for
        a version that cannot answer, and Unprocessable with the findings of the gates."""
        told = await self.shelf.progress(scope, name, number)
        if told["status"] not in ("candidate", "retired", "running"):
            raise Conflict(f"The version is {told['status']}", code="not_a_candidate")
        reference = (await self.shelf.shown(scope, name))["reference"]
        subject = f"model/{reference}"
        version = f"{reference}@{number}"
        step = Gated(subject, await self.content(scope, version), "", reference)
        gates = [gate for gate in await self.gates.all(scope) if gate.subject == subject]
        findings = await self.gates.findings(scope, "", [step], gates)
        if findings:
            first = findings[0]
            raise Unprocessable(
                f"{first['message']} ({first['cause']})",
                code="not_promoted",
                fix=first["fix"].replace(f"--model {reference}", f"--model {version}"),
                details={"findings": findings},
            )
        where = (scope.tenant, scope.store, name, number)
        before = await self.db.call("trained_promote", *where, actor)
        await self.gates.passed(scope, [step], gates)
        await self.reconsider(scope)
        return {"model": reference, "version": number, "before": before}
