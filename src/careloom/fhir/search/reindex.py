"""New index rows for resources that were stored by an earlier version.

Bodies are sealed, so that SQL alone cannot make them. It may run beside the server and again: a
resource that changes meanwhile has its new rows already. store/migrations/0020_fhir_search.sql
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson

from careloom.fhir.context import FhirContext
from careloom.fhir.resource import parse, seal_place
from careloom.types import Scope

AT_ONCE = 200
_NEXT = (
    "SELECT r.rtype, r.rid, r.version, r.body, r.keys FROM careloom.resource r"
    " WHERE r.tenant = $1 AND r.store = $2 AND (r.rtype, r.rid) > ($3, $4)"
    " AND r.method <> 'DELETE' ORDER BY r.rtype, r.rid LIMIT $5"
)


async def reindex(context: FhirContext, scope: Scope) -> AsyncIterator[tuple[int, int]]:
    """Go through a store; yields how many resources were looked at and how many got new rows."""
    seen = changed = 0
    place = ("", "")
    while True:
        rows = await context.db.query(
            scope.tenant, _NEXT, scope.tenant, scope.store, *place, AT_ONCE
        )
        if not rows:
            break
        sealed = [
            (r["body"], seal_place(scope.store, r["rtype"], r["rid"], r["version"])) for r in rows
        ]
        new = []
        for row, body in zip(
            rows, await context.keyring.open_many(scope.tenant, sealed), strict=True
        ):
            # The rows of a patient that was erased stay as they are: nobody can read the body.
            keys = None if body is None else context.index.rows(parse(body))
            if keys is not None and orjson.loads(orjson.dumps(keys)) != row["keys"]:
                new.append([row["rtype"], row["rid"], row["version"], keys])
        if new:
            changed += await context.db.call("fhir_reindex", scope.tenant, scope.store, new)
        seen += len(rows)
        place = (rows[-1]["rtype"], rows[-1]["rid"])
        yield seen, changed
    await context.db.call("fhir_reindexed", scope.tenant, scope.store)
    context.index.fresh.pop((scope.tenant, scope.store), None)
