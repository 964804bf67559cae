"""A `fhir` step in another store of the tenant, wherever that is placed.

No transaction crosses databases: the effect commits there first, under the key of the call, and
then the journal row at home. Between the two a repeat finds the key, and gives the same output.
docs/howto/stores.md
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from careloom.errors import CareloomError
from careloom.fhir.resource import parse, serialize
from careloom.fhir.store import ATTEMPTS, FhirStore
from careloom.store.effect import Effect
from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepCall, StepResult

FindStore = Callable[[Scope], Awaitable[FhirStore]]
"""The FHIR store of a scope, in the database that it is placed in; raises NotFound."""


def in_store(call: StepCall) -> StepCall:
    """The call as if its run lived in the store that it names."""
    rest = {key: value for key, value in call.input.items() if key != "store"}
    return call._replace(scope=Scope(call.scope.tenant, str(call.input["store"])), input=rest)


async def commit_there(
    fhir: FhirStore, call: StepCall, act: Callable[[], Awaitable[StepResult]]
) -> StepResult:
    """What `act` gives, its effect committed in the call's store, once for the call's key."""
    for attempt in range(ATTEMPTS):
        kept = await _kept(fhir, call)
        if kept is not None:
            return kept
        result = await act()
        if not result.effect:
            return result
        try:
            if await _commit(fhir, call, result):
                result.effect = Effect()
                return result
        except CareloomError as error:
            if error.code != "stale" or attempt == ATTEMPTS - 1:
                raise
        await asyncio.sleep(random.uniform(0, 0.002 * attempt))  # noqa: S311
    raise AssertionError("unreachable")


async def _kept(fhir: FhirStore, call: StepCall) -> StepResult | None:
    """What the call gave when it committed before."""
    context, scope = fhir.context, call.scope
    sealed = await context.db.call("effect_kept", scope.tenant, scope.store, call.key)
    if sealed is None:
        return None
    kept: JsonObject = parse(await context.keyring.open(scope.tenant, sealed, _place(call)))
    return StepResult(output=kept["output"], notes=kept["notes"], patient=kept["patient"])


async def _commit(fhir: FhirStore, call: StepCall, result: StepResult) -> bool:
    context, scope = fhir.context, call.scope
    plain = serialize({"output": result.output, "notes": result.notes, "patient": result.patient})
    sealed = await context.seal(scope, result.patient, _place(call), plain)
    effect = result.effect
    done: bool = await context.db.call(
        "effect_commit_once",
        *(scope.tenant, scope.store, call.key, sealed, effect.ops, effect.bodies, _actor(call)),
    )
    context.db.notify(scope.tenant, "events")
    return done


async def results_of(fhir: FhirStore, call: StepCall, key: str) -> list[JsonObject]:
    """What the operations of an earlier call gave; empty when it wrote nothing."""
    place = (call.scope.tenant, call.scope.store, key)
    found: list[JsonObject] | None = await fhir.context.db.call("effect_results", *place)
    return found or []


def _place(call: StepCall) -> str:
    return f"{call.scope.store}|foreign_effect|{call.key}"


def _actor(call: StepCall) -> JsonObject:
    """Who the audit trail and the events there name."""
    names = ("principal", "kind", "chain", "owner")
    known = {name: call.actor[name] for name in names if name in call.actor}
    return {"principal": "system", **known, "run_id": call.run_id, "step": call.path}
