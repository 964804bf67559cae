"""Decision tables that are kept by name and version."""

from __future__ import annotations

from typing import Any

from careloom.errors import NotFound, Unprocessable
from careloom.rules.decide import check_model, is_model
from careloom.rules.findings import table_findings
from careloom.rules.table import content_hash, read_table, table_of_node
from careloom.store.database import Database
from careloom.types import JsonObject, Scope

KIND = "decision-table"


def findings_of(table: JsonObject) -> list[JsonObject]:
    """What is wrong with a table in either form; raises InvalidInput when it cannot be read."""
    if not is_model(table):
        return table_findings(read_table(table))
    check_model(table)
    found = []
    for number, node in enumerate(table["nodes"]):
        if node["type"] == "decisionTableNode":
            place = f"nodes/{number}/content"
            found += [_in_model(place, one) for one in table_findings(table_of_node(node))]
    return found


def _in_model(place: str, finding: JsonObject) -> JsonObject:
    """A model does not say what its inputs can be, and goes on where no row matches: a warning."""
    code = finding["code"].replace("E-", "W-", 1)
    path = f"{place}/{finding['path'].replace('rows', 'rules', 1)}"
    return {**finding, "code": code, "severity": "warning", "path": path}


class DecisionTables:
    """Keeps and finds tables of a store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(
        self, scope: Scope, name: str, table: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """A new version of a table; the same content again makes none. Raises InvalidInput, or
        Unprocessable with the findings when the table has a gap or an overlap."""
        findings = findings_of(table)
        errors = [one for one in findings if one["severity"] == "error"]
        if errors:
            raise Unprocessable(
                f"The decision table: {errors[0]['message']}",
                code=errors[0]["code"],
                path=errors[0]["path"],
                fix=errors[0]["fix"],
                details={"findings": findings},
            )
        digest = content_hash(table)
        answer = await self._db.call(
            "library_put", scope.tenant, scope.store, KIND, name, digest, table, actor
        )
        return {"name": name, "hash": digest, "findings": findings, **answer}

    async def get(self, scope: Scope, name: str, version: int | None = None) -> JsonObject:
        """A table with its name, version and hash; raises NotFound."""
        rows = await self._db.rows("library_read", scope.tenant, scope.store, KIND, name, version)
        if not rows:
            raise NotFound(
                f"There is no decision table {name!r}"
                + ("" if version is None else f" with version {version}"),
                code="table_not_found",
                fix=f"keep it with PUT /api/decision-tables/{name}",
            )
        return {**_about(rows[0]), "table": rows[0]["content"]}

    async def all(self, scope: Scope) -> list[JsonObject]:
        """The newest version of every table, without its content."""
        rows = await self._db.rows("library_list", scope.tenant, scope.store, KIND)
        return [_about(row) for row in rows]


def _about(row: Any) -> JsonObject:
    return {
        "name": row["name"],
        "version": row["version"],
        "hash": row["hash"],
        "updatedAt": row["created_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
