"""Who may come in, what is turned away at the door, and in which words."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from careloom.audit.trail import Selection
from careloom.identity.refusals import Refusal

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

FLOW: dict[str, Any] = {
    "id": "flow",
    "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
    "output": {"said": "{{trigger.word}}"},
}
OPEN = {"/health/live", "/health/ready", "/metrics"}
PROVEN_OTHERWISE = {
    "/hooks/{endpoint}/{path}",
    *(f"/api/forms/{{token}}{below}" for below in ("", "/draft", "/calculate")),
    *(f"/api/forms/{{token}}/{below}" for below in ("options", "attachments")),
}
"""Where a signature, or a link that cannot be guessed, stands for the key."""
BESIDE = [("GET", "/fhir/Patient"), ("POST", "/fhir"), ("GET", "/dicomweb/studies")]
"""What is served beside the described API, in formats of its own."""


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of an answer in the envelope."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["success"] is False
    assert body["data"] is None
    assert body["message"]
    assert body["error"]["code"] == code, body
    assert "details" in body["error"]
    return dict(body["error"])


async def test_nothing_answers_without_a_key(house: House) -> None:
    client = await house.client()
    described = [
        (verb.upper(), re.sub(r"\{\w+\}", "0", path))
        for path, verbs in house.app.openapi()["paths"].items()
        for verb in verbs
        if path not in OPEN | PROVEN_OTHERWISE
    ]
    assert len(described) > 20
    for method, path in (*described, *BESIDE):
        answer = await client.request(method, path, json={})
        assert answer.status_code == 401, f"{method} {path}: {answer.text}"
        assert "Bearer" in answer.headers["www-authenticate"]
        assert "Basic" in answer.headers["www-authenticate"]


async def test_the_refusal_without_a_key_is_in_the_envelope(house: House, desk: Desk) -> None:
    stranger = await house.client()
    error = refused(await stranger.get("/api/workflows"), 401, "unauthenticated")
    assert "Bearer" in error["fix"]
    broken = await house.client(desk.key[:-2] + "xx")
    refused(await broken.get("/api/workflows"), 401, "unauthenticated")


async def test_a_viewer_reads_and_neither_deploys_nor_executes(house: House, desk: Desk) -> None:
    await desk.deployed(FLOW)
    viewer = await house.desk("viewer", scope=desk.scope)
    assert [flow["id"] for flow in await viewer.data("/api/workflows")] == ["flow"]
    refused(await viewer.deploy({**FLOW, "id": "other"}), 403, "insufficient_permissions")
    answer = await viewer.post("/api/workflows/flow/execute", {"word": "x"})
    error = refused(answer, 403, "insufficient_permissions")
    assert error["details"]["permission"] == "workflow:run"
    answer = await viewer.put("/api/connections/slack", json={"kind": "slack"})
    refused(answer, 403, "insufficient_permissions")
    assert await desk.data("/api/workflows/runs") == []


async def test_an_auditor_sees_that_there_was_a_run_and_not_what_it_carried(
    house: House, desk: Desk
) -> None:
    await desk.deployed(FLOW)
    run = await desk.execute("flow", {"word": "Brightwater"})
    auditor = await house.desk("auditor", scope=desk.scope)
    for path in (
        f"/api/workflows/runs/{run['runId']}",
        f"/api/sessions/{run['sessionId']}",
        "/api/messages",
        "/api/tasks",
    ):
        refused(await auditor.get(path), 403, "insufficient_permissions")
    for path in ("/api/workflows/runs", f"/api/workflows/runs/{run['runId']}/audit"):
        answer = await auditor.get(path)
        assert answer.status_code == 200, answer.text
        assert run["runId"].removeprefix("run_")[:8] in answer.text
        assert "Brightwater" not in answer.text


async def test_a_refusal_for_want_of_a_grant_is_in_the_audit_trail(
    house: House, desk: Desk
) -> None:
    viewer = await house.desk("viewer", scope=desk.scope)
    await viewer.deploy(FLOW)
    chosen = Selection(entity="Permission/workflow:deploy")
    await desk.services.identity.refusals.flush(everything=True)
    [row] = await desk.services.trail.page(desk.scope.tenant, chosen)
    assert row.values["action"] == "identity.denied"
    assert row.values["actor"]["principal"].startswith("viewer")


async def test_refusals_that_are_written_by_two_at_once_are_written_once(desk: Desk) -> None:
    refusals = desk.services.identity.refusals
    kinds = [f"Permission/{name}" for name in "abcd"]
    for entity in kinds:
        refusals.add(Refusal(desk.scope, "identity.denied", entity, "x", "service", "no_grant"))
    await asyncio.gather(*(refusals.flush(everything=True) for _ in range(3)))
    for entity in kinds:
        rows = await desk.services.trail.page(desk.scope.tenant, Selection(entity=entity))
        assert [row.values["detail"]["times"] for row in rows] == [1]


async def test_another_tenant_sees_nothing(house: House, desk: Desk) -> None:
    await desk.deployed(FLOW)
    run = await desk.execute("flow", {"word": "mine"})
    stranger = await house.desk()
    assert await stranger.data("/api/workflows") == []
    assert await stranger.data("/api/workflows/runs") == []
    refused(await stranger.get("/api/workflows/flow"), 404, "workflow_not_found")
    refused(await stranger.post("/api/workflows/flow/execute", {}), 404, "workflow_not_found")
    for path in (f"runs/{run['runId']}", f"runs/{run['runId']}/audit"):
        refused(await stranger.get(f"/api/workflows/{path}"), 404, "run_not_found")
    answer = await stranger.post(f"/api/workflows/runs/{run['runId']}/cancel")
    refused(answer, 404, "run_not_found")
    refused(await stranger.get(f"/api/sessions/{run['sessionId']}"), 404, "run_not_found")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/workflows/absent", "workflow_not_found"),
        ("/api/workflows/runs/run_absent", "run_not_found"),
        ("/api/workflows/runs/run_" + "0" * 32, "run_not_found"),
        ("/api/sessions/ses_x", "run_not_found"),
        ("/api/tasks/absent", "task_not_found"),
        ("/referrals/absent", "referral_not_found"),
        ("/referrals/00000000-0000-0000-0000-000000000000", "referral_not_found"),
        ("/api/nothing/here", "not_found"),
    ],
)
async def test_what_is_not_there_is_said_in_the_envelope(desk: Desk, path: str, code: str) -> None:
    refused(await desk.get(path), 404, code)


async def test_a_wrong_method_is_said_in_the_envelope(desk: Desk) -> None:
    refused(await desk.client.delete("/api/workflows"), 405, "method_not_allowed")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=many"])
async def test_a_wrong_parameter_is_said_in_the_envelope(desk: Desk, query: str) -> None:
    error = refused(await desk.get(f"/api/workflows/runs?{query}"), 422, "invalid_request")
    assert error["path"] == "/limit"
    answer = await desk.client.post("/api/workflows?mode=lenient", json=FLOW)
    assert refused(answer, 422, "invalid_request")["path"] == "/mode"


@pytest.mark.parametrize(
    ("query", "path", "named"),
    [
        ("workflows/runs?before=zzz", "/before", "run_"),
        ("workflows/runs?before=run_" + "0" * 31, "/before", "run_"),
        ("workflows/runs?status=done", "/status", "'succeeded'"),
        ("tasks?status=done", "/status", "'requested'"),
    ],
)
async def test_what_cannot_be_looked_for_is_refused(
    desk: Desk, query: str, path: str, named: str
) -> None:
    error = refused(await desk.get(f"/api/{query}"), 422, "invalid_request")
    assert error["path"] == path
    assert named in error["details"]


async def test_runs_are_looked_for_by_status_and_age(desk: Desk) -> None:
    await desk.deployed(FLOW)
    first = (await desk.execute("flow", {"word": "a"}))["runId"]
    second = (await desk.execute("flow", {"word": "b"}))["runId"]
    older = await desk.data(f"/api/workflows/runs?status=succeeded&before={second}")
    assert [run["runId"] for run in older] == [first]
    assert await desk.data("/api/workflows/runs?status=failed") == []
    assert await desk.data("/api/tasks?status=completed") == []


async def test_a_body_that_is_no_json_is_refused_with_its_place(desk: Desk) -> None:
    await desk.deployed(FLOW)
    headers = {"Content-Type": "application/json"}
    for address in ("/api/workflows", "/api/workflows/flow/execute", "/api/workflows/validate"):
        answer = await desk.client.post(address, content=b'{"word": ', headers=headers)
        assert "line 1" in refused(answer, 400, "invalid_input")["details"]
        answer = await desk.client.post(address, content=b"[1]", headers=headers)
        refused(answer, 400, "invalid_input")
    answer = await desk.client.put("/api/connections/a", content=b"[", headers=headers)
    refused(answer, 400, "invalid_input")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png", ""])
async def test_a_body_of_another_type_is_refused(desk: Desk, kind: str) -> None:
    """Not even the types that a form on a foreign page could send."""
    await desk.deployed(FLOW)
    for address in ("/api/workflows", "/api/workflows/validate", "/api/workflows/flow/execute"):
        answer = await desk.client.post(
            address, content=b'{"word": "x"}', headers={"Content-Type": kind}
        )
        assert "application/json" in refused(answer, 415, "unsupported_media_type")["fix"]
    form = await desk.client.post("/api/workflows/flow/execute", data={"word": "x"})
    refused(form, 415, "unsupported_media_type")
    assert await desk.data("/api/workflows/runs") == []


async def test_bytes_that_are_no_text_are_refused(desk: Desk) -> None:
    headers = {"Content-Type": "application/yaml"}
    answer = await desk.client.post("/api/workflows", content=b"\xff\xfe\x00", headers=headers)
    refused(answer, 400, "invalid_input")


async def test_a_huge_body_is_refused_before_it_is_read_whole(desk: Desk) -> None:
    await desk.deployed(FLOW)
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 64 << 20:
            sent += 1 << 16
            yield b" " * (1 << 16)

    for address in ("/api/workflows", "/api/workflows/flow/execute"):
        sent = 0
        answer = await desk.client.post(
            address, content=endless(), headers={"Content-Type": "application/json"}
        )
        refused(answer, 413, "too_large")
    answer = await desk.put("/api/files/uploads/big.bin", content=endless())
    refused(answer, 413, "too_large")


class Form:
    """A form of many megabytes, sent in chunks without a length; `sent` bytes were asked for."""

    def __init__(self) -> None:
        self.sent = 0
        self.headers = {"Content-Type": "multipart/form-data; boundary=x"}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        while self.sent < 64 << 20:
            self.sent += 1 << 16
            yield b"%PDF" + b" " * ((1 << 16) - 4)
        yield b"\r\n--x--\r\n"


async def test_a_form_without_a_length_is_refused_before_it_is_read_whole(desk: Desk) -> None:
    for address in ("/api/files", "/upload-referral/", "/triage-referral/"):
        form = Form()
        answer = await desk.client.post(address, content=aiter(form), headers=form.headers)
        refused(answer, 413, "too_large")
        assert form.sent <= 9 << 20, address


async def test_who_may_hand_nothing_in_is_refused_before_a_byte_is_read(
    house: House, desk: Desk
) -> None:
    for role in ("viewer", "auditor"):
        client = (await house.desk(role, scope=desk.scope)).client
        for method, address in (
            ("POST", "/api/files"),
            ("PUT", "/api/files/uploads/a.dcm"),
            ("POST", "/upload-referral/"),
            ("POST", "/triage-referral/"),
        ):
            form = Form()
            answer = await client.request(
                method, address, content=aiter(form), headers=form.headers
            )
            error = refused(answer, 403, "insufficient_permissions")
            assert error["details"]["permission"] == "document:write"
            assert form.sent == 0


async def test_a_json_body_is_refused_where_a_form_is_needed(desk: Desk) -> None:
    for address in ("/api/files", "/upload-referral/", "/triage-referral/"):
        answer = await desk.post(address, {"file": "x"})
        refused(answer, 400, "invalid_input")
        answer = await desk.client.post(address, files={"other": ("a.pdf", b"%PDF-1.7")})
        refused(answer, 400, "invalid_input")


async def test_a_form_that_breaks_its_limits_is_refused(desk: Desk) -> None:
    big = b"%PDF-1.7 " + b"x" * (9 << 20)
    answer = await desk.client.post("/api/files", files={"file": ("a.pdf", big)})
    refused(answer, 413, "too_large")
    two = [("file", ("a.pdf", b"%PDF-1.7")), ("file", ("b.pdf", b"%PDF-1.7"))]
    refused(await desk.client.post("/api/files", files=two), 400, "http_error")
    refused(await desk.client.post("/api/files", files={"file": ("a", b"")}), 400, "empty_file")
    refused(await desk.put("/api/files/uploads/a", content=b""), 400, "empty_file")
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await desk.client.post("/api/files", content=b"--y\r\n\r\n", headers=broken)
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert await desk.data("/api/workflows/runs") == []


@pytest.mark.parametrize("user", ["key", "prefix"])
async def test_basic_with_a_real_key_comes_in(house: House, desk: Desk, user: str) -> None:
    name = "key" if user == "key" else desk.key.rsplit("_", 1)[0]
    credential = base64.b64encode(f"{name}:{desk.key}".encode()).decode()
    client = await house.client()
    headers = {"Authorization": f"Basic {credential}"}
    assert (await client.get("/api/workflows", headers=headers)).status_code == 200


async def test_the_tutorials_password_is_refused(house: House) -> None:
    client = await house.client()
    credential = base64.b64encode(b"clinician:supersecret").decode()
    answer = await client.post(
        "/upload-referral/",
        headers={"Authorization": f"Basic {credential}"},
        files={"file": ("a.pdf", b"%PDF-1.7")},
    )
    refused(answer, 401, "unauthenticated")
    assert "Basic" in answer.headers["www-authenticate"]
