"""Whether a store's index rows are those of this version: store/migrations/0020_fhir_search.sql."""

from __future__ import annotations

import time

from careloom.fhir.context import FhirContext
from careloom.types import Scope

AGAIN_S = 10.0
"""Seconds after which a store that was not complete is asked again."""


async def is_stale(context: FhirContext, scope: Scope) -> bool:
    """Whether `careloom reindex` has not gone through the store yet; once it has, for good."""
    known = context.index.fresh
    key = (scope.tenant, scope.store)
    again = known.get(key)
    if again is None or (again and again < time.monotonic()):
        stale = await context.db.call("fhir_stale", scope.tenant, scope.store)
        again = known[key] = time.monotonic() + AGAIN_S if stale else 0.0
    return bool(again)
