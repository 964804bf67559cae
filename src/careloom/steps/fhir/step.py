"""`fhir`: an interaction with the run's own FHIR store, exactly once per completed step, or with
another server, through a connection.

Writes are planned here and committed by the engine together with the journal row. A write that is
fed by an AI step also leaves a Provenance that names the model. A rollback puts back what was.
https://hl7.org/fhir/R4/http.html, https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from careloom.connections.registry import Connections
from careloom.fhir.issue import outcome_or_success
from careloom.fhir.planned import Planned
from careloom.fhir.store import FhirStore
from careloom.fhir.validation import validate
from careloom.steps.fhir.batch import planned_batch
from careloom.steps.fhir.elsewhere import FindStore, commit_there, in_store, results_of
from careloom.steps.fhir.parameters import query_of, required_target, written_resource
from careloom.steps.fhir.references import collapse_references
from careloom.steps.fhir.remote import RemoteServer
from careloom.steps.fhir.undo import undoing
from careloom.steps.http.privacy import outgoing_notes
from careloom.steps.http.promise import in_turn
from careloom.steps.schema import load_schema
from careloom.store.effect import Effect
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult
from careloom.workflows.triggers import patient_of
from careloom.workflows.verification.writes import FINAL

_Action = Callable[["FhirStep", StepCall], Awaitable[StepResult]]


MOST_FOUND = 10_000
"""Resources that one search hands back, however large its `limit`."""


class FhirStep:
    """Every interaction with our store, or with `server`."""

    type = "fhir"

    def __init__(
        self, store: FhirStore, connections: Connections, find_store: FindStore | None = None
    ) -> None:
        """`find_store` finds the tenant's other stores; without it there are none."""
        self._store = store
        self._connections = connections
        self._find_store = find_store

    @property
    def schema(self) -> JsonObject:
        return load_schema("fhir")

    async def execute(self, call: StepCall) -> StepResult:
        action = _ACTIONS.get(call.input.get("action", ""))
        if action is None:
            raise StepError(f"The action is none of {', '.join(_ACTIONS)}", code="unknown_action")
        if call.input.get("store") is not None:
            return await self._in_store(call)
        if call.input.get("server") is not None:
            return await in_turn(call, self._elsewhere(call))
        result = await action(self, call)
        if call.patient is None:
            result.patient = _patient(call.input["action"], result.output)
        return result

    async def undo(self, call: StepCall, output: JsonObject) -> StepResult | None:
        """Every resource that the step wrote goes back to what it was before it."""
        if call.input.get("store") is not None:
            return await self._undo_in_store(call, output)
        if call.input.get("server") is not None:
            peer = await self._connections.http(call.scope, call.input["server"], "fhir")
            undone = await RemoteServer(peer, call).undo(output)
            return StepResult(output={"reference": output.get("reference")}) if undone else None
        results = (call.done or {}).get("effect") or []
        effect = await undoing(self._store, call, results)
        if effect is None:
            return None
        return StepResult(output={"reference": output.get("reference")}, effect=effect)

    async def _in_store(self, call: StepCall) -> StepResult:
        """The action in another store of the tenant: committed there, then in the journal here."""
        there, asked = await self._there(call)
        inner = FhirStep(there, self._connections)
        return await commit_there(there, asked, lambda: inner.execute(asked))

    async def _undo_in_store(self, call: StepCall, output: JsonObject) -> StepResult | None:
        there, asked = await self._there(call)
        results = await results_of(there, asked, (call.done or {})["key"])

        async def act() -> StepResult:
            effect = await undoing(there, asked, results)
            found = {"reference": output.get("reference")}
            return StepResult(output=found, effect=effect or Effect())

        undone = await commit_there(there, asked, act)
        return undone if results else None

    async def _there(self, call: StepCall) -> tuple[FhirStore, StepCall]:
        if "server" in call.input or self._find_store is None:
            raise StepError("A step uses a `store` of the tenant or a `server`", code="no_store")
        call.require("store:use")
        asked = in_store(call)
        return await self._find_store(asked.scope), asked

    async def _elsewhere(self, call: StepCall) -> StepResult:
        """The action on another server, whose data is not the store's: no permission of the store
        is asked, and no patient of the run is learned."""
        if call.ai_fed and call.input["action"] in ("create", "update", "transaction", "batch"):
            _refuse_final(call, _resources_in(call.input.get("data")))
        peer = await self._connections.http(call.scope, call.input["server"], "fhir")
        sent = {key: value for key, value in call.input.items() if key != "server"}
        notes = await outgoing_notes(
            self._store, call, orjson.dumps(sent).decode(), cleared=peer.phi, where="data"
        )
        output = await RemoteServer(peer, call).perform()
        main = output.get("resources", output.get("resource"))
        result = _output(call, output, main)
        result.notes += notes
        sent_final = any(_is_unreviewed(call, one) for one in _resources_in(call.input.get("data")))
        result.notes += [_final_note(call)] if sent_final else []
        result.messages.append(
            {"role": "tool", "content": f"{call.input['action']} at {call.input['server']}"}
        )
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
        bundle = await self._store.search(
            call.scope, type_, [*query_of(condition), ("_count", "2")]
        )
        found = [entry["resource"] for entry in bundle.get("entry", ())]
        return found[0] if len(found) == 1 else None

    async def update(self, call: StepCall) -> StepResult:
        resource, notes = _resource(call)
        call.require("fhir:write", resource["resourceType"])
        if "resourceId" in call.input:
            given = str(call.input["resourceId"])
            resource["id"] = given.removeprefix(f"{resource['resourceType']}/")
        planned = await self._store.plan_update(
            call.scope, resource, if_match=_version(call), criteria=call.input.get("criteria")
        )
        return await self._written(call, planned, notes)

    async def patch(self, call: StepCall) -> StepResult:
        type_, criteria = str(call.input.get("resourceType")), call.input.get("criteria")
        call.require("fhir:write", type_)
        call.require("fhir:read", type_)
        id_ = None if criteria is not None else required_target(call)[1]
        planned = await self._store.plan_patch(
            call.scope,
            type_,
            id_,
            call.input.get("patch"),
            if_match=_version(call),
            criteria=criteria,
        )
        _refuse_final(call, planned.resources)
        return await self._written(call, planned, [])

    async def delete(self, call: StepCall) -> StepResult:
        type_, criteria = str(call.input.get("resourceType")), call.input.get("criteria")
        call.require("fhir:write", type_)
        if criteria is not None:
            planned = await self._store.plan_conditional_delete(call.scope, type_, criteria)
            ids = [op["id"] for op in planned.effect.ops if op["op"] == "fhir.delete"]
            found = f"{type_}/{ids[0]}" if ids else None
            return StepResult(output={"reference": found}, effect=planned.effect)
        type_, id_ = required_target(call)
        planned = await self._store.plan_delete(call.scope, type_, id_, if_match=_version(call))
        return StepResult(output={"reference": f"{type_}/{id_}"}, effect=planned.effect)

    async def read(self, call: StepCall) -> StepResult:
        type_, id_ = required_target(call)
        call.require("fhir:read", type_)
        version = call.input.get("version")
        if call.input["action"] == "vread" and version is None:
            raise StepError("A vread needs `version`", code="no_version")
        if version is None:
            resource = await self._store.read(call.scope, type_, id_)
        else:
            resource = await self._store.vread(call.scope, type_, id_, str(version))
        return _output(call, {"resource": resource, "reference": f"{type_}/{id_}"}, resource)

    async def search(self, call: StepCall) -> StepResult:
        type_ = str(call.input.get("resourceType"))
        call.require("fhir:read", type_)
        query = query_of(call.input.get("query", {}))
        limit = call.input.get("limit")
        if limit is not None and not any(name == "_count" for name, _ in query):
            query.append(("_count", str(min(int(limit), 500))))
        bundle = page = await self._page(call, type_, query)
        resources = _matched(page)
        most = len(resources) if limit is None else min(int(limit), MOST_FOUND)
        while (following := _next_query(page)) is not None and len(resources) < most:
            page = await self._page(call, type_, following)
            resources += _matched(page)
            await call.beat()
        complete = following is None and len(resources) <= most
        output = {
            "bundle": bundle,
            "resources": resources[:most],
            "count": len(resources[:most]),
            "complete": complete,
        }
        return _output(call, output, output["resources"])

    async def _page(self, call: StepCall, type_: str, query: list[tuple[str, str]]) -> JsonObject:
        bundle = await self._store.search(call.scope, type_, query)
        types = {entry["resource"]["resourceType"] for entry in bundle.get("entry", ())}
        for included in types - {"OperationOutcome"}:
            call.require("fhir:read", included)
        return bundle

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

    async def batch(self, call: StepCall) -> StepResult:
        data = call.input.get("data")
        if not isinstance(data, dict):
            raise StepError("`data` must be a batch Bundle", code="not_a_bundle")
        bundle, notes = collapse_references({"resourceType": "Bundle", **data, "type": "batch"})
        _require_entries(call, bundle)
        planned, responses = await planned_batch(self._store, call.scope, bundle)
        _refuse_final(call, planned.resources)
        references = [_reference(resource) for resource in planned.resources]
        output: JsonObject = {"references": references, "responses": responses}
        result = StepResult(output=output, effect=planned.effect, notes=notes)
        await self._name_the_model(call, planned.resources, result)
        return result

    async def operation(self, call: StepCall) -> StepResult:
        if call.input.get("operation") != "$validate":
            raise StepError(
                "The store serves $validate; name a `server` for another", code="no_operation"
            )
        resource, _ = written_resource(call)
        issues = validate(resource)
        return _output(call, {"resource": outcome_or_success(issues)}, outcome_or_success(issues))

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
    resource, notes = written_resource(call)
    _refuse_final(call, [resource])
    return resource, notes


def _resources_in(data: Any) -> list[JsonObject]:
    """The resource that is sent, or those in the Bundle."""
    if not isinstance(data, dict):
        return []
    entries = data.get("entry", ())
    inside = [entry.get("resource") for entry in entries if isinstance(entry, dict)]
    return [data, *(one for one in inside if isinstance(one, dict))]


def _version(call: StepCall) -> int | None:
    version = call.input.get("ifMatch")
    if version is None:
        return None
    text = str(version).removeprefix("W/").strip('"')
    if not text.isdecimal():
        raise StepError("`ifMatch` is a version, such as 3", code="if_match")
    return min(int(text), 2**31 - 1)


def _matched(bundle: JsonObject) -> list[JsonObject]:
    return [
        entry["resource"]
        for entry in bundle.get("entry", ())
        if entry.get("search", {}).get("mode") == "match"
    ]


def _next_query(bundle: JsonObject) -> list[tuple[str, str]] | None:
    """The query of the next page, None on the last one."""
    for link in bundle.get("link", ()):
        if link["relation"] == "next":
            return parse_qsl(urlsplit(link["url"]).query, keep_blank_values=True)
    return None


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
    if action in ("read", "vread"):
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


_ACTIONS: dict[str, _Action] = {
    "create": FhirStep.create,
    "update": FhirStep.update,
    "patch": FhirStep.patch,
    "delete": FhirStep.delete,
    "read": FhirStep.read,
    "vread": FhirStep.read,
    "search": FhirStep.search,
    "transaction": FhirStep.transaction,
    "batch": FhirStep.batch,
    "operation": FhirStep.operation,
}
