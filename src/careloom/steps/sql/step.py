"""`sql`: one statement in a PostgreSQL database elsewhere, with bound parameters.

`query` runs in a read-only transaction. `execute` writes, where the definition says `write: true`;
`dedupe` names a table in which the call's key commits with the write, so that it happens once.
"""

from __future__ import annotations

from typing import Any

import orjson

from careloom.connections.database_peer import DatabasePeer, Rows, is_table
from careloom.connections.registry import Connections
from careloom.connections.statement import (
    READS,
    WRITES,
    BadStatement,
    Statement,
    read_statement,
)
from careloom.fhir.store import FhirStore
from careloom.steps.http.privacy import outgoing_notes
from careloom.steps.http.promise import attempted, in_turn
from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult

KEY = "careloom_key"
"""The parameter that holds the call's key: the same over retries and crashes."""
MOST_ROWS = 1000
MOST_BYTES = 10 << 20


class SqlStep:
    """Reads rows, or writes."""

    type = "sql"

    def __init__(self, connections: Connections, fhir: FhirStore) -> None:
        self._connections = connections
        self._fhir = fhir

    @property
    def schema(self) -> JsonObject:
        return load_schema("sql")

    async def execute(self, call: StepCall) -> StepResult:
        return await in_turn(call, self._perform(call))

    async def _perform(self, call: StepCall) -> StepResult:
        statement, values = _statement(call)
        peer = await self._connections.database(call.scope, str(call.input["connection"]))
        notes = await outgoing_notes(
            self._fhir, call, _written(call, values), cleared=peer.phi, where="parameters"
        )
        rows = await attempted(_run(peer, call, statement, values))
        if len(orjson.dumps(rows.rows)) > MOST_BYTES:
            raise StepError(
                f"The rows are longer than {MOST_BYTES >> 20} MB", code="answer_too_long"
            )
        output: JsonObject = {
            "rows": rows.rows,
            "count": rows.count,
            "truncated": rows.truncated,
            "repeated": rows.repeated,
        }
        if call.alias is not None:
            output[call.alias] = rows.rows
        said = f"{call.input['action']} {peer.name}: {rows.count}"
        return StepResult(output=output, notes=notes, messages=[{"role": "tool", "content": said}])


async def _run(
    peer: DatabasePeer, call: StepCall, statement: Statement, values: JsonObject
) -> Rows:
    most = int(call.input.get("maxRows", MOST_ROWS))
    if call.input["action"] == "query":
        return await peer.query(statement, values, most_rows=most)
    dedupe = call.input.get("dedupe")
    return await peer.execute(statement, values, most_rows=most, key=call.key, dedupe=dedupe)


def _statement(call: StepCall) -> tuple[Statement, JsonObject]:
    """The statement and its values; raises StepError (sql_statement) before anything is sent."""
    try:
        statement = read_statement(str(call.input["statement"]))
    except BadStatement as error:
        raise StepError(f"The statement cannot be used: {error}", code="sql_statement") from error
    writes = call.input["action"] == "execute"
    allowed = WRITES if writes else READS
    if statement.verb not in allowed:
        raise StepError(
            f"The statement must begin with {', '.join(sorted(allowed))}", code="sql_statement"
        )
    if writes != bool(call.input.get("write")):
        raise StepError("`action: execute` and `write: true` belong together", code="sql_statement")
    dedupe = call.input.get("dedupe")
    if dedupe is not None and not (writes and is_table(dedupe)):
        raise StepError("`dedupe` names a table, for `execute`", code="sql_statement")
    values: JsonObject = {**(call.input.get("parameters") or {}), KEY: call.key}
    missing = sorted(set(statement.names) - values.keys())
    unused = sorted(values.keys() - set(statement.names) - {KEY})
    if missing or unused:
        what = f"has no value for {missing}" if missing else f"does not use {unused}"
        raise StepError(f"The statement {what}"[:300], code="sql_parameter")
    return statement, values


def _written(call: StepCall, values: JsonObject) -> str:
    sent: list[Any] = [value for name, value in values.items() if name != KEY]
    return f"{call.input['statement']}\n{orjson.dumps(sent).decode()}"
