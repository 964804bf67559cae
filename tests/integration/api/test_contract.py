"""The OpenAPI document is a contract: whole, and kept by real answers of every operation."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from standardwebhooks.webhooks import Webhook
from tests.integration.api.ai_calls import conversed
from tests.integration.api.draft_calls import drafted
from tests.integration.api.evaluation_calls import evaluated
from tests.integration.api.learning_calls import learned

from careloom.api.app import build_app
from careloom.samples.demo import LETTER, demo_study
from careloom.samples.referral_pdf import digital_pdf

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

OPEN = {"live", "ready", "metrics"}
BY_LINK = {
    *("getForm", "fillForm", "draftForm", "calculateForm", "listFormOptions", "attachToForm"),
}
"""The token in the address is the credential."""
KEY_INSIDE = {"openBrowserSession"}
"""The body holds the credential."""
SIGNED = {"receiveWebhook"}
"""The signature is the credential."""
TAKES_A_BODY = {
    *(
        "putModel",
        "redactText",
        "deidentifyStudy",
        "createWorker",
        "updateWorker",
        "createSession",
        "sendMessage",
    ),
    *("submitToolOutputs", "putPolicy"),
    *("putGoldSet", "addGoldCases", "putEvaluationGates", "startEvaluation"),
    *("putTrainedModel", "trainModel"),
    *("putKnowledgeCollection", "putKnowledgeDocument"),
    *("putDriftSettings", "demoteModel", "liftDemotion"),
    *("createKey", "changePrincipal", "putRole", "snoozeTask", "claimNextTask"),
    "openBrowserSession",
    *("createDraft", "saveDraft", "nameDraftRevision", "restoreDraft", "publishDraft"),
    *("previewRun", "previewRuns"),
    *("testDraft", "tryStep", "outlineWorkflow", "describeWorkflow"),
    "createFhirStore",
    "updateFhirStore",
    "putDecisionTable",
    "putPipeline",
    "resubmitPipelineRejects",
    "createWorkflow",
    "updateWorkflow",
    "validateWorkflow",
    "executeWorkflow",
    "pollWork",
    "beatWork",
    "completeWork",
    "failWork",
    "sendEvent",
    "controlRuns",
    "retryRun",
    "resendDeadLetter",
    "discardDeadLetter",
    "rollbackWorkflow",
    "migrateRuns",
    "replayRuns",
    "decideTask",
    "assignTask",
    "delegateTask",
    "commentTask",
    "draftTask",
    "linkForm",
    "fillForm",
    "draftForm",
    "calculateForm",
    "calculateTask",
    "attachToForm",
    "attachToTask",
    "putQueue",
    "putGroup",
    "putCalendar",
    "putComponent",
    "putConnection",
    "putWebhookSecret",
    "receiveWebhook",
    "uploadFile",
    "putFile",
    "uploadReferral",
    "triageReferral",
}
NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
KPIS = [
    {"id": "time", "duration": {"to": "nap"}, "target": {"atMost": "1h"}},
    {"id": "share", "share": {"ran": "nap"}},
    {"id": "values", "values": {"output": "n", "among": [1]}},
    {"id": "sum", "sum": {"output": "n", "unit": "EUR"}},
]
FLOW: dict[str, Any] = {
    "id": "flow",
    "trigger": {"type": "fhir", "event": "Patient.create"},
    "steps": [
        {"id": "nap", "type": "wait", "duration": "1ms"},
        {"id": "fail", "type": "bot", "tool": "Webhook.send", "params": {"message": "x"}},
    ],
}
FORM: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [
        {"linkId": "agree", "type": "boolean", "required": True},
        {"linkId": "letter", "type": "attachment"},
        {
            "linkId": "sex",
            "type": "choice",
            "answerValueSet": "http://hl7.org/fhir/ValueSet/administrative-gender",
        },
    ],
}
ASK: dict[str, Any] = {
    "id": "ask",
    "steps": [{"id": "ask", "type": "task", "title": "Well?", "form": FORM}],
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_app(None).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def test_no_operation_leaves_out_what_it_takes_answers_or_who_may(
    document: dict[str, Any],
) -> None:
    assert document["components"]["securitySchemes"].keys() == {"bearer", "basic", "session"}
    for path, method, operation in operations(document):
        name, answers = operation["operationId"], operation["responses"]
        successes = [status for status in answers if status.startswith("2")]
        assert successes, name
        for status in successes:
            for media in answers[status]["content"].values():
                assert media["schema"], name
        assert ("requestBody" in operation) == (name in TAKES_A_BODY), f"{method} {path}"
        if name in OPEN:
            assert operation["security"] == []
            continue
        open_door = name in BY_LINK | SIGNED | KEY_INSIDE
        keys = [] if open_door else [{"bearer": []}, {"basic": []}, {"session": []}]
        assert operation["security"] == keys
        for status in ("401", "403", "422", "default"):
            schema = answers[status]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}, name


def test_every_schema_is_one_and_every_reference_leads_somewhere(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in str(document)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)))
    assert named == schemas.keys()


def _pattern(path: str) -> str:
    """The addresses of a path; the path of a step has slashes."""
    open_end = path.replace("/decisions/{run_id}/{path}", "/decisions/{run_id}/.+")
    return re.sub(r"\{\w+\}", "[^/]+", open_end)


class Witness:
    """Holds every answer of a client against the document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.seen: set[str] = set()
        self._document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource("urn:api", resource)

    async def __call__(self, answer: httpx.Response) -> None:
        await answer.aread()
        found = self._operation(answer.request)
        if found is None:
            return
        path, method, operation = found
        status = str(answer.status_code)
        status = status if status in operation["responses"] else "default"
        kind = answer.headers["content-type"].partition(";")[0]
        place = "/".join(
            part.replace("~", "~0").replace("/", "~1")
            for part in ("paths", path, method, "responses", status, "content", kind, "schema")
        )
        content = operation["responses"][status]["content"]
        assert kind in content or "*/*" in content, (path, status, kind)
        if kind == "application/json":
            schema = {"$ref": f"urn:api#/{place}"}
            check = Draft202012Validator(schema, registry=self._registry)
            faults = [
                f"{fault.json_path}: {fault.message}" for fault in check.iter_errors(answer.json())
            ]
            assert faults == [], (path, status, faults)
        if answer.is_success:
            self.seen.add(operation["operationId"])

    def _operation(self, request: httpx.Request) -> tuple[str, str, dict[str, Any]] | None:
        method = request.method.lower()
        ways = [
            (path, item[method])
            for path, item in self._document["paths"].items()
            if method in item and re.fullmatch(_pattern(path), request.url.path)
        ]
        # What is spelt out goes before what is left open: /workflows/runs before /workflows/{id}.
        ways.sort(key=lambda way: way[0].count("{"))
        return (ways[0][0], method, ways[0][1]) if ways else None


async def _definitions(desk: Desk) -> None:
    hook = {"kind": "webhook", "secret": {"url": "http://localhost:1/x"}}
    await desk.put("/api/connections/webhook", json=hook)
    await desk.get("/api/connections")
    await desk.post("/api/connections/webhook/test")
    await desk.get("/api/step-types")
    for path in ("schema", "graph"):
        await desk.get(f"/api/workflows/{path}")
    component = "/api/components/wait/nap"
    await desk.put(component, json={"duration": "1ms"})
    await desk.get("/api/components")
    await desk.get(component)
    await desk.client.delete(component)
    await desk.post("/api/workflows/validate", FLOW)
    await desk.deployed(FLOW)
    await desk.deploy(FLOW)
    await desk.deployed(ASK)
    await desk.put("/api/workflows/flow", json={**FLOW, "name": "Flow again"})
    for verb in ("pause", "resume"):
        await desk.post(f"/api/workflows/flow/{verb}")
    await desk.get("/api/workflows")
    await desk.get("/api/workflows/flow")


async def _runs(desk: Desk) -> None:
    run = await desk.execute("flow", {"word": "x"})
    await desk.get("/api/workflows/runs")
    await desk.post("/api/events/sample-arrived", {"key": "order-7", "data": {"tube": "A"}})
    for form in ("application/json", "text/csv", "application/x-ndjson", "application/fhir+json"):
        await desk.get(f"/api/workflows/runs/{run['runId']}/audit", headers={"Accept": form})
    await desk.get(f"/api/sessions/{run['sessionId']}")
    for _ in range(2):
        started = (await desk.post("/api/workflows/ask/execute", {})).json()["data"]["runId"]
        await desk.reached(started, lambda run: run["status"] == "waiting")
    await desk.post(f"/api/workflows/runs/{started}/cancel")
    await desk.ended(started)
    task = next(one for one in await desk.data("/api/tasks") if one["status"] == "requested")
    await desk.get(f"/api/tasks/{task['id']}")
    await _people(desk, f"/api/tasks/{task['id']}")


async def _operators(desk: Desk) -> None:
    broken = {"id": "gone", "type": "fhir", "action": "read", "resourceId": "absent"}
    await desk.deployed({"id": "fails", "steps": [{**broken, "resourceType": "Patient"}]})
    first, second = [(await desk.execute("fails", {}))["runId"] for _ in range(2)]
    runs = "/api/workflows/runs"
    again = (await desk.post(f"{runs}/{first}/retry", {})).json()["data"]["runId"]
    await desk.ended(again)
    await desk.get(f"{runs}/{first}/timeline")
    await desk.get(f"{runs}?gantt=true")
    await desk.get("/api/analytics/runs")
    await desk.deployed({"id": "measured", "steps": [NAP], "output": {"n": 1}, "kpis": KPIS})
    await desk.execute("measured", {})
    await desk.get("/api/workflows/measured/kpis")
    for action in ("retry", "replay", "rollback"):
        await desk.post(f"{runs}/{second}/preview", {"action": action})
    await desk.post(f"{runs}/preview", {"action": "retry", "runIds": [first, second]})
    await desk.post(f"{runs}/bulk", {"action": "retry", "runIds": [second]})
    letters = "/api/workflows/dead-letters"
    await desk.get(letters)
    await desk.get(f"{letters}/{again}")
    await desk.post(f"{letters}/{again}/discard", {"reason": "known"})
    third = (await desk.execute("fails", {}))["runId"]
    await desk.post(f"{letters}/{third}/resend", {})
    started = (await desk.post("/api/workflows/ask/execute", {})).json()["data"]["runId"]
    await desk.reached(started, lambda run: run["status"] == "waiting")
    for verb in ("pause", "resume", "rollback"):
        await desk.post(f"{runs}/{started}/{verb}")
    await desk.ended(started)
    flow = "/api/workflows/flow"
    for place in ("versions", "versions/1", "diff"):
        await desk.get(f"{flow}/{place}")
    await desk.post(f"{flow}/rollback", {"version": 1})
    await desk.post(f"{flow}/migrate", {"from": 1, "to": 2})
    replay = (await desk.post(f"{flow}/replay", {"last": 5})).json()["data"]["replayId"]
    await desk.get(f"/api/workflows/replays/{replay}")
    await desk.post(f"/api/workflows/replays/{replay}/cancel")


async def _people(desk: Desk, address: str) -> None:
    calendar = {"timezone": "Europe/Berlin", "hours": {"mon": ["08:00-17:00"]}}
    await desk.put("/api/queues/default", json={"name": "Everybody", "candidates": ["role:admin"]})
    await desk.put("/api/groups/team", json={"members": ["ada"]})
    await desk.put("/api/calendars/clinic", json=calendar)
    for place in ("queues", "groups", "calendars", "calendars/clinic", "tasks/counts"):
        await desk.get(f"/api/{place}")
    await desk.post(f"{address}/snooze", {"until": None})
    await desk.post("/api/tasks/next", {"queue": "absent"})
    await desk.post(f"{address}/claim")
    await desk.put(f"{address}/draft", json={"data": {"agree": True}})
    await desk.post(f"{address}/comments", {"text": "Looks right"})
    await desk.post(f"{address}/delegate", {"to": {"group": "team"}, "comment": "Yours"})
    await desk.post(f"{address}/assign", {"to": {"queue": "default"}})
    await desk.post(f"{address}/claim")
    await desk.post(f"{address}/release")
    link = (await desk.post(f"{address}/link", {})).json()["data"]
    gender = f"options?valueSet={FORM['item'][2]['answerValueSet']}"
    for place in (f"/api/forms/{link['token']}", address):
        await desk.post(f"{place}/calculate", {"data": {"agree": True}})
        await desk.get(f"{place}/{gender}")
        letter = await desk.client.post(
            f"{place}/attachments?question=letter&name=a.pdf", content=digital_pdf("A letter")
        )
    await desk.get(letter.json()["data"]["url"])
    await desk.get(f"{address}/form")
    await desk.put(f"/api/forms/{link['token']}/draft", json={"data": {"agree": True}})
    await desk.get(f"/api/forms/{link['token']}")
    await desk.post(f"/api/forms/{link['token']}", {"data": {"agree": True}})
    await desk.get(f"{address}/history")
    await desk.get(address)
    await desk.deployed({"id": "plain", "steps": [{"id": "ask", "type": "task", "title": "?"}]})
    started = (await desk.post("/api/workflows/plain/execute", {})).json()["data"]["runId"]
    await desk.reached(started, lambda run: run["status"] == "waiting")
    [task] = await desk.data("/api/tasks?status=open")
    await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})


async def _files(desk: Desk) -> None:
    letter = digital_pdf(LETTER)
    await desk.put("/api/files/uploads/a.dcm", content=demo_study())
    await desk.get("/api/image-explanations?uri=dicom://uploads/a.dcm")
    described = await desk.services.dicom.describe(desk.scope, "dicom://uploads/a.dcm")
    order = {"studyInstanceUid": described["studyInstanceUid"], "options": {"safePrivate": True}}
    begun = (await desk.post("/api/deidentifications", order)).json()["data"]
    copies = f"/api/deidentifications/{begun['deidentificationId']}"
    await desk.post(f"{copies}/cancel")
    for path in (copies, f"{copies}/content", "/api/deidentifications"):
        await desk.get(path)
    await desk.get("/api/evaluations")
    for path in ("/api/files", "/upload-referral/", "/triage-referral/"):
        answer = await desk.client.post(path, files={"file": ("a.pdf", letter)})
    await desk.put("/api/files/letters/b.pdf", content=letter)
    await desk.get("/api/files/letters/b.pdf")
    await desk.get(f"/referrals/{answer.json()['referral_id']}")
    await desk.get("/api/messages")
    effect = {"op": "incident.open", "kind": "test.kind", "cause": "the same"}
    actor = {"principal": "tester", "kind": "system"}
    scope = desk.scope
    commit = ("effect_commit", scope.tenant, scope.store, [effect], [], actor)
    await desk.services.db.call(*commit)
    incident = await desk.incident("test.kind")
    await desk.post(f"/api/incidents/{incident['id']}/close")


async def _refusals(desk: Desk) -> None:
    await desk.get("/api/workflows/absent")
    await desk.get("/api/tasks?status=open")
    await desk.post("/api/workflows", {"id": "bad", "steps": [{"id": "a", "type": "absent"}]})
    await desk.client.post("/api/workflows", content=b"x", headers={"Content-Type": "text/plain"})
    await desk.client.get("/api/tasks", headers={"Authorization": "Bearer nobody"})


async def _triggers(desk: Desk) -> None:
    """Schedules and webhooks."""
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    timed = {"type": "schedule", "cron": "0 0 1 1 *"}
    hook = {"type": "webhook", "path": "orders", "secret": "shop"}
    await desk.deployed({"id": "by-itself", "triggers": [timed, hook], "steps": [nap]})
    answer = await desk.put("/api/webhooks/secrets/shop", json={"keepPreviousFor": 60})
    secret = answer.json()["data"]["secret"]
    endpoint = (await desk.get("/api/webhooks")).json()["data"]["endpoint"]
    now, body = datetime.now(UTC), '{"n": 1}'
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body),
    }
    path = f"/hooks/{endpoint}/orders"
    taken = await desk.client.post(path, content=body, headers=headers)
    assert taken.status_code == 202
    assert (await desk.client.post(path, content=body)).status_code == 401
    await desk.get("/api/schedules")


async def _work(desk: Desk) -> None:
    """External work, one piece done and one failed."""
    step = {"id": "do", "type": "external", "queue": "robot", "input": {"n": 1}}
    await desk.deployed({"id": "robot-work", "steps": [step]})
    for verb, body in (("complete", {"result": 1}), ("fail", {"code": "no", "message": "not"})):
        run = (await desk.post("/api/workflows/robot-work/execute", {})).json()["data"]["runId"]
        answer = await desk.post("/api/work/robot/poll", {"max": 1, "wait": 20})
        [work] = answer.json()["data"]
        await desk.get("/api/work?queue=robot")
        await desk.post(f"/api/work/{work['id']}/beat", {"token": work["token"]})
        await desk.post(f"/api/work/{work['id']}/{verb}", {"token": work["token"], **body})
        await desk.ended(run)


async def _computing(desk: Desk) -> None:
    """Decision tables and pipelines."""
    row = {"when": {"age": "[0..120]"}, "then": {"copay": 5}}
    age = {"field": "age", "type": "integer", "min": 0, "max": 120}
    table = {"inputs": [age], "outputs": ["copay"], "rows": [row]}
    await desk.put("/api/decision-tables/copay", json=table)
    await desk.get("/api/decision-tables")
    await desk.get("/api/decision-tables/copay")
    resource = {"resourceType": "Patient", "gender": "{{item.gender}}"}
    match = "identifier=urn:mrn|{{item.mrn}}"
    source = {"type": "csv", "files": "file://emr/*.csv"}
    pipeline = {"source": source, "maps": [{"resource": resource, "match": match}]}
    await desk.put("/api/pipelines/emr", json=pipeline)
    await desk.put("/api/files/emr/1.csv", content=b"mrn,gender\n1,male\n2,nothing\n")
    await desk.deployed(
        {"id": "sync", "steps": [{"id": "sync", "type": "pipeline", "pipeline": "emr"}]}
    )
    await desk.execute("sync", {})
    await desk.get("/api/pipelines")
    await desk.get("/api/pipelines/emr")
    answer = await desk.get("/api/pipelines/emr/rejects")
    [reject] = answer.json()["data"]
    await desk.post("/api/pipelines/emr/rejects", {"rows": [{"id": reject["id"]}]})


async def _stores(desk: Desk) -> None:
    made = await desk.post("/api/fhirserver/create", {"name": "one", "description": "first"})
    address = f"/api/fhirserver/{made.json()['data']['id']}"
    await desk.get("/api/fhirserver/list")
    await desk.get(address)
    await desk.client.patch(address, json={"description": None})
    await desk.post(f"{address}/key")
    await desk.client.delete(address)


async def _keys(desk: Desk) -> None:
    given = {"principal": "ada", "name": "Ada", "roles": ["viewer"], "kind": "user"}
    key = (await desk.post("/api/keys", given)).json()["data"]
    await desk.put("/api/roles/registrar", json={"grants": ["fhir:read/Patient"]})
    await desk.client.patch("/api/principals/ada", json={"roles": ["registrar"]})
    for place in ("keys", "principals", "roles"):
        await desk.get(f"/api/{place}")
    await desk.client.delete(f"/api/keys/{key['id']}")


async def _sessions(desk: Desk, witness: Witness) -> None:
    """Browsers that sign in and out, as at the address of the machine itself."""
    at = "http://localhost"
    transport = desk.client._transport
    hooks = {"response": [witness]}
    async with httpx.AsyncClient(transport=transport, base_url=at, event_hooks=hooks) as browser:
        for _ in range(2):
            answer = await browser.post("/api/browser-session", json={"key": desk.key})
        browser.headers["X-CSRF-Token"] = answer.json()["data"]["csrf"]
        me = (await browser.get("/api/me")).json()["data"]
        await browser.get("/api/browser-sessions")
        await browser.delete("/api/browser-sessions")
        await browser.delete(f"/api/browser-sessions/{me['session']['id']}")
        answer = await browser.post("/api/browser-session", json={"key": desk.key})
        browser.headers["X-CSRF-Token"] = answer.json()["data"]["csrf"]
        await browser.delete("/api/browser-session")


async def test_real_answers_of_every_operation_are_as_described(
    desk: Desk, document: dict[str, Any]
) -> None:
    witness = Witness(document)
    desk.client.event_hooks["response"].append(witness)
    streamed = "/api/stream?topics=runs&seconds=0"
    for path in ("/health/live", "/health/ready", "/metrics", streamed):
        await desk.get(path)
    await _definitions(desk)
    await _runs(desk)
    await _operators(desk)
    await _files(desk)
    await _triggers(desk)
    await _computing(desk)
    await _work(desk)
    await _stores(desk)
    await _keys(desk)
    await _sessions(desk, witness)
    await drafted(desk)
    await conversed(desk)
    await evaluated(desk)
    await learned(desk)
    await _refusals(desk)
    assert witness.seen == {operation["operationId"] for _, _, operation in operations(document)}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"success": True, "data": [{"id": "x"}]}),
        (200, {"success": True, "data": [], "more": 1}),
        (404, {"success": False, "message": "m", "data": None, "error": {"code": "c"}}),
    ],
)
async def test_an_answer_that_is_not_as_described_would_be_noticed(
    document: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    request = httpx.Request("GET", "http://careloom.test/api/incidents")
    with pytest.raises(AssertionError, match=r"data|more|details"):
        await Witness(document)(httpx.Response(status, json=body, request=request))
    right = {"success": True, "data": []}
    await Witness(document)(httpx.Response(200, json=right, request=request))
