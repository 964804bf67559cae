"""`fhir`: an interaction with the run's own FHIR store, exactly once per completed step.

Writes are planned here and committed by the engine together with the journal row. A write that is
fed by an AI step also leaves a Provenance that names the model.
https://hl7.org/fhir/R4/http.html, https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from careloom.fhir.planned import Planned
from careloom.fhir.store import FhirStore
from careloom.steps.fhir.references import collapse_references
from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult
from careloom.workflows.triggers import patient_of
from careloom.workflows.verification.writes import FINAL

_Action = Callable[["FhirStep", StepCall], Awaitable[StepResult]]


class FhirStep:
    """create, update, delete, read, search or transaction."""

    type = "fhir"

    def __init__(self, store: FhirStore) -> None:
        self._store = store

    @property
    def schema(self) -> JsonObject:
        return load_schema("fhir")

    async def execute(self, call: StepCall) -> StepResult:
        action = _ACTIONS.get(call.input.get("action", ""))
        if action is None:
            raise StepError(f"The action is none of {', '.join(_ACTIONS)}", code="unknown_action")
        result = await action(self, call)
        if call.patient is None:
            result.patient = _patient(call.input["action"], result.output)
        return result

    async def create(self, call: StepCall) -> StepResult:
        resource, notes = _resource(call)
        call.require("fhir:write", resource["resourceType"])
        condition = call.input.get("ifNoneExist")
        if condition is not None and call.ai_fed:
            existing = await self._only(call, resource["resourceType"], condition)
            if existing is not None:
                # Nothing is written, so no Provenance may say that a model wrote it.
                written = {"id": existing["id"], "reference": _reference(existing)}
                return _output(call, {**written, "resource": existing}, existing)
        planned = await self._store.plan_create(call.scope, resource, if_none_exist=condition)
        return await self._written(call, planned, notes)

    async def _only(self, call: StepCall, type_: str, condition: Any) -> JsonObject | None:
        """The one resource that meets the condition, when there is one."""
        bundle = await self._store.search(call.scope, type_, [*_query(condition), ("_count", "2")])
        found = [entry["resource"] for entry in bundle.get("entry", ())]
        return found[0] if len(found) == 1 else None

    async def update(self, call: StepCall) -> StepResult:
        resource, notes = _resource(call)
        call.require("fhir:write", resource["resourceType"])
        if "resourceId" in call.input:
            given = str(call.input["resourceId"])
            resource["id"] = given.removeprefix(f"{resource['resourceType']}/")
        planned = await self._store.plan_update(
            call.scope, resource, criteria=call.input.get("criteria")
        )
        return await self._written(call, planned, notes)

    async def delete(self, call: StepCall) -> StepResult:
        type_, id_ = _target(call)
        call.require("fhir:write", type_)
        planned = await self._store.plan_delete(call.scope, type_, id_)
        return StepResult(output={"reference": f"{type_}/{id_}"}, effect=planned.effect)

    async def read(self, call: StepCall) -> StepResult:
        type_, id_ = _target(call)
        call.require("fhir:read", type_)
        resource = await self._store.read(call.scope, type_, id_)
        return _output(call, {"resource": resource, "reference": f"{type_}/{id_}"}, resource)

    async def search(self, call: StepCall) -> StepResult:
        type_ = str(call.input.get("resourceType"))
        call.require("fhir:read", type_)
        query = _query(call.input.get("query", {}))
        bundle = await self._store.search(call.scope, type_, query)
        types = {entry["resource"]["resourceType"] for entry in bundle.get("entry", ())}
        for included in types - {"OperationOutcome"}:
            call.require("fhir:read", included)
        resources = [
            entry["resource"]
            for entry in bundle.get("entry", ())
            if entry.get("search", {}).get("mode") == "match"
        ]
        output = {"bundle": bundle, "resources": resources, "count": len(resources)}
        return _output(call, output, resources)

    async def transaction(self, call: StepCall) -> StepResult:
        data = call.input.get("data")
        if not isinstance(data, dict):
            raise StepError("`data` must be a transaction Bundle", code="not_a_bundle")
        bundle, notes = collapse_references({"resourceType": "Bundle", **data})
        _require_entries(call, bundle)
        planned = await self._store.plan_transaction(call.scope, bundle)
        _refuse_final(call, planned.resources)
        references = [_reference(resource) for resource in planned.resources]
        result = StepResult(output={"references": references}, effect=planned.effect, notes=notes)
        await self._name_the_model(call, planned.resources, result)
        return result

    async def _written(
        self, call: StepCall, planned: Planned, notes: list[JsonObject]
    ) -> StepResult:
        resource = planned.resources[0]
        reference = _reference(resource)
        result = _output(
            call, {"id": resource["id"], "reference": reference, "resource": resource}, resource
        )
        result.effect = planned.effect
        result.notes = notes
        await self._name_the_model(call, [resource], result)
        return result

    async def _name_the_model(
        self, call: StepCall, resources: list[JsonObject], result: StepResult
    ) -> None:
        """A Provenance for what an AI step feeds, and a note where nobody reviewed it."""
        if not call.ai_fed or not resources:
            return
        result.notes += [_final_note(call) for one in resources if _is_unreviewed(call, one)]
        provenance = _provenance(call, [_reference(resource) for resource in resources])
        written = await self._store.plan_create(call.scope, provenance)
        result.effect.extend(written.effect)


def _resource(call: StepCall) -> tuple[JsonObject, list[JsonObject]]:
    data = call.input.get("data")
    type_ = call.input.get("resourceType") or (data or {}).get("resourceType")
    if not isinstance(data, dict) or not isinstance(type_, str):
        raise StepError("`resourceType` and `data` are needed for a write", code="no_data")
    resource, notes = collapse_references({"resourceType": type_, **data})
    _refuse_final(call, [resource])
    return resource, notes


def _is_unreviewed(call: StepCall, resource: JsonObject) -> bool:
    return call.unreviewed and resource.get("status") in FINAL


def _refuse_final(call: StepCall, resources: list[JsonObject]) -> None:
    if call.environment == "production" and any(_is_unreviewed(call, one) for one in resources):
        raise StepError(
            "An AI's result must not be written as final without a person's review",
            code="E-AIFINAL",
        )


def _final_note(call: StepCall) -> JsonObject:
    return {
        "code": "W-AIFINAL",
        "path": f"{call.path}/data/status",
        "message": "An AI's result was stored as final without a person's review;"
        " a production environment refuses this",
    }


def _provenance(call: StepCall, references: list[str]) -> JsonObject:
    agents = [
        {
            "type": {"text": "AI model"},
            "who": {"display": f"{evidence.get('model')} {evidence.get('version', '')}".strip()},
        }
        for evidence in call.ai_evidence
    ] or [{"who": {"display": f"workflow {call.workflow_id}"}}]
    return {
        "resourceType": "Provenance",
        "target": [{"reference": reference} for reference in references],
        "recorded": call.now.isoformat(timespec="milliseconds"),
        "activity": {"text": f"{call.workflow_id}/{call.path.removeprefix('steps/')}"},
        "agent": agents,
    }


def _output(call: StepCall, output: JsonObject, main: Any) -> StepResult:
    if call.alias is not None:
        output[call.alias] = main
    return StepResult(output=output)


def _patient(action: str, output: JsonObject) -> str | None:
    """The Patient id that the run is about from here on: one that was read, the only one that a
    search found, or the one that a written resource is about."""
    if action == "search":
        links = {link["relation"] for link in output["bundle"].get("link", ())}
        found = [] if "next" in links else output["resources"]
        only = found[0] if len(found) == 1 else {}
        return _own_id(only)
    resource = output.get("resource", {})
    if action == "read":
        return _own_id(resource)
    subject = resource.get("subject") or resource.get("patient")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str) or not reference.startswith("Patient/"):
        return None
    return patient_of({"patientId": reference})


def _own_id(resource: JsonObject) -> str | None:
    return str(resource["id"]) if resource.get("resourceType") == "Patient" else None


def _reference(resource: JsonObject) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _require_entries(call: StepCall, bundle: JsonObject) -> None:
    """Every entry needs its own permission; one that cannot be read is left to the plan."""
    for entry in bundle.get("entry", ()):
        request = entry.get("request", {}) if isinstance(entry, dict) else {}
        type_ = str(request.get("url", "")).partition("?")[0].partition("/")[0]
        call.require("fhir:read" if request.get("method") == "GET" else "fhir:write", type_)


def _target(call: StepCall) -> tuple[str, str]:
    type_ = str(call.input.get("resourceType", ""))
    id_ = str(call.input.get("resourceId", "")).removeprefix(f"{type_}/")
    if not type_ or not id_ or "/" in id_:
        raise StepError("`resourceType` and `resourceId` are needed", code="no_target")
    return type_, id_


def _query(query: Any) -> list[tuple[str, str]]:
    if isinstance(query, str):
        return parse_qsl(query.lstrip("?"), keep_blank_values=True)
    pairs: list[tuple[str, str]] = []
    for name, value in dict(query).items():
        values = value if isinstance(value, list) else [value]
        pairs.extend((name, str(one)) for one in values)
    return pairs


_ACTIONS: dict[str, _Action] = {
    "create": FhirStep.create,
    "update": FhirStep.update,
    "delete": FhirStep.delete,
    "read": FhirStep.read,
    "search": FhirStep.search,
    "transaction": FhirStep.transaction,
}
