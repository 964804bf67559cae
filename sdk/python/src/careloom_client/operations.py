"""Generated from the OpenAPI document by generate.py: change that, not this."""

from __future__ import annotations

from typing import Any, Literal

from careloom_client import models
from careloom_client.transport import AsyncTransport, Transport, call, new_key
from careloom_client.values import Envelope, JsonObject, wrapped


class Workflow:
    """Operations on workflow."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def control_runs(self, body: JsonObject) -> Envelope[models.RunsAsked]:
        """Do one thing to many runs, named or found by a filter; the outcome of each."""
        wanted = call("POST", "/api/workflows/runs/bulk", {}, json=body)
        return Envelope(self._send(wanted))

    def pause_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Let a run and its children rest after the step they are at; a finished one is 422."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/pause", {"run_id": run_id})
        return Envelope(self._send(wanted))

    def resume_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Let a paused run and its children go on."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/resume", {"run_id": run_id})
        return Envelope(self._send(wanted))

    def cancel_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Ask a run and its children to stop; a finished one is 422."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/cancel", {"run_id": run_id})
        return Envelope(self._send(wanted))

    def rollback_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Undo the completed steps of a run, last first; also of one that has ended."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/rollback", {"run_id": run_id})
        return Envelope(self._send(wanted))

    def retry_run(self, run_id: str, body: JsonObject | None = None) -> Envelope[models.RunRetried]:
        """Start a run that takes this one's place: from the step that failed, or `from`
        another, with another `input`, on another `version`."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/retry", {"run_id": run_id}, json=body)
        return Envelope(self._send(wanted))

    def list_dead_letters(
        self,
        *,
        workflow: str | None = None,
        code: str | None = None,
        version: int | None = None,
        step: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[models.DeadLetters]:
        """What failed and waits for somebody: by cause, then one by one, newest first."""
        wanted = call(
            "GET",
            "/api/workflows/dead-letters",
            {},
            query={
                "workflow": workflow,
                "code": code,
                "version": version,
                "step": step,
                "before": before,
                "limit": limit,
            },
        )
        return Envelope(self._send(wanted))

    def get_dead_letter(self, letter_id: str) -> Envelope[models.DeadLetterDetail]:
        """One dead letter with what it was started with."""
        wanted = call("GET", "/api/workflows/dead-letters/{letter_id}", {"letter_id": letter_id})
        return Envelope(self._send(wanted))

    def resend_dead_letter(
        self, letter_id: str, body: JsonObject | None = None
    ) -> Envelope[models.RunRetried | models.DeadLetterSettled]:
        """Send it again: an event to the workflow that could not read it; a run as `retryRun`
        does."""
        wanted = call(
            "POST",
            "/api/workflows/dead-letters/{letter_id}/resend",
            {"letter_id": letter_id},
            json=body,
        )
        return Envelope(self._send(wanted))

    def discard_dead_letter(
        self, letter_id: str, body: JsonObject
    ) -> Envelope[models.DeadLetterSettled]:
        """Let it be, with a reason."""
        wanted = call(
            "POST",
            "/api/workflows/dead-letters/{letter_id}/discard",
            {"letter_id": letter_id},
            json=body,
        )
        return Envelope(self._send(wanted))

    def list_runs(
        self,
        *,
        workflow: str | None = None,
        status: Literal[
            "running",
            "waiting",
            "held",
            "paused",
            "succeeded",
            "failed",
            "cancelled",
            "rolled_back",
        ]
        | None = None,
        version: int | None = None,
        code: str | None = None,
        text: str | None = None,
        parent: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        gantt: bool | None = None,
    ) -> Envelope[list[models.RunSummary]]:
        """Runs, newest first; page with the last id as `before`."""
        wanted = call(
            "GET",
            "/api/workflows/runs",
            {},
            query={
                "workflow": workflow,
                "status": status,
                "version": version,
                "code": code,
                "text": text,
                "parent": parent,
                "from": from_,
                "to": to,
                "before": before,
                "limit": limit,
                "gantt": gantt,
            },
        )
        return Envelope(self._send(wanted))

    def get_run(
        self, run_id: str, *, after: int | None = None, limit: int | None = None
    ) -> Envelope[models.Run]:
        """One run: steps, attempts, output, error, cause, timings. Of a long run a page of
        steps."""
        wanted = call(
            "GET",
            "/api/workflows/runs/{run_id}",
            {"run_id": run_id},
            query={"after": after, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def get_run_audit(self, run_id: str) -> Envelope[models.AuditExport]:
        """The run's audit rows with the chain's proof; by Accept JSON, NDJSON, CSV or FHIR."""
        wanted = call("GET", "/api/workflows/runs/{run_id}/audit", {"run_id": run_id})
        return Envelope(self._send(wanted))

    def get_run_timeline(
        self, run_id: str, *, after: int | None = None, limit: int | None = None
    ) -> Envelope[models.Timeline]:
        """When each step, attempt and wait of a run took place; no payloads."""
        wanted = call(
            "GET",
            "/api/workflows/runs/{run_id}/timeline",
            {"run_id": run_id},
            query={"after": after, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def get_workflow_schema(self) -> models.JsonSchema:
        """JSON Schema 2020-12 of a definition, with every step type of this installation."""
        wanted = call("GET", "/api/workflows/schema", {})
        result: models.JsonSchema = wrapped(self._send(wanted))
        return result

    def get_trigger_graph(self) -> Envelope[models.TriggerGraph]:
        """Which workflow may start which, by what it writes or as its child: cascades, loops,
        and orphans, which nothing starts."""
        wanted = call("GET", "/api/workflows/graph", {})
        return Envelope(self._send(wanted))

    def create_workflow(
        self, definition: JsonObject | str, *, mode: Literal["compat", "strict"] | None = None
    ) -> Envelope[models.Deployed]:
        """Deploy a workflow from YAML or JSON; the answer carries receipts of repairs."""
        wanted = call(
            "POST",
            "/api/workflows",
            {},
            query={"mode": mode},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(self._send(wanted))

    def list_workflows(self) -> Envelope[list[models.Workflow]]:
        """Every workflow of the store, newest versions."""
        wanted = call("GET", "/api/workflows", {})
        return Envelope(self._send(wanted))

    def validate_workflow(
        self, definition: JsonObject | str, *, mode: Literal["compat", "strict"] | None = None
    ) -> Envelope[models.Checked]:
        """What a deployment would say; nothing is stored."""
        wanted = call(
            "POST",
            "/api/workflows/validate",
            {},
            query={"mode": mode},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(self._send(wanted))

    def get_workflow(self, workflow_id: str) -> Envelope[models.WorkflowDetail]:
        """One workflow: canonical definition, and the source as it was handed in."""
        wanted = call("GET", "/api/workflows/{workflow_id}", {"workflow_id": workflow_id})
        return Envelope(self._send(wanted))

    def update_workflow(
        self,
        workflow_id: str,
        definition: JsonObject | str,
        *,
        mode: Literal["compat", "strict"] | None = None,
    ) -> Envelope[models.Deployed]:
        """Deploy a new version of a workflow."""
        wanted = call(
            "PUT",
            "/api/workflows/{workflow_id}",
            {"workflow_id": workflow_id},
            query={"mode": mode},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(self._send(wanted))

    def execute_workflow(
        self,
        workflow_id: str,
        body: JsonObject | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Envelope[models.RunStarted]:
        """Start a run; the body becomes `trigger`. 422 when the input misses what the steps
        need. With an Idempotency-Key the same request again is answered, with 200, by the run
        that there is."""
        wanted = call(
            "POST",
            "/api/workflows/{workflow_id}/execute",
            {"workflow_id": workflow_id},
            headers={"Idempotency-Key": idempotency_key or new_key()},
            json=body,
        )
        return Envelope(self._send(wanted))

    def pause_workflow(self, workflow_id: str) -> Envelope[models.Workflow]:
        """Let no event start a run of it until it is resumed, whatever is deployed; what
        happens meanwhile starts none later either. Runs that are under way go on, and execute
        still works."""
        wanted = call("POST", "/api/workflows/{workflow_id}/pause", {"workflow_id": workflow_id})
        return Envelope(self._send(wanted))

    def resume_workflow(self, workflow_id: str) -> Envelope[models.Workflow]:
        """Let events start runs of it again."""
        wanted = call("POST", "/api/workflows/{workflow_id}/resume", {"workflow_id": workflow_id})
        return Envelope(self._send(wanted))

    def send_event(
        self, name: str, body: JsonObject | None = None, *, idempotency_key: str | None = None
    ) -> Envelope[models.EventSent]:
        """Send an event by name and key to the run that has waited longest for it; one that no
        run waits for yet is kept. An `Idempotency-Key`, or `id` in the body, makes a repeat
        harmless."""
        wanted = call(
            "POST",
            "/api/events/{name}",
            {"name": name},
            headers={"idempotency-key": idempotency_key},
            json=body,
        )
        return Envelope(self._send(wanted))

    def list_schedules(self) -> Envelope[list[models.Schedule]]:
        """Every schedule of the store: its next five times, its last firing, what it missed."""
        wanted = call("GET", "/api/schedules", {})
        return Envelope(self._send(wanted))

    def analyze_runs(
        self,
        *,
        workflow: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        bucket: Literal["minute", "hour", "day"] | None = None,
    ) -> Envelope[models.RunFigures]:
        """How runs go: now, in a period (by default the last day), by workflow, by step, and
        what waits for people."""
        wanted = call(
            "GET",
            "/api/analytics/runs",
            {},
            query={"workflow": workflow, "from": from_, "to": to, "bucket": bucket},
        )
        return Envelope(self._send(wanted))

    def find_anomalies(
        self,
        *,
        workflow: str | None = None,
        search: str | None = None,
        by: str | None = None,
        days: int | None = None,
    ) -> Envelope[models.Anomalies]:
        """Unusual days of the latest, today left out: of the runs, in all or of a workflow, or
        of what a FHIR search finds by a date. Each with its value, what is usual on that
        weekday, and the distance."""
        wanted = call(
            "GET",
            "/api/analytics/anomalies",
            {},
            query={"workflow": workflow, "search": search, "by": by, "days": days},
        )
        return Envelope(self._send(wanted))

    def measure_workflow(
        self, workflow_id: str, *, from_: str | None = None, to: str | None = None
    ) -> Envelope[models.Kpis]:
        """The KPIs of a workflow over the runs that ended in a period, by default the last 30
        days. Those over outputs also need `run:read`."""
        wanted = call(
            "GET",
            "/api/workflows/{workflow_id}/kpis",
            {"workflow_id": workflow_id},
            query={"from": from_, "to": to},
        )
        return Envelope(self._send(wanted))

    def preview_runs(self, body: JsonObject) -> Envelope[models.RunPreviews]:
        """What an order to many runs would do, counted; it takes what `controlRuns` takes."""
        wanted = call("POST", "/api/workflows/runs/preview", {}, json=body)
        return Envelope(self._send(wanted))

    def preview_run(self, run_id: str, body: JsonObject) -> Envelope[models.RunPreview]:
        """What a retry, a replay, a rollback or a cancellation would do to a run; nothing is
        done."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/preview", {"run_id": run_id}, json=body)
        return Envelope(self._send(wanted))


class Versions:
    """Operations on versions."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def get_replay(self, replay_id: str) -> Envelope[models.Replay]:
        """A replay: how far it is, which fields changed in how many runs, and each run's
        changes."""
        wanted = call("GET", "/api/workflows/replays/{replay_id}", {"replay_id": replay_id})
        return Envelope(self._send(wanted))

    def cancel_replay(self, replay_id: str) -> Envelope[models.Replay]:
        """Stop a replay; what it found stays."""
        wanted = call("POST", "/api/workflows/replays/{replay_id}/cancel", {"replay_id": replay_id})
        return Envelope(self._send(wanted))

    def replay_runs(
        self,
        workflow_id: str,
        body: JsonObject | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Envelope[models.Replay]:
        """Do past runs again on a version or a draft, in memory: nothing is written, sent or
        asked."""
        wanted = call(
            "POST",
            "/api/workflows/{workflow_id}/replay",
            {"workflow_id": workflow_id},
            headers={"Idempotency-Key": idempotency_key},
            json=body,
        )
        return Envelope(self._send(wanted))

    def list_versions(self, workflow_id: str) -> Envelope[list[models.VersionSummary]]:
        """Every version, newest first, with the runs under way on each."""
        wanted = call("GET", "/api/workflows/{workflow_id}/versions", {"workflow_id": workflow_id})
        return Envelope(self._send(wanted))

    def get_version(self, workflow_id: str, number: str) -> Envelope[models.Version]:
        """One version: definition, source, who deployed it and when."""
        wanted = call(
            "GET",
            "/api/workflows/{workflow_id}/versions/{number}",
            {"workflow_id": workflow_id, "number": number},
        )
        return Envelope(self._send(wanted))

    def compare_versions(
        self, workflow_id: str, *, from_: int | None = None, to: int | None = None
    ) -> Envelope[models.Difference]:
        """What changed in meaning between two versions, in words and as data; without numbers,
        the newest against the one before."""
        wanted = call(
            "GET",
            "/api/workflows/{workflow_id}/diff",
            {"workflow_id": workflow_id},
            query={"from": from_, "to": to},
        )
        return Envelope(self._send(wanted))

    def rollback_workflow(self, workflow_id: str, body: JsonObject) -> Envelope[models.Deployed]:
        """Deploy the content of an older version as a new one."""
        wanted = call(
            "POST", "/api/workflows/{workflow_id}/rollback", {"workflow_id": workflow_id}, json=body
        )
        return Envelope(self._send(wanted))

    def migrate_runs(self, workflow_id: str, body: JsonObject) -> Envelope[models.Migration]:
        """Move unfinished runs from one version to another, as far as each can go on there;
        with `dryRun` it only says what would become of each."""
        wanted = call(
            "POST", "/api/workflows/{workflow_id}/migrate", {"workflow_id": workflow_id}, json=body
        )
        return Envelope(self._send(wanted))


class Drafts:
    """Operations on drafts."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def try_step(self, body: JsonObject) -> Envelope[models.StepTried]:
        """Try one `step` of a `definition` on `pinned` data with every effect off: its input as
        evaluated, its output or what it would have done."""
        wanted = call("POST", "/api/workflows/try-step", {}, json=body)
        return Envelope(self._send(wanted))

    def outline_workflow(self, body: JsonObject) -> Envelope[models.Outline | models.OutlineOfStep]:
        """Names and JSON types that expressions of a `definition` may read, by step; with
        `step` those of that one, as one list."""
        wanted = call("POST", "/api/workflows/outline", {}, json=body)
        return Envelope(self._send(wanted))

    def describe_workflow(self, body: JsonObject) -> Envelope[models.Proposal]:
        """A draft from words, `text`; with a `definition`, what that would become. By the
        configured language model, else by a matcher; what is missing is named, and nothing is
        deployed."""
        wanted = call("POST", "/api/workflows/describe", {}, json=body)
        return Envelope(self._send(wanted))

    def list_drafts(
        self, *, workflow: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.DraftSummary]]:
        """Drafts of the store without their content, the last changed first."""
        wanted = call("GET", "/api/drafts", {}, query={"workflow": workflow, "limit": limit})
        return Envelope(self._send(wanted))

    def create_draft(self, body: JsonObject) -> Envelope[models.Draft]:
        """Begin a draft from a source, a shipped template or the newest version of a
        workflow."""
        wanted = call("POST", "/api/drafts", {}, json=body)
        return Envelope(self._send(wanted))

    def get_draft(self, draft_id: str) -> Envelope[models.Draft]:
        """A draft; its revision is the ETag. Pinned data are shown with run:read."""
        wanted = call("GET", "/api/drafts/{draft_id}", {"draft_id": draft_id})
        return Envelope(self._send(wanted))

    def save_draft(self, draft_id: str, body: JsonObject) -> Envelope[models.Draft]:
        """Save a draft on top of the revision in If-Match (or `revision`); what is left out
        stays as it is. 409 names who was faster, and what was sent is kept aside in the
        history."""
        wanted = call("PUT", "/api/drafts/{draft_id}", {"draft_id": draft_id}, json=body)
        return Envelope(self._send(wanted))

    def delete_draft(self, draft_id: str) -> Envelope[models.DraftId]:
        """Delete a draft with its history; with If-Match only at that revision."""
        wanted = call("DELETE", "/api/drafts/{draft_id}", {"draft_id": draft_id})
        return Envelope(self._send(wanted))

    def list_draft_history(
        self, draft_id: str, *, before: int | None = None, limit: int | None = None
    ) -> Envelope[list[models.DraftRevision]]:
        """Its revisions, newest first: who, when, names, what was published or kept aside."""
        wanted = call(
            "GET",
            "/api/drafts/{draft_id}/history",
            {"draft_id": draft_id},
            query={"before": before, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def get_draft_revision(self, draft_id: str, number: str) -> Envelope[models.Draft]:
        """The draft as it was at one revision."""
        wanted = call(
            "GET",
            "/api/drafts/{draft_id}/history/{number}",
            {"draft_id": draft_id, "number": number},
        )
        return Envelope(self._send(wanted))

    def name_draft_revision(
        self, draft_id: str, number: str, body: JsonObject
    ) -> Envelope[models.DraftRevision]:
        """Give a revision a name, so that it is kept; null takes it away."""
        wanted = call(
            "PUT",
            "/api/drafts/{draft_id}/history/{number}",
            {"draft_id": draft_id, "number": number},
            json=body,
        )
        return Envelope(self._send(wanted))

    def restore_draft(self, draft_id: str, body: JsonObject) -> Envelope[models.Draft]:
        """Make an older `revision` the newest one; nothing of the history goes."""
        wanted = call("POST", "/api/drafts/{draft_id}/restore", {"draft_id": draft_id}, json=body)
        return Envelope(self._send(wanted))

    def publish_draft(
        self,
        draft_id: str,
        body: JsonObject | None = None,
        *,
        mode: Literal["compat", "strict"] | None = None,
    ) -> Envelope[models.DraftPublished]:
        """Deploy the draft; the answer has the difference in meaning and the report. `dryRun`
        only says them; `over` is the version that it may replace when others have deployed
        meanwhile."""
        wanted = call(
            "POST",
            "/api/drafts/{draft_id}/publish",
            {"draft_id": draft_id},
            query={"mode": mode},
            json=body,
        )
        return Envelope(self._send(wanted))

    def test_draft(
        self, draft_id: str, body: JsonObject | None = None
    ) -> Envelope[models.DraftTested]:
        """Start a run of the draft, marked as a test: from an `input`, a `sample` event, the
        input of a past `run`, or the pinned trigger. `effects`: store, all or off."""
        wanted = call("POST", "/api/drafts/{draft_id}/test-run", {"draft_id": draft_id}, json=body)
        return Envelope(self._send(wanted))

    def list_templates(self) -> Envelope[list[models.Template]]:
        """Every shipped template: what it does, what it begins with, what it needs."""
        wanted = call("GET", "/api/templates", {})
        return Envelope(self._send(wanted))

    def get_template(self, name: str) -> Envelope[models.TemplateDetail]:
        """One template with its YAML and a sample input."""
        wanted = call("GET", "/api/templates/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def list_samples(self) -> Envelope[list[models.Sample]]:
        """Every sample event that a draft can be tested with."""
        wanted = call("GET", "/api/samples", {})
        return Envelope(self._send(wanted))


class Components:
    """Operations on components."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_components(self) -> Envelope[list[models.Component]]:
        """Every component of the store, newest versions."""
        wanted = call("GET", "/api/components", {})
        return Envelope(self._send(wanted))

    def get_component(self, kind: str, name: str) -> Envelope[models.ComponentDetail]:
        """One component, and the workflows that use it."""
        wanted = call("GET", "/api/components/{kind}/{name}", {"kind": kind, "name": name})
        return Envelope(self._send(wanted))

    def put_component(
        self, kind: str, name: str, body: JsonObject, *, redeploy: bool | None = None
    ) -> Envelope[models.ComponentKept]:
        """Keep a new version, unless nothing changed. The answer names the workflows that use
        it; their deployed versions stay as they are until they are deployed again: `redeploy`
        does it."""
        wanted = call(
            "PUT",
            "/api/components/{kind}/{name}",
            {"kind": kind, "name": name},
            query={"redeploy": redeploy},
            json=body,
        )
        return Envelope(self._send(wanted))

    def delete_component(self, kind: str, name: str) -> Envelope[models.ComponentName]:
        """Keep it no longer; 409 while workflows use it."""
        wanted = call("DELETE", "/api/components/{kind}/{name}", {"kind": kind, "name": name})
        return Envelope(self._send(wanted))


class Models:
    """Operations on models."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_models(self) -> Envelope[list[models.AiModel]]:
        """The language models of the store, with the facts of each."""
        wanted = call("GET", "/api/models", {})
        return Envelope(self._send(wanted))

    def get_model(self, name: str) -> Envelope[models.AiModel]:
        """One language model. 404 lists those there are when there is none of the name."""
        wanted = call("GET", "/api/models/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def put_model(self, name: str, body: JsonObject) -> Envelope[models.AiModelPut]:
        """Configure a language model: who serves it, what it may see, where it runs."""
        wanted = call("PUT", "/api/models/{name}", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def delete_model(self, name: str) -> Envelope[models.AiModelDeleted]:
        """Configure it no longer: from here on it is asked by nobody."""
        wanted = call("DELETE", "/api/models/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def test_model(self, name: str) -> Envelope[models.AiModelTest]:
        """Ask the model a word that carries nothing: does it answer, and how long does it
        take?"""
        wanted = call("POST", "/api/models/{name}/test", {"name": name})
        return Envelope(self._send(wanted))

    def list_ai_calls(
        self,
        *,
        run: str | None = None,
        session: str | None = None,
        worker: str | None = None,
        model: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.AiCall]]:
        """Calls of language models, newest first: hashes, tokens, cost and time; not what was
        said."""
        wanted = call(
            "GET",
            "/api/ai/calls",
            {},
            query={
                "run": run,
                "session": session,
                "worker": worker,
                "model": model,
                "before": before,
                "limit": limit,
            },
        )
        return Envelope(self._send(wanted))

    def get_ai_call(self, call_id: str) -> Envelope[models.AiCallWhole]:
        """One call with what was asked and answered; that it was read is audited."""
        wanted = call("GET", "/api/ai/calls/{call_id}", {"call_id": call_id})
        return Envelope(self._send(wanted))

    def redact_text(self, body: JsonObject) -> Envelope[models.Redaction]:
        """The text with placeholders, and what was found where. Nothing of it is kept."""
        wanted = call("POST", "/api/redactions", {}, json=body)
        return Envelope(self._send(wanted))


class Worker:
    """Operations on worker."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_workers(self) -> Envelope[list[models.AiWorker]]:
        """The workers of the store, in their newest versions."""
        wanted = call("GET", "/api/workers", {})
        return Envelope(self._send(wanted))

    def create_worker(self, body: JsonObject) -> Envelope[models.AiWorker]:
        """Make a worker: a model, instructions, tools and bounds. The same again is the same
        worker."""
        wanted = call("POST", "/api/workers", {}, json=body)
        return Envelope(self._send(wanted))

    def get_worker(self, worker_id: str) -> Envelope[models.AiWorker]:
        """One worker, by id or name."""
        wanted = call("GET", "/api/workers/{worker_id}", {"worker_id": worker_id})
        return Envelope(self._send(wanted))

    def update_worker(self, worker_id: str, body: JsonObject) -> Envelope[models.AiWorker]:
        """A new version, unless nothing changed; keys that are not given stay as they are.
        Sessions that there are keep their version."""
        wanted = call("PUT", "/api/workers/{worker_id}", {"worker_id": worker_id}, json=body)
        return Envelope(self._send(wanted))

    def list_worker_versions(self, worker_id: str) -> Envelope[list[models.AiWorkerVersion]]:
        """Every version of a worker, newest first."""
        wanted = call("GET", "/api/workers/{worker_id}/versions", {"worker_id": worker_id})
        return Envelope(self._send(wanted))


class Session:
    """Operations on session."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def create_session(self, body: JsonObject) -> Envelope[models.AiSession]:
        """Begin a conversation with a worker; `metadata.patientId` pins it to that patient."""
        wanted = call("POST", "/api/sessions", {}, json=body)
        return Envelope(self._send(wanted))

    def list_sessions(
        self,
        *,
        worker: str | None = None,
        patient: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.AiSession]]:
        """Conversations, newest first."""
        wanted = call(
            "GET",
            "/api/sessions",
            {},
            query={"worker": worker, "patient": patient, "before": before, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def get_session(self, session_id: str) -> Envelope[models.Session]:
        """A session: of a conversation, or of a run, with what was said, derived from the
        journal."""
        wanted = call("GET", "/api/sessions/{session_id}", {"session_id": session_id})
        return Envelope(self._send(wanted))

    def send_message(
        self,
        session_id: str,
        body: JsonObject,
        *,
        wait: float | None = None,
        idempotency_key: str | None = None,
    ) -> Envelope[models.AiMessageSent]:
        """Say something. The message is kept and its task begun when this answers; with `wait`,
        the answer comes along when it is there within so many seconds."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/messages",
            {"session_id": session_id},
            query={"wait": wait},
            headers={"idempotency-key": idempotency_key},
            json=body,
        )
        return Envelope(self._send(wanted))

    def list_session_messages(
        self, session_id: str, *, after: int | None = None, limit: int | None = None
    ) -> Envelope[list[models.AiMessage]]:
        """What was said in a conversation, oldest first; page with the last `turn` as
        `after`."""
        wanted = call(
            "GET",
            "/api/sessions/{session_id}/messages",
            {"session_id": session_id},
            query={"after": after, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def list_session_tasks(self, session_id: str) -> Envelope[list[models.AiTask]]:
        """The tasks of a conversation, one for each message, oldest first."""
        wanted = call("GET", "/api/sessions/{session_id}/tasks", {"session_id": session_id})
        return Envelope(self._send(wanted))

    def get_session_task(self, session_id: str, task_id: str) -> Envelope[models.AiTask]:
        """One task: its answer, the tool calls that it waits for, or why it failed."""
        wanted = call(
            "GET",
            "/api/sessions/{session_id}/tasks/{task_id}",
            {"session_id": session_id, "task_id": task_id},
        )
        return Envelope(self._send(wanted))

    def submit_tool_outputs(
        self, session_id: str, task_id: str, body: JsonObject
    ) -> Envelope[models.AiTask]:
        """Hand in what your own functions gave; the task goes on."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/tasks/{task_id}/outputs",
            {"session_id": session_id, "task_id": task_id},
            json=body,
        )
        return Envelope(self._send(wanted))

    def cancel_session_task(self, session_id: str, task_id: str) -> Envelope[models.AiTask]:
        """Cancel a task that is open."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/tasks/{task_id}/cancel",
            {"session_id": session_id, "task_id": task_id},
        )
        return Envelope(self._send(wanted))

    def resume_session_task(self, session_id: str, task_id: str) -> Envelope[models.AiTask]:
        """Take up a task that failed or was cancelled; received answers are not asked for
        again."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/tasks/{task_id}/resume",
            {"session_id": session_id, "task_id": task_id},
        )
        return Envelope(self._send(wanted))

    def cancel_session(self, session_id: str) -> Envelope[models.AiSession]:
        """End a conversation: open tasks are cancelled, and no message is taken."""
        wanted = call("POST", "/api/sessions/{session_id}/cancel", {"session_id": session_id})
        return Envelope(self._send(wanted))

    def resume_session(self, session_id: str) -> Envelope[models.AiSession]:
        """Let a cancelled conversation take messages again."""
        wanted = call("POST", "/api/sessions/{session_id}/resume", {"session_id": session_id})
        return Envelope(self._send(wanted))


class Knowledge:
    """Operations on knowledge."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_knowledge_collections(self) -> Envelope[list[models.KnowledgeCollection]]:
        """The collections of the store, with how much they hold and how much of it is
        embedded."""
        wanted = call("GET", "/api/knowledge", {})
        return Envelope(self._send(wanted))

    def put_knowledge_collection(
        self, collection: str, body: JsonObject
    ) -> Envelope[models.KnowledgeCollection]:
        """Make a collection, or change its description, language or embedding model; what is
        not given stays."""
        wanted = call("PUT", "/api/knowledge/{collection}", {"collection": collection}, json=body)
        return Envelope(self._send(wanted))

    def list_knowledge_documents(self, collection: str) -> Envelope[list[models.KnowledgeDocument]]:
        """The documents of a collection, without their texts."""
        wanted = call("GET", "/api/knowledge/{collection}", {"collection": collection})
        return Envelope(self._send(wanted))

    def delete_knowledge_collection(
        self, collection: str
    ) -> Envelope[models.KnowledgeCollectionName]:
        """Delete a collection with all it holds."""
        wanted = call("DELETE", "/api/knowledge/{collection}", {"collection": collection})
        return Envelope(self._send(wanted))

    def search_knowledge(
        self, collection: str, *, q: str | None = None, limit: int | None = None
    ) -> Envelope[models.KnowledgeFound]:
        """The passages that answer best, by words and, where the collection has a model, by
        meaning. The question holds no patient data."""
        wanted = call(
            "GET",
            "/api/knowledge/{collection}/search",
            {"collection": collection},
            query={"q": q, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def reindex_knowledge(self, collection: str) -> Envelope[models.KnowledgeReindexed]:
        """Make the embeddings that are missing, or of another model than the collection's, for
        at most 30 seconds; `pending` are those that are left."""
        wanted = call("POST", "/api/knowledge/{collection}/reindex", {"collection": collection})
        return Envelope(self._send(wanted))

    def put_knowledge_document(
        self, collection: str, document_id: str, content: bytes | str, *, title: str | None = None
    ) -> Envelope[models.KnowledgeDocument]:
        """Keep a document: Markdown, plain text or PDF, by its Content-Type. Another content is
        a new version."""
        wanted = call(
            "PUT",
            "/api/knowledge/{collection}/{document_id}",
            {"collection": collection, "document_id": document_id},
            query={"title": title},
            content=content,
        )
        return Envelope(self._send(wanted))

    def get_knowledge_document(
        self, collection: str, document_id: str, *, version: int | None = None
    ) -> Envelope[models.KnowledgeDocumentWhole]:
        """A document with its text, as it is now or was in a version."""
        wanted = call(
            "GET",
            "/api/knowledge/{collection}/{document_id}",
            {"collection": collection, "document_id": document_id},
            query={"version": version},
        )
        return Envelope(self._send(wanted))

    def delete_knowledge_document(
        self, collection: str, document_id: str
    ) -> Envelope[models.KnowledgeDocumentName]:
        """Delete a document with all its versions."""
        wanted = call(
            "DELETE",
            "/api/knowledge/{collection}/{document_id}",
            {"collection": collection, "document_id": document_id},
        )
        return Envelope(self._send(wanted))


class Task:
    """Operations on task."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_tasks(
        self,
        *,
        status: Literal["open", "requested", "accepted", "completed", "rejected", "cancelled"]
        | None = None,
        queue: str | None = None,
        group: str | None = None,
        mine: bool | None = None,
        unassigned: bool | None = None,
        assignee: str | None = None,
        overdue: bool | None = None,
        sla: Literal["warning", "breached"] | None = None,
        priority: Literal["stat", "asap", "urgent", "routine"] | None = None,
        kind: Literal["task", "form", "approval"] | None = None,
        workflow: str | None = None,
        run: str | None = None,
        patient: str | None = None,
        snoozed: bool | None = None,
        sort: Literal["priority", "age"] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.Task]]:
        """Human tasks that the key may see: open ones first, the most urgent and soonest due
        first."""
        wanted = call(
            "GET",
            "/api/tasks",
            {},
            query={
                "status": status,
                "queue": queue,
                "group": group,
                "mine": mine,
                "unassigned": unassigned,
                "assignee": assignee,
                "overdue": overdue,
                "sla": sla,
                "priority": priority,
                "kind": kind,
                "workflow": workflow,
                "run": run,
                "patient": patient,
                "snoozed": snoozed,
                "sort": sort,
                "after": after,
                "limit": limit,
            },
        )
        return Envelope(self._send(wanted))

    def count_tasks(self) -> Envelope[list[models.QueueCounts]]:
        """Open tasks by queue, of those that the key may see."""
        wanted = call("GET", "/api/tasks/counts", {})
        return Envelope(self._send(wanted))

    def claim_next_task(self, body: JsonObject | None = None) -> Envelope[models.TaskDetail | None]:
        """Take the most urgent task that nobody has: {'queue'?, 'kind'?}; null when there is
        none."""
        wanted = call("POST", "/api/tasks/next", {}, json=body)
        return Envelope(self._send(wanted))

    def get_task(self, task_id: str, *, lang: str | None = None) -> Envelope[models.TaskDetail]:
        """One human task with what it shows, its comments, votes, draft and decision; its form
        in one of its languages."""
        wanted = call("GET", "/api/tasks/{task_id}", {"task_id": task_id}, query={"lang": lang})
        return Envelope(self._send(wanted))

    def snooze_task(self, task_id: str, body: JsonObject) -> Envelope[models.Snoozed]:
        """Put a task off for oneself until a time; others see it as before."""
        wanted = call("POST", "/api/tasks/{task_id}/snooze", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def get_task_history(self, task_id: str) -> Envelope[list[models.TaskEvent]]:
        """Every transition of a task with who and when, from the audit trail."""
        wanted = call("GET", "/api/tasks/{task_id}/history", {"task_id": task_id})
        return Envelope(self._send(wanted))

    def claim_task(self, task_id: str) -> Envelope[models.TaskDetail]:
        """Take a task; 409 when somebody else was faster."""
        wanted = call("POST", "/api/tasks/{task_id}/claim", {"task_id": task_id})
        return Envelope(self._send(wanted))

    def release_task(self, task_id: str) -> Envelope[models.TaskDetail]:
        """Let a task go, so that others may take it."""
        wanted = call("POST", "/api/tasks/{task_id}/release", {"task_id": task_id})
        return Envelope(self._send(wanted))

    def assign_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskChanged]:
        """Give a task to a user, a group or another queue."""
        wanted = call("POST", "/api/tasks/{task_id}/assign", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def delegate_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskChanged]:
        """Hand one's own task to somebody else, with a comment; the history keeps who had
        it."""
        wanted = call("POST", "/api/tasks/{task_id}/delegate", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def comment_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskDetail]:
        """Add a comment, sealed, for everybody who sees the task."""
        wanted = call("POST", "/api/tasks/{task_id}/comments", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def draft_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskChanged]:
        """Keep answers that are not finished: {'data'} or {'answers'}, unchecked and sealed."""
        wanted = call("PUT", "/api/tasks/{task_id}/draft", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def decide_task(self, task_id: str, body: JsonObject) -> Envelope[models.Decided]:
        """Approve, reject or complete a task; the waiting run goes on."""
        wanted = call("POST", "/api/tasks/{task_id}/decision", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def list_messages(
        self, *, run: str | None = None, before: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.Message]]:
        """Messages that were sent, or captured for want of a connection, newest first; page
        with the last id as `before`."""
        wanted = call(
            "GET", "/api/messages", {}, query={"run": run, "before": before, "limit": limit}
        )
        return Envelope(self._send(wanted))

    def list_incidents(
        self,
        *,
        status: Literal["open", "closed"] | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.Incident]]:
        """What needs a look, grouped by cause, open ones first; page with the last id as
        `before`."""
        wanted = call(
            "GET", "/api/incidents", {}, query={"status": status, "before": before, "limit": limit}
        )
        return Envelope(self._send(wanted))

    def close_incident(self, incident_id: str) -> Envelope[models.IncidentClosed]:
        """Say that somebody has looked; the same cause opens a new incident when it comes
        again."""
        wanted = call("POST", "/api/incidents/{incident_id}/close", {"incident_id": incident_id})
        return Envelope(self._send(wanted))

    def list_queues(self) -> Envelope[list[models.Queue]]:
        """The queues that were named, with those who may see and do their tasks."""
        wanted = call("GET", "/api/queues", {})
        return Envelope(self._send(wanted))

    def put_queue(self, queue: str, body: JsonObject) -> Envelope[models.Queue]:
        """Name a queue and say who may see and do its tasks."""
        wanted = call("PUT", "/api/queues/{queue}", {"queue": queue}, json=body)
        return Envelope(self._send(wanted))

    def list_groups(self) -> Envelope[list[models.Group]]:
        """The groups with their members."""
        wanted = call("GET", "/api/groups", {})
        return Envelope(self._send(wanted))

    def put_group(self, group: str, body: JsonObject) -> Envelope[models.Group]:
        """Name a group and its members."""
        wanted = call("PUT", "/api/groups/{group}", {"group": group}, json=body)
        return Envelope(self._send(wanted))

    def list_calendars(self) -> Envelope[list[models.CalendarName]]:
        """The business calendars by name."""
        wanted = call("GET", "/api/calendars", {})
        return Envelope(self._send(wanted))

    def get_calendar(self, name: str) -> Envelope[models.Calendar]:
        """The rules of a business calendar."""
        wanted = call("GET", "/api/calendars/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def put_calendar(self, name: str, body: JsonObject) -> Envelope[models.Calendar]:
        """Keep opening hours, holidays and days that differ; tasks that are open keep their
        times."""
        wanted = call("PUT", "/api/calendars/{name}", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def link_form(self, task_id: str, body: JsonObject) -> Envelope[models.FormLink]:
        """A link by which somebody without a key fills the form of a task; shown this once."""
        wanted = call("POST", "/api/tasks/{task_id}/link", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def get_form(self, token: str, *, lang: str | None = None) -> Envelope[models.Form]:
        """The form behind a link, with what it begins with and what was kept of it before."""
        wanted = call("GET", "/api/forms/{token}", {"token": token}, query={"lang": lang})
        return Envelope(self._send(wanted))

    def fill_form(self, token: str, body: JsonObject) -> Envelope[models.FormFilled]:
        """Complete the form behind a link, once: {'data': {linkId: value}} or {'answers':
        …}."""
        wanted = call("POST", "/api/forms/{token}", {"token": token}, json=body)
        return Envelope(self._send(wanted))

    def draft_form(self, token: str, body: JsonObject) -> Envelope[models.FormSaved]:
        """Keep answers that are not finished; the link goes on with them on any device."""
        wanted = call("PUT", "/api/forms/{token}/draft", {"token": token}, json=body)
        return Envelope(self._send(wanted))

    def calculate_form(self, token: str, body: JsonObject) -> Envelope[models.Calculated]:
        """What follows from the answers so far: calculated values, and which questions are
        asked."""
        wanted = call("POST", "/api/forms/{token}/calculate", {"token": token}, json=body)
        return Envelope(self._send(wanted))

    def list_form_options(
        self,
        token: str,
        *,
        value_set: str | None = None,
        find: str | None = None,
        lang: str | None = None,
    ) -> Envelope[models.FormOptions]:
        """Options of a value set that the form names."""
        wanted = call(
            "GET",
            "/api/forms/{token}/options",
            {"token": token},
            query={"valueSet": value_set, "find": find, "lang": lang},
        )
        return Envelope(self._send(wanted))

    def attach_to_form(
        self,
        token: str,
        content: bytes | str,
        *,
        question: str | None = None,
        name: str | None = None,
    ) -> Envelope[models.Attachment]:
        """Hand in a file for a question: the body. The answer is the Attachment to answer
        with."""
        wanted = call(
            "POST",
            "/api/forms/{token}/attachments",
            {"token": token},
            query={"question": question, "name": name},
            content=content,
        )
        return Envelope(self._send(wanted))

    def get_task_form(self, task_id: str, *, lang: str | None = None) -> Envelope[models.TaskForm]:
        """The form of a task in one of its languages, with the options of its value sets."""
        wanted = call(
            "GET", "/api/tasks/{task_id}/form", {"task_id": task_id}, query={"lang": lang}
        )
        return Envelope(self._send(wanted))

    def calculate_task(self, task_id: str, body: JsonObject) -> Envelope[models.Calculated]:
        """What follows from the answers so far: calculated values, and which questions are
        asked."""
        wanted = call("POST", "/api/tasks/{task_id}/calculate", {"task_id": task_id}, json=body)
        return Envelope(self._send(wanted))

    def list_task_options(
        self,
        task_id: str,
        *,
        value_set: str | None = None,
        find: str | None = None,
        lang: str | None = None,
    ) -> Envelope[models.FormOptions]:
        """Options of a value set that the form names."""
        wanted = call(
            "GET",
            "/api/tasks/{task_id}/options",
            {"task_id": task_id},
            query={"valueSet": value_set, "find": find, "lang": lang},
        )
        return Envelope(self._send(wanted))

    def attach_to_task(
        self,
        task_id: str,
        content: bytes | str,
        *,
        question: str | None = None,
        name: str | None = None,
    ) -> Envelope[models.Attachment]:
        """Hand in a file for a question: the body. The answer is the Attachment to answer
        with."""
        wanted = call(
            "POST",
            "/api/tasks/{task_id}/attachments",
            {"task_id": task_id},
            query={"question": question, "name": name},
            content=content,
        )
        return Envelope(self._send(wanted))

    def read_task_attachment(self, task_id: str, attachment_id: str) -> Any:
        """A file that was handed in with a form; the reading is audited."""
        wanted = call(
            "GET",
            "/api/tasks/{task_id}/attachments/{attachment_id}",
            {"task_id": task_id, "attachment_id": attachment_id},
        )
        return self._send(wanted)


class Pipelines:
    """Operations on pipelines."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_pipelines(self) -> Envelope[list[models.Kept]]:
        """The newest version of every pipeline."""
        wanted = call("GET", "/api/pipelines", {})
        return Envelope(self._send(wanted))

    def put_pipeline(self, name: str, body: JsonObject) -> Envelope[models.PipelinePut]:
        """Keep a pipeline; the same content again makes no new version."""
        wanted = call("PUT", "/api/pipelines/{name}", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def get_pipeline(self, name: str) -> Envelope[models.Pipeline]:
        """A pipeline with what its last runs have moved so far, its streams and its
        quarantine."""
        wanted = call("GET", "/api/pipelines/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def list_pipeline_rejects(
        self, name: str, *, after: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.PipelineReject]]:
        """Rows that could not be taken in, with their content, oldest first; the reading is
        audited."""
        wanted = call(
            "GET",
            "/api/pipelines/{name}/rejects",
            {"name": name},
            query={"after": after, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def resubmit_pipeline_rejects(
        self, name: str, body: JsonObject
    ) -> Envelope[models.Resubmitted]:
        """Hand rows of the quarantine, corrected or as they are, to the next run of the
        pipeline."""
        wanted = call("POST", "/api/pipelines/{name}/rejects", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def list_decision_tables(self) -> Envelope[list[models.Kept]]:
        """The newest version of every decision table."""
        wanted = call("GET", "/api/decision-tables", {})
        return Envelope(self._send(wanted))

    def put_decision_table(self, name: str, body: JsonObject) -> Envelope[models.DecisionTablePut]:
        """Keep a decision table; one with a gap or a forbidden overlap is refused with an
        example."""
        wanted = call("PUT", "/api/decision-tables/{name}", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def get_decision_table(
        self, name: str, *, version: int | None = None
    ) -> Envelope[models.DecisionTable]:
        """A decision table, with its version and hash."""
        wanted = call(
            "GET", "/api/decision-tables/{name}", {"name": name}, query={"version": version}
        )
        return Envelope(self._send(wanted))


class File:
    """Operations on file."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def upload_file(self, file: tuple[str, bytes, str]) -> Envelope[models.StoredFile]:
        """Multipart upload of one file under `file`; its type is read from its bytes."""
        wanted = call("POST", "/api/files", {}, files={"file": file})
        return Envelope(self._send(wanted))

    def put_file(self, bucket: str, name: str, content: bytes | str) -> Envelope[models.StoredFile]:
        """Store the body under a bucket and name: `dicom://…` or `file://…` afterwards."""
        wanted = call(
            "PUT", "/api/files/{bucket}/{name}", {"bucket": bucket, "name": name}, content=content
        )
        return Envelope(self._send(wanted))

    def read_file(self, bucket: str, name: str) -> Any:
        """The stored bytes of `file://{bucket}/{name}`; the reading is audited."""
        wanted = call("GET", "/api/files/{bucket}/{name}", {"bucket": bucket, "name": name})
        return self._send(wanted)

    def list_deidentifications(self) -> Envelope[list[models.DeidentificationSummary]]:
        """The newest orders."""
        wanted = call("GET", "/api/deidentifications", {})
        return Envelope(self._send(wanted))

    def deidentify_study(
        self, body: JsonObject, *, idempotency_key: str | None = None
    ) -> Envelope[models.Deidentification]:
        """Make a copy of a study without its patient, in the archive as a study of its own."""
        wanted = call(
            "POST",
            "/api/deidentifications",
            {},
            headers={"Idempotency-Key": idempotency_key},
            json=body,
        )
        return Envelope(self._send(wanted))

    def get_deidentification(self, deidentification_id: str) -> Envelope[models.Deidentification]:
        """An order: how far it is, and what was done to each object."""
        wanted = call(
            "GET",
            "/api/deidentifications/{deidentification_id}",
            {"deidentification_id": deidentification_id},
        )
        return Envelope(self._send(wanted))

    def cancel_deidentification(
        self, deidentification_id: str
    ) -> Envelope[models.Deidentification]:
        """Stop an order; the copies that were stored stay."""
        wanted = call(
            "POST",
            "/api/deidentifications/{deidentification_id}/cancel",
            {"deidentification_id": deidentification_id},
        )
        return Envelope(self._send(wanted))

    def download_deidentification(self, deidentification_id: str) -> Any:
        """The copies as a zip: `<study>/<series>/<instance>.dcm`."""
        wanted = call(
            "GET",
            "/api/deidentifications/{deidentification_id}/content",
            {"deidentification_id": deidentification_id},
        )
        return self._send(wanted)


class Connection:
    """Operations on connection."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_connections(self) -> Envelope[list[models.Connection]]:
        """Every connection, without secrets, with what this process knows of its health."""
        wanted = call("GET", "/api/connections", {})
        return Envelope(self._send(wanted))

    def put_connection(self, connection_id: str, body: JsonObject) -> Envelope[models.Connection]:
        """Keep a connection of any kind; secrets are sealed and never shown."""
        wanted = call(
            "PUT", "/api/connections/{connection_id}", {"connection_id": connection_id}, json=body
        )
        return Envelope(self._send(wanted))

    def test_connection(self, connection_id: str) -> Envelope[models.ConnectionTest]:
        """Ask the peer for a sign of life, with the connection's credentials; nothing is sent
        on."""
        wanted = call(
            "POST", "/api/connections/{connection_id}/test", {"connection_id": connection_id}
        )
        return Envelope(self._send(wanted))


class Evaluation:
    """Operations on evaluation."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_evaluations(self, *, workflow: str | None = None) -> Envelope[list[models.Evaluation]]:
        """By workflow, step, model and version: how often people agreed with what was
        suggested, with its interval, and whether the stated confidence kept its word; of the
        latest 1,000 decided tasks that the key may see."""
        wanted = call("GET", "/api/evaluations", {}, query={"workflow": workflow})
        return Envelope(self._send(wanted))

    def start_evaluation(self, body: JsonObject) -> Envelope[models.EvaluationRun]:
        """Measure a step of a workflow, a worker or a model on a gold set, with every effect
        off; one of the same content that has not ended is gone on with."""
        wanted = call("POST", "/api/evaluations/runs", {}, json=body)
        return Envelope(self._send(wanted))

    def list_evaluation_runs(
        self, *, gold_set: str | None = None, subject: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.EvaluationRun]]:
        """What was measured, the latest first."""
        wanted = call(
            "GET",
            "/api/evaluations/runs",
            {},
            query={"goldSet": gold_set, "subject": subject, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def get_evaluation_run(self, evaluation_id: str) -> Envelope[models.EvaluationRun]:
        """One: how far it is, its measures with intervals, the reliability curve, failing cases
        by id."""
        wanted = call(
            "GET", "/api/evaluations/runs/{evaluation_id}", {"evaluation_id": evaluation_id}
        )
        return Envelope(self._send(wanted))

    def get_evaluation_case(
        self, evaluation_id: str, case_id: str
    ) -> Envelope[models.EvaluationCase]:
        """What one case was answered, beside what was expected."""
        wanted = call(
            "GET",
            "/api/evaluations/runs/{evaluation_id}/cases/{case_id}",
            {"evaluation_id": evaluation_id, "case_id": case_id},
        )
        return Envelope(self._send(wanted))

    def cancel_evaluation(self, evaluation_id: str) -> Envelope[models.EvaluationRun]:
        """Stop one; it counts for nothing."""
        wanted = call(
            "POST", "/api/evaluations/runs/{evaluation_id}/cancel", {"evaluation_id": evaluation_id}
        )
        return Envelope(self._send(wanted))

    def choose_threshold(
        self,
        evaluation_id: str,
        *,
        false_positive: float | None = None,
        false_negative: float | None = None,
        review: float | None = None,
    ) -> Envelope[models.EvaluationThreshold]:
        """The confidence below which a person should look, by what errors and a review cost; by
        the gold set's costs when none are given."""
        wanted = call(
            "GET",
            "/api/evaluations/runs/{evaluation_id}/threshold",
            {"evaluation_id": evaluation_id},
            query={
                "falsePositive": false_positive,
                "falseNegative": false_negative,
                "review": review,
            },
        )
        return Envelope(self._send(wanted))

    def compare_evaluations(
        self, *, before: str | None = None, after: str | None = None
    ) -> Envelope[models.EvaluationComparison]:
        """Two evaluations on one gold set case by case: gained, lost, the difference with its
        interval, and whether it may be chance."""
        wanted = call(
            "GET", "/api/evaluations/comparison", {}, query={"before": before, "after": after}
        )
        return Envelope(self._send(wanted))

    def list_gold_sets(self) -> Envelope[list[models.GoldSet]]:
        """The gold sets of the store, with their sizes and gates."""
        wanted = call("GET", "/api/gold-sets", {})
        return Envelope(self._send(wanted))

    def get_gold_set(self, name: str) -> Envelope[models.GoldSet]:
        """One, without its cases."""
        wanted = call("GET", "/api/gold-sets/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def put_gold_set(self, name: str, body: JsonObject) -> Envelope[models.GoldSet]:
        """Make one, or change its settings; with `cases` these take the place of all there
        are."""
        wanted = call("PUT", "/api/gold-sets/{name}", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def delete_gold_set(self, name: str) -> Envelope[models.GoldSetDeleted]:
        """Take one away with its cases and gates; what was measured on it stays."""
        wanted = call("DELETE", "/api/gold-sets/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def list_gold_cases(
        self, name: str, *, after: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.GoldCase]]:
        """Its cases by id: input, what is expected, and of reviewed ones what the AI had
        said."""
        wanted = call(
            "GET",
            "/api/gold-sets/{name}/cases",
            {"name": name},
            query={"after": after, "limit": limit},
        )
        return Envelope(self._send(wanted))

    def add_gold_cases(self, name: str, body: JsonObject) -> Envelope[models.GoldCasesAdded]:
        """Add cases, as `cases`, or from tasks that people decided, as `fromTasks`: what the AI
        was given, with the reviewer's words as what is right."""
        wanted = call("POST", "/api/gold-sets/{name}/cases", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def delete_gold_case(self, name: str, case_id: str) -> Envelope[models.GoldCaseDeleted]:
        """Take one case out."""
        wanted = call(
            "DELETE", "/api/gold-sets/{name}/cases/{case_id}", {"name": name, "case_id": case_id}
        )
        return Envelope(self._send(wanted))

    def put_evaluation_gates(self, name: str, body: JsonObject) -> Envelope[models.EvaluationGates]:
        """What must be measured on this gold set, and how well, before a workflow is deployed;
        in place of the gates there were."""
        wanted = call("PUT", "/api/gold-sets/{name}/gates", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def list_trained_models(self) -> Envelope[list[models.TrainedModel]]:
        """The trained models of the store, and the predictions that come with Careloom."""
        wanted = call("GET", "/api/trained-models", {})
        return Envelope(self._send(wanted))

    def get_trained_model(self, name: str) -> Envelope[models.TrainedModelVersions]:
        """One with its versions, the latest first."""
        wanted = call("GET", "/api/trained-models/{name}", {"name": name})
        return Envelope(self._send(wanted))

    def put_trained_model(
        self, name: str, body: JsonObject
    ) -> Envelope[models.TrainedModelVersions]:
        """Declare a model: what it looks at, what it learns. Versions that are there stay as
        they are."""
        wanted = call("PUT", "/api/trained-models/{name}", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def train_model(
        self, name: str, body: JsonObject | None = None
    ) -> Envelope[models.TrainedVersion]:
        """Train a version: a classifier on the cases of a gold set, a prediction on the records
        that the key may read. It is measured beside the running version, and answers nowhere
        before it is promoted."""
        wanted = call("POST", "/api/trained-models/{name}/versions", {"name": name}, json=body)
        return Envelope(self._send(wanted))

    def get_trained_version(self, name: str, version: str) -> Envelope[models.TrainedVersion]:
        """One version: how far its training is, its card, how it compares with the one that was
        running then, and how many patients it learned from were erased since."""
        wanted = call(
            "GET",
            "/api/trained-models/{name}/versions/{version}",
            {"name": name, "version": version},
        )
        return Envelope(self._send(wanted))

    def promote_trained_version(self, name: str, version: str) -> Envelope[models.TrainedPromotion]:
        """Let a version answer from here on, an earlier one too. 422 with the failing cases
        when a gate does not let it pass."""
        wanted = call(
            "POST",
            "/api/trained-models/{name}/versions/{version}/promote",
            {"name": name, "version": version},
        )
        return Envelope(self._send(wanted))

    def withdraw_trained_version(self, name: str, version: str) -> Envelope[models.TrainedVersion]:
        """Forget what a version learned: it never answers again, its card stays. 409 for the
        running one."""
        wanted = call(
            "POST",
            "/api/trained-models/{name}/versions/{version}/withdraw",
            {"name": name, "version": version},
        )
        return Envelope(self._send(wanted))

    def get_drift(self) -> Envelope[models.Drift]:
        """How the watch looks, what it knows of each model in each step, and demotions."""
        wanted = call("GET", "/api/drift", {})
        return Envelope(self._send(wanted))

    def put_drift_settings(self, body: JsonObject) -> Envelope[models.DriftSettings]:
        """How the watch looks from here on; what is not given is as shipped."""
        wanted = call("PUT", "/api/drift/settings", {}, json=body)
        return Envelope(self._send(wanted))

    def demote_model(self, body: JsonObject) -> Envelope[list[models.Demotion]]:
        """Let a model's word count for nothing in a workflow, until somebody lifts it."""
        wanted = call("POST", "/api/drift/demotions", {}, json=body)
        return Envelope(self._send(wanted))

    def lift_demotion(self, demotion_id: str, body: JsonObject) -> Envelope[list[models.Demotion]]:
        """Trust the model again, for a `reason`; the watch takes its next cases as the
        reference."""
        wanted = call(
            "POST",
            "/api/drift/demotions/{demotion_id}/lift",
            {"demotion_id": demotion_id},
            json=body,
        )
        return Envelope(self._send(wanted))


class Decisions:
    """Operations on decisions."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_decisions(self, *, run: str | None = None) -> Envelope[list[models.DecisionListed]]:
        """The AI decisions of a run, in the order in which they were made."""
        wanted = call("GET", "/api/decisions", {}, query={"run": run})
        return Envelope(self._send(wanted))

    def explain_decision(
        self, run_id: str, path: str, *, iteration: str | None = None
    ) -> Envelope[models.DecisionExplained]:
        """One decision: what answered, from what, which rules fired, who reviewed it, what was
        written, and whether the audit rows it is rebuilt from are what was signed."""
        wanted = call(
            "GET",
            "/api/decisions/{run_id}/{path}",
            {"run_id": run_id, "path": path},
            query={"iteration": iteration},
        )
        return Envelope(self._send(wanted))


class Ai:
    """Operations on ai."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def explain_image(
        self, *, uri: str | None = None, model: str | None = None
    ) -> Envelope[models.ImageExplanation]:
        """How much each part of the image's centre square mattered, worked out anew: a grid of
        `size` rows and columns, 0 to 1. 422 for an image that the model cannot assess, or a
        model that explains nothing."""
        wanted = call("GET", "/api/image-explanations", {}, query={"uri": uri, "model": model})
        return Envelope(self._send(wanted))


class Referral:
    """Operations on referral."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def upload_referral(self, file: tuple[str, bytes, str]) -> models.ReferralText:
        """The text of a referral PDF, at most 500 characters, by OCR where need be. Nothing is
        kept."""
        wanted = call("POST", "/upload-referral/", {}, files={"file": file})
        result: models.ReferralText = wrapped(self._send(wanted))
        return result

    def triage_referral(self, file: tuple[str, bytes, str]) -> models.Triage:
        """Urgency and confidence of a referral, and whether the team was told. The same letter
        again gets the first answer, and the team no second message. 503 when the team could not
        be told yet: the referral is kept; send it again."""
        wanted = call("POST", "/triage-referral/", {}, files={"file": file})
        result: models.Triage = wrapped(self._send(wanted))
        return result

    def get_referral(self, referral_id: str) -> Envelope[models.Referral]:
        """A triaged referral with its text: where the link in the team's notice leads."""
        wanted = call("GET", "/referrals/{referral_id}", {"referral_id": referral_id})
        return Envelope(self._send(wanted))


class Identity:
    """Operations on identity."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def open_browser_session(self, body: JsonObject) -> Envelope[models.SignedIn]:
        """Sign in to the pages with a key: sets the cookie, and ends the session there was
        before."""
        wanted = call("POST", "/api/browser-session", {}, json=body)
        return Envelope(self._send(wanted))

    def close_browser_session(self) -> Envelope[models.BrowserSessionEnded]:
        """Sign out: the session ends everywhere at once, and the cookie goes."""
        wanted = call("DELETE", "/api/browser-session", {})
        return Envelope(self._send(wanted))

    def list_browser_sessions(self) -> Envelope[list[models.BrowserSession]]:
        """One's own sessions: which browsers are signed in, since when."""
        wanted = call("GET", "/api/browser-sessions", {})
        return Envelope(self._send(wanted))

    def close_other_browser_sessions(self) -> Envelope[models.BrowserSessionsEnded]:
        """End all of one's own sessions but the one that asks."""
        wanted = call("DELETE", "/api/browser-sessions", {})
        return Envelope(self._send(wanted))

    def close_one_browser_session(
        self, browser_session_id: str
    ) -> Envelope[models.BrowserSessionEnded]:
        """End one of one's own sessions, for example of a browser that was lost."""
        wanted = call(
            "DELETE",
            "/api/browser-sessions/{browser_session_id}",
            {"browser_session_id": browser_session_id},
        )
        return Envelope(self._send(wanted))

    def get_me(self) -> Envelope[models.Me]:
        """Who asks, where, and what they may do; in a browser session with its CSRF token."""
        wanted = call("GET", "/api/me", {})
        return Envelope(self._send(wanted))

    def list_keys(self) -> Envelope[list[models.Key]]:
        """The keys there are, never their text: whose, with which roles, when used."""
        wanted = call("GET", "/api/keys", {})
        return Envelope(self._send(wanted))

    def create_key(self, body: JsonObject) -> Envelope[models.KeyMade]:
        """A key for a principal, which is made when it is given roles or grants. The key is
        shown this once."""
        wanted = call("POST", "/api/keys", {}, json=body)
        return Envelope(self._send(wanted))

    def revoke_key(self, key_id: str) -> Envelope[models.KeyRevoked]:
        """End a key for good, and the browser sessions that were opened with it."""
        wanted = call("DELETE", "/api/keys/{key_id}", {"key_id": key_id})
        return Envelope(self._send(wanted))

    def list_principals(self) -> Envelope[list[models.Principal]]:
        """Users and services with their roles and grants."""
        wanted = call("GET", "/api/principals", {})
        return Envelope(self._send(wanted))

    def change_principal(self, principal_id: str, body: JsonObject) -> Envelope[models.Principal]:
        """Set the roles or the grants of a principal, or disable it; its keys and sessions
        follow."""
        wanted = call(
            "PATCH", "/api/principals/{principal_id}", {"principal_id": principal_id}, json=body
        )
        return Envelope(self._send(wanted))

    def list_roles(self) -> Envelope[list[models.Role]]:
        """The roles that there are with their grants, and those of the tenant's own."""
        wanted = call("GET", "/api/roles", {})
        return Envelope(self._send(wanted))

    def put_role(self, role: str, body: JsonObject) -> Envelope[models.Role]:
        """Make or change a role of the tenant's own."""
        wanted = call("PUT", "/api/roles/{role}", {"role": role}, json=body)
        return Envelope(self._send(wanted))


class DataStore:
    """Operations on data store."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def create_fhir_store(self, body: JsonObject) -> Envelope[models.FhirStore]:
        """Make a FHIR store with its own base URL and key; the key is shown this once."""
        wanted = call("POST", "/api/fhirserver/create", {}, json=body)
        return Envelope(self._send(wanted))

    def list_fhir_stores(self) -> Envelope[list[models.FhirStore]]:
        """The tenant's FHIR stores."""
        wanted = call("GET", "/api/fhirserver/list", {})
        return Envelope(self._send(wanted))

    def get_fhir_store(self, server_id: str) -> Envelope[models.FhirStore]:
        """One FHIR store: where it is, and its state."""
        wanted = call("GET", "/api/fhirserver/{server_id}", {"server_id": server_id})
        return Envelope(self._send(wanted))

    def update_fhir_store(self, server_id: str, body: JsonObject) -> Envelope[models.FhirStore]:
        """Change the name, the description or the settings of a FHIR store."""
        wanted = call("PATCH", "/api/fhirserver/{server_id}", {"server_id": server_id}, json=body)
        return Envelope(self._send(wanted))

    def delete_fhir_store(
        self, server_id: str, *, confirm: str | None = None
    ) -> Envelope[models.FhirStoreDeleted]:
        """Delete a FHIR store; one that holds resources, only with `confirm` = its id."""
        wanted = call(
            "DELETE",
            "/api/fhirserver/{server_id}",
            {"server_id": server_id},
            query={"confirm": confirm},
        )
        return Envelope(self._send(wanted))

    def renew_fhir_store_key(self, server_id: str) -> Envelope[models.FhirStore]:
        """Give a FHIR store a new key, shown this once; the one before ends."""
        wanted = call("POST", "/api/fhirserver/{server_id}/key", {"server_id": server_id})
        return Envelope(self._send(wanted))


class Webhooks:
    """Operations on webhooks."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def receive_webhook(
        self, endpoint: str, path: str, body: JsonObject
    ) -> Envelope[models.Delivery]:
        """Take a signed delivery: kept, with its event, before this answers. A repeat of its id
        gets the same answer and starts nothing again."""
        wanted = call(
            "POST", "/hooks/{endpoint}/{path}", {"endpoint": endpoint, "path": path}, json=body
        )
        return Envelope(self._send(wanted))

    def list_webhooks(self) -> Envelope[models.Webhooks]:
        """The store's address for webhooks, the paths that workflows listen at, its secrets by
        name."""
        wanted = call("GET", "/api/webhooks", {})
        return Envelope(self._send(wanted))

    def put_webhook_secret(
        self, name: str, body: JsonObject | None = None
    ) -> Envelope[models.WebhookSecret]:
        """Make or keep a signing secret; it is shown in this answer only. The earlier ones of
        the name stay valid for a day, or for `keepPreviousFor` seconds, so that senders can
        change over."""
        wanted = call("PUT", "/api/webhooks/secrets/{name}", {"name": name}, json=body)
        return Envelope(self._send(wanted))


class Work:
    """Operations on work."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def list_work(
        self, *, queue: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.WorkOpen]]:
        """Work that is not done, oldest first, without what it carries."""
        wanted = call("GET", "/api/work", {}, query={"queue": queue, "limit": limit})
        return Envelope(self._send(wanted))

    def poll_work(self, queue: str, body: JsonObject | None = None) -> Envelope[list[models.Work]]:
        """Take work of a queue under a lease; waits up to `wait` seconds for the first
        piece."""
        wanted = call("POST", "/api/work/{queue}/poll", {"queue": queue}, json=body)
        return Envelope(self._send(wanted))

    def beat_work(self, work_id: str, body: JsonObject) -> Envelope[models.WorkWanted]:
        """A sign of life, which makes the lease whole again; `progress` is shown to whoever
        looks."""
        wanted = call("POST", "/api/work/{work_id}/beat", {"work_id": work_id}, json=body)
        return Envelope(self._send(wanted))

    def complete_work(self, work_id: str, body: JsonObject) -> Envelope[models.WorkSettled]:
        """The work is done; the run goes on with `result`. 409 when the lease ran out."""
        wanted = call("POST", "/api/work/{work_id}/complete", {"work_id": work_id}, json=body)
        return Envelope(self._send(wanted))

    def fail_work(self, work_id: str, body: JsonObject) -> Envelope[models.WorkSettled]:
        """The work failed, for now (`retryable`) or for good."""
        wanted = call("POST", "/api/work/{work_id}/fail", {"work_id": work_id}, json=body)
        return Envelope(self._send(wanted))


class Operation:
    """Operations on operation."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def live(self) -> models.Health:
        """The process answers."""
        wanted = call("GET", "/health/live", {})
        result: models.Health = wrapped(self._send(wanted))
        return result

    def ready(self) -> models.Health:
        """The database answers too, and runs are carried out; 503 while one of them is not
        so."""
        wanted = call("GET", "/health/ready", {})
        result: models.Health = wrapped(self._send(wanted))
        return result

    def metrics(self) -> Any:
        """Prometheus text; no patient data in any label."""
        wanted = call("GET", "/metrics", {})
        return self._send(wanted)

    def list_step_types(self) -> Envelope[list[models.StepType]]:
        """Every step type with its schema: forms, verification and rollback all read it."""
        wanted = call("GET", "/api/step-types", {})
        return Envelope(self._send(wanted))


class Policy:
    """Operations on policy."""

    def __init__(self, transport: Transport) -> None:
        self._send = transport.send

    def put_policy(self, definition: JsonObject | str) -> Envelope[models.PolicyKept]:
        """Keep a new version of the policy file, unless nothing changed: YAML, or the same as
        JSON. It holds from here on, at deployment and at run time; `affected` are deployed
        workflows that it refuses, with why."""
        wanted = call(
            "PUT",
            "/api/policy",
            {},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(self._send(wanted))

    def get_policy(self, *, version: int | None = None) -> Envelope[models.Policy]:
        """The policy file that holds, or an earlier version, as it was written."""
        wanted = call("GET", "/api/policy", {}, query={"version": version})
        return Envelope(self._send(wanted))

    def list_policy_versions(self) -> Envelope[list[models.PolicyVersion]]:
        """Every version of the policy file, newest first."""
        wanted = call("GET", "/api/policy/versions", {})
        return Envelope(self._send(wanted))


class Groups:
    """Every group of operations."""

    def __init__(self, transport: Transport) -> None:
        self.workflow = Workflow(transport)
        self.versions = Versions(transport)
        self.drafts = Drafts(transport)
        self.components = Components(transport)
        self.models = Models(transport)
        self.worker = Worker(transport)
        self.session = Session(transport)
        self.knowledge = Knowledge(transport)
        self.task = Task(transport)
        self.pipelines = Pipelines(transport)
        self.file = File(transport)
        self.connection = Connection(transport)
        self.evaluation = Evaluation(transport)
        self.decisions = Decisions(transport)
        self.ai = Ai(transport)
        self.referral = Referral(transport)
        self.identity = Identity(transport)
        self.data_store = DataStore(transport)
        self.webhooks = Webhooks(transport)
        self.work = Work(transport)
        self.operation = Operation(transport)
        self.policy = Policy(transport)


class AsyncWorkflow:
    """Operations on workflow."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def control_runs(self, body: JsonObject) -> Envelope[models.RunsAsked]:
        """Do one thing to many runs, named or found by a filter; the outcome of each."""
        wanted = call("POST", "/api/workflows/runs/bulk", {}, json=body)
        return Envelope(await self._send(wanted))

    async def pause_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Let a run and its children rest after the step they are at; a finished one is 422."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/pause", {"run_id": run_id})
        return Envelope(await self._send(wanted))

    async def resume_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Let a paused run and its children go on."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/resume", {"run_id": run_id})
        return Envelope(await self._send(wanted))

    async def cancel_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Ask a run and its children to stop; a finished one is 422."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/cancel", {"run_id": run_id})
        return Envelope(await self._send(wanted))

    async def rollback_run(self, run_id: str) -> Envelope[models.RunAsked]:
        """Undo the completed steps of a run, last first; also of one that has ended."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/rollback", {"run_id": run_id})
        return Envelope(await self._send(wanted))

    async def retry_run(
        self, run_id: str, body: JsonObject | None = None
    ) -> Envelope[models.RunRetried]:
        """Start a run that takes this one's place: from the step that failed, or `from`
        another, with another `input`, on another `version`."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/retry", {"run_id": run_id}, json=body)
        return Envelope(await self._send(wanted))

    async def list_dead_letters(
        self,
        *,
        workflow: str | None = None,
        code: str | None = None,
        version: int | None = None,
        step: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[models.DeadLetters]:
        """What failed and waits for somebody: by cause, then one by one, newest first."""
        wanted = call(
            "GET",
            "/api/workflows/dead-letters",
            {},
            query={
                "workflow": workflow,
                "code": code,
                "version": version,
                "step": step,
                "before": before,
                "limit": limit,
            },
        )
        return Envelope(await self._send(wanted))

    async def get_dead_letter(self, letter_id: str) -> Envelope[models.DeadLetterDetail]:
        """One dead letter with what it was started with."""
        wanted = call("GET", "/api/workflows/dead-letters/{letter_id}", {"letter_id": letter_id})
        return Envelope(await self._send(wanted))

    async def resend_dead_letter(
        self, letter_id: str, body: JsonObject | None = None
    ) -> Envelope[models.RunRetried | models.DeadLetterSettled]:
        """Send it again: an event to the workflow that could not read it; a run as `retryRun`
        does."""
        wanted = call(
            "POST",
            "/api/workflows/dead-letters/{letter_id}/resend",
            {"letter_id": letter_id},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def discard_dead_letter(
        self, letter_id: str, body: JsonObject
    ) -> Envelope[models.DeadLetterSettled]:
        """Let it be, with a reason."""
        wanted = call(
            "POST",
            "/api/workflows/dead-letters/{letter_id}/discard",
            {"letter_id": letter_id},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def list_runs(
        self,
        *,
        workflow: str | None = None,
        status: Literal[
            "running",
            "waiting",
            "held",
            "paused",
            "succeeded",
            "failed",
            "cancelled",
            "rolled_back",
        ]
        | None = None,
        version: int | None = None,
        code: str | None = None,
        text: str | None = None,
        parent: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        gantt: bool | None = None,
    ) -> Envelope[list[models.RunSummary]]:
        """Runs, newest first; page with the last id as `before`."""
        wanted = call(
            "GET",
            "/api/workflows/runs",
            {},
            query={
                "workflow": workflow,
                "status": status,
                "version": version,
                "code": code,
                "text": text,
                "parent": parent,
                "from": from_,
                "to": to,
                "before": before,
                "limit": limit,
                "gantt": gantt,
            },
        )
        return Envelope(await self._send(wanted))

    async def get_run(
        self, run_id: str, *, after: int | None = None, limit: int | None = None
    ) -> Envelope[models.Run]:
        """One run: steps, attempts, output, error, cause, timings. Of a long run a page of
        steps."""
        wanted = call(
            "GET",
            "/api/workflows/runs/{run_id}",
            {"run_id": run_id},
            query={"after": after, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def get_run_audit(self, run_id: str) -> Envelope[models.AuditExport]:
        """The run's audit rows with the chain's proof; by Accept JSON, NDJSON, CSV or FHIR."""
        wanted = call("GET", "/api/workflows/runs/{run_id}/audit", {"run_id": run_id})
        return Envelope(await self._send(wanted))

    async def get_run_timeline(
        self, run_id: str, *, after: int | None = None, limit: int | None = None
    ) -> Envelope[models.Timeline]:
        """When each step, attempt and wait of a run took place; no payloads."""
        wanted = call(
            "GET",
            "/api/workflows/runs/{run_id}/timeline",
            {"run_id": run_id},
            query={"after": after, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def get_workflow_schema(self) -> models.JsonSchema:
        """JSON Schema 2020-12 of a definition, with every step type of this installation."""
        wanted = call("GET", "/api/workflows/schema", {})
        result: models.JsonSchema = wrapped(await self._send(wanted))
        return result

    async def get_trigger_graph(self) -> Envelope[models.TriggerGraph]:
        """Which workflow may start which, by what it writes or as its child: cascades, loops,
        and orphans, which nothing starts."""
        wanted = call("GET", "/api/workflows/graph", {})
        return Envelope(await self._send(wanted))

    async def create_workflow(
        self, definition: JsonObject | str, *, mode: Literal["compat", "strict"] | None = None
    ) -> Envelope[models.Deployed]:
        """Deploy a workflow from YAML or JSON; the answer carries receipts of repairs."""
        wanted = call(
            "POST",
            "/api/workflows",
            {},
            query={"mode": mode},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(await self._send(wanted))

    async def list_workflows(self) -> Envelope[list[models.Workflow]]:
        """Every workflow of the store, newest versions."""
        wanted = call("GET", "/api/workflows", {})
        return Envelope(await self._send(wanted))

    async def validate_workflow(
        self, definition: JsonObject | str, *, mode: Literal["compat", "strict"] | None = None
    ) -> Envelope[models.Checked]:
        """What a deployment would say; nothing is stored."""
        wanted = call(
            "POST",
            "/api/workflows/validate",
            {},
            query={"mode": mode},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(await self._send(wanted))

    async def get_workflow(self, workflow_id: str) -> Envelope[models.WorkflowDetail]:
        """One workflow: canonical definition, and the source as it was handed in."""
        wanted = call("GET", "/api/workflows/{workflow_id}", {"workflow_id": workflow_id})
        return Envelope(await self._send(wanted))

    async def update_workflow(
        self,
        workflow_id: str,
        definition: JsonObject | str,
        *,
        mode: Literal["compat", "strict"] | None = None,
    ) -> Envelope[models.Deployed]:
        """Deploy a new version of a workflow."""
        wanted = call(
            "PUT",
            "/api/workflows/{workflow_id}",
            {"workflow_id": workflow_id},
            query={"mode": mode},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(await self._send(wanted))

    async def execute_workflow(
        self,
        workflow_id: str,
        body: JsonObject | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Envelope[models.RunStarted]:
        """Start a run; the body becomes `trigger`. 422 when the input misses what the steps
        need. With an Idempotency-Key the same request again is answered, with 200, by the run
        that there is."""
        wanted = call(
            "POST",
            "/api/workflows/{workflow_id}/execute",
            {"workflow_id": workflow_id},
            headers={"Idempotency-Key": idempotency_key or new_key()},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def pause_workflow(self, workflow_id: str) -> Envelope[models.Workflow]:
        """Let no event start a run of it until it is resumed, whatever is deployed; what
        happens meanwhile starts none later either. Runs that are under way go on, and execute
        still works."""
        wanted = call("POST", "/api/workflows/{workflow_id}/pause", {"workflow_id": workflow_id})
        return Envelope(await self._send(wanted))

    async def resume_workflow(self, workflow_id: str) -> Envelope[models.Workflow]:
        """Let events start runs of it again."""
        wanted = call("POST", "/api/workflows/{workflow_id}/resume", {"workflow_id": workflow_id})
        return Envelope(await self._send(wanted))

    async def send_event(
        self, name: str, body: JsonObject | None = None, *, idempotency_key: str | None = None
    ) -> Envelope[models.EventSent]:
        """Send an event by name and key to the run that has waited longest for it; one that no
        run waits for yet is kept. An `Idempotency-Key`, or `id` in the body, makes a repeat
        harmless."""
        wanted = call(
            "POST",
            "/api/events/{name}",
            {"name": name},
            headers={"idempotency-key": idempotency_key},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def list_schedules(self) -> Envelope[list[models.Schedule]]:
        """Every schedule of the store: its next five times, its last firing, what it missed."""
        wanted = call("GET", "/api/schedules", {})
        return Envelope(await self._send(wanted))

    async def analyze_runs(
        self,
        *,
        workflow: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        bucket: Literal["minute", "hour", "day"] | None = None,
    ) -> Envelope[models.RunFigures]:
        """How runs go: now, in a period (by default the last day), by workflow, by step, and
        what waits for people."""
        wanted = call(
            "GET",
            "/api/analytics/runs",
            {},
            query={"workflow": workflow, "from": from_, "to": to, "bucket": bucket},
        )
        return Envelope(await self._send(wanted))

    async def find_anomalies(
        self,
        *,
        workflow: str | None = None,
        search: str | None = None,
        by: str | None = None,
        days: int | None = None,
    ) -> Envelope[models.Anomalies]:
        """Unusual days of the latest, today left out: of the runs, in all or of a workflow, or
        of what a FHIR search finds by a date. Each with its value, what is usual on that
        weekday, and the distance."""
        wanted = call(
            "GET",
            "/api/analytics/anomalies",
            {},
            query={"workflow": workflow, "search": search, "by": by, "days": days},
        )
        return Envelope(await self._send(wanted))

    async def measure_workflow(
        self, workflow_id: str, *, from_: str | None = None, to: str | None = None
    ) -> Envelope[models.Kpis]:
        """The KPIs of a workflow over the runs that ended in a period, by default the last 30
        days. Those over outputs also need `run:read`."""
        wanted = call(
            "GET",
            "/api/workflows/{workflow_id}/kpis",
            {"workflow_id": workflow_id},
            query={"from": from_, "to": to},
        )
        return Envelope(await self._send(wanted))

    async def preview_runs(self, body: JsonObject) -> Envelope[models.RunPreviews]:
        """What an order to many runs would do, counted; it takes what `controlRuns` takes."""
        wanted = call("POST", "/api/workflows/runs/preview", {}, json=body)
        return Envelope(await self._send(wanted))

    async def preview_run(self, run_id: str, body: JsonObject) -> Envelope[models.RunPreview]:
        """What a retry, a replay, a rollback or a cancellation would do to a run; nothing is
        done."""
        wanted = call("POST", "/api/workflows/runs/{run_id}/preview", {"run_id": run_id}, json=body)
        return Envelope(await self._send(wanted))


class AsyncVersions:
    """Operations on versions."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def get_replay(self, replay_id: str) -> Envelope[models.Replay]:
        """A replay: how far it is, which fields changed in how many runs, and each run's
        changes."""
        wanted = call("GET", "/api/workflows/replays/{replay_id}", {"replay_id": replay_id})
        return Envelope(await self._send(wanted))

    async def cancel_replay(self, replay_id: str) -> Envelope[models.Replay]:
        """Stop a replay; what it found stays."""
        wanted = call("POST", "/api/workflows/replays/{replay_id}/cancel", {"replay_id": replay_id})
        return Envelope(await self._send(wanted))

    async def replay_runs(
        self,
        workflow_id: str,
        body: JsonObject | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Envelope[models.Replay]:
        """Do past runs again on a version or a draft, in memory: nothing is written, sent or
        asked."""
        wanted = call(
            "POST",
            "/api/workflows/{workflow_id}/replay",
            {"workflow_id": workflow_id},
            headers={"Idempotency-Key": idempotency_key},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def list_versions(self, workflow_id: str) -> Envelope[list[models.VersionSummary]]:
        """Every version, newest first, with the runs under way on each."""
        wanted = call("GET", "/api/workflows/{workflow_id}/versions", {"workflow_id": workflow_id})
        return Envelope(await self._send(wanted))

    async def get_version(self, workflow_id: str, number: str) -> Envelope[models.Version]:
        """One version: definition, source, who deployed it and when."""
        wanted = call(
            "GET",
            "/api/workflows/{workflow_id}/versions/{number}",
            {"workflow_id": workflow_id, "number": number},
        )
        return Envelope(await self._send(wanted))

    async def compare_versions(
        self, workflow_id: str, *, from_: int | None = None, to: int | None = None
    ) -> Envelope[models.Difference]:
        """What changed in meaning between two versions, in words and as data; without numbers,
        the newest against the one before."""
        wanted = call(
            "GET",
            "/api/workflows/{workflow_id}/diff",
            {"workflow_id": workflow_id},
            query={"from": from_, "to": to},
        )
        return Envelope(await self._send(wanted))

    async def rollback_workflow(
        self, workflow_id: str, body: JsonObject
    ) -> Envelope[models.Deployed]:
        """Deploy the content of an older version as a new one."""
        wanted = call(
            "POST", "/api/workflows/{workflow_id}/rollback", {"workflow_id": workflow_id}, json=body
        )
        return Envelope(await self._send(wanted))

    async def migrate_runs(self, workflow_id: str, body: JsonObject) -> Envelope[models.Migration]:
        """Move unfinished runs from one version to another, as far as each can go on there;
        with `dryRun` it only says what would become of each."""
        wanted = call(
            "POST", "/api/workflows/{workflow_id}/migrate", {"workflow_id": workflow_id}, json=body
        )
        return Envelope(await self._send(wanted))


class AsyncDrafts:
    """Operations on drafts."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def try_step(self, body: JsonObject) -> Envelope[models.StepTried]:
        """Try one `step` of a `definition` on `pinned` data with every effect off: its input as
        evaluated, its output or what it would have done."""
        wanted = call("POST", "/api/workflows/try-step", {}, json=body)
        return Envelope(await self._send(wanted))

    async def outline_workflow(
        self, body: JsonObject
    ) -> Envelope[models.Outline | models.OutlineOfStep]:
        """Names and JSON types that expressions of a `definition` may read, by step; with
        `step` those of that one, as one list."""
        wanted = call("POST", "/api/workflows/outline", {}, json=body)
        return Envelope(await self._send(wanted))

    async def describe_workflow(self, body: JsonObject) -> Envelope[models.Proposal]:
        """A draft from words, `text`; with a `definition`, what that would become. By the
        configured language model, else by a matcher; what is missing is named, and nothing is
        deployed."""
        wanted = call("POST", "/api/workflows/describe", {}, json=body)
        return Envelope(await self._send(wanted))

    async def list_drafts(
        self, *, workflow: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.DraftSummary]]:
        """Drafts of the store without their content, the last changed first."""
        wanted = call("GET", "/api/drafts", {}, query={"workflow": workflow, "limit": limit})
        return Envelope(await self._send(wanted))

    async def create_draft(self, body: JsonObject) -> Envelope[models.Draft]:
        """Begin a draft from a source, a shipped template or the newest version of a
        workflow."""
        wanted = call("POST", "/api/drafts", {}, json=body)
        return Envelope(await self._send(wanted))

    async def get_draft(self, draft_id: str) -> Envelope[models.Draft]:
        """A draft; its revision is the ETag. Pinned data are shown with run:read."""
        wanted = call("GET", "/api/drafts/{draft_id}", {"draft_id": draft_id})
        return Envelope(await self._send(wanted))

    async def save_draft(self, draft_id: str, body: JsonObject) -> Envelope[models.Draft]:
        """Save a draft on top of the revision in If-Match (or `revision`); what is left out
        stays as it is. 409 names who was faster, and what was sent is kept aside in the
        history."""
        wanted = call("PUT", "/api/drafts/{draft_id}", {"draft_id": draft_id}, json=body)
        return Envelope(await self._send(wanted))

    async def delete_draft(self, draft_id: str) -> Envelope[models.DraftId]:
        """Delete a draft with its history; with If-Match only at that revision."""
        wanted = call("DELETE", "/api/drafts/{draft_id}", {"draft_id": draft_id})
        return Envelope(await self._send(wanted))

    async def list_draft_history(
        self, draft_id: str, *, before: int | None = None, limit: int | None = None
    ) -> Envelope[list[models.DraftRevision]]:
        """Its revisions, newest first: who, when, names, what was published or kept aside."""
        wanted = call(
            "GET",
            "/api/drafts/{draft_id}/history",
            {"draft_id": draft_id},
            query={"before": before, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def get_draft_revision(self, draft_id: str, number: str) -> Envelope[models.Draft]:
        """The draft as it was at one revision."""
        wanted = call(
            "GET",
            "/api/drafts/{draft_id}/history/{number}",
            {"draft_id": draft_id, "number": number},
        )
        return Envelope(await self._send(wanted))

    async def name_draft_revision(
        self, draft_id: str, number: str, body: JsonObject
    ) -> Envelope[models.DraftRevision]:
        """Give a revision a name, so that it is kept; null takes it away."""
        wanted = call(
            "PUT",
            "/api/drafts/{draft_id}/history/{number}",
            {"draft_id": draft_id, "number": number},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def restore_draft(self, draft_id: str, body: JsonObject) -> Envelope[models.Draft]:
        """Make an older `revision` the newest one; nothing of the history goes."""
        wanted = call("POST", "/api/drafts/{draft_id}/restore", {"draft_id": draft_id}, json=body)
        return Envelope(await self._send(wanted))

    async def publish_draft(
        self,
        draft_id: str,
        body: JsonObject | None = None,
        *,
        mode: Literal["compat", "strict"] | None = None,
    ) -> Envelope[models.DraftPublished]:
        """Deploy the draft; the answer has the difference in meaning and the report. `dryRun`
        only says them; `over` is the version that it may replace when others have deployed
        meanwhile."""
        wanted = call(
            "POST",
            "/api/drafts/{draft_id}/publish",
            {"draft_id": draft_id},
            query={"mode": mode},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def test_draft(
        self, draft_id: str, body: JsonObject | None = None
    ) -> Envelope[models.DraftTested]:
        """Start a run of the draft, marked as a test: from an `input`, a `sample` event, the
        input of a past `run`, or the pinned trigger. `effects`: store, all or off."""
        wanted = call("POST", "/api/drafts/{draft_id}/test-run", {"draft_id": draft_id}, json=body)
        return Envelope(await self._send(wanted))

    async def list_templates(self) -> Envelope[list[models.Template]]:
        """Every shipped template: what it does, what it begins with, what it needs."""
        wanted = call("GET", "/api/templates", {})
        return Envelope(await self._send(wanted))

    async def get_template(self, name: str) -> Envelope[models.TemplateDetail]:
        """One template with its YAML and a sample input."""
        wanted = call("GET", "/api/templates/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def list_samples(self) -> Envelope[list[models.Sample]]:
        """Every sample event that a draft can be tested with."""
        wanted = call("GET", "/api/samples", {})
        return Envelope(await self._send(wanted))


class AsyncComponents:
    """Operations on components."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_components(self) -> Envelope[list[models.Component]]:
        """Every component of the store, newest versions."""
        wanted = call("GET", "/api/components", {})
        return Envelope(await self._send(wanted))

    async def get_component(self, kind: str, name: str) -> Envelope[models.ComponentDetail]:
        """One component, and the workflows that use it."""
        wanted = call("GET", "/api/components/{kind}/{name}", {"kind": kind, "name": name})
        return Envelope(await self._send(wanted))

    async def put_component(
        self, kind: str, name: str, body: JsonObject, *, redeploy: bool | None = None
    ) -> Envelope[models.ComponentKept]:
        """Keep a new version, unless nothing changed. The answer names the workflows that use
        it; their deployed versions stay as they are until they are deployed again: `redeploy`
        does it."""
        wanted = call(
            "PUT",
            "/api/components/{kind}/{name}",
            {"kind": kind, "name": name},
            query={"redeploy": redeploy},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def delete_component(self, kind: str, name: str) -> Envelope[models.ComponentName]:
        """Keep it no longer; 409 while workflows use it."""
        wanted = call("DELETE", "/api/components/{kind}/{name}", {"kind": kind, "name": name})
        return Envelope(await self._send(wanted))


class AsyncModels:
    """Operations on models."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_models(self) -> Envelope[list[models.AiModel]]:
        """The language models of the store, with the facts of each."""
        wanted = call("GET", "/api/models", {})
        return Envelope(await self._send(wanted))

    async def get_model(self, name: str) -> Envelope[models.AiModel]:
        """One language model. 404 lists those there are when there is none of the name."""
        wanted = call("GET", "/api/models/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def put_model(self, name: str, body: JsonObject) -> Envelope[models.AiModelPut]:
        """Configure a language model: who serves it, what it may see, where it runs."""
        wanted = call("PUT", "/api/models/{name}", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def delete_model(self, name: str) -> Envelope[models.AiModelDeleted]:
        """Configure it no longer: from here on it is asked by nobody."""
        wanted = call("DELETE", "/api/models/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def test_model(self, name: str) -> Envelope[models.AiModelTest]:
        """Ask the model a word that carries nothing: does it answer, and how long does it
        take?"""
        wanted = call("POST", "/api/models/{name}/test", {"name": name})
        return Envelope(await self._send(wanted))

    async def list_ai_calls(
        self,
        *,
        run: str | None = None,
        session: str | None = None,
        worker: str | None = None,
        model: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.AiCall]]:
        """Calls of language models, newest first: hashes, tokens, cost and time; not what was
        said."""
        wanted = call(
            "GET",
            "/api/ai/calls",
            {},
            query={
                "run": run,
                "session": session,
                "worker": worker,
                "model": model,
                "before": before,
                "limit": limit,
            },
        )
        return Envelope(await self._send(wanted))

    async def get_ai_call(self, call_id: str) -> Envelope[models.AiCallWhole]:
        """One call with what was asked and answered; that it was read is audited."""
        wanted = call("GET", "/api/ai/calls/{call_id}", {"call_id": call_id})
        return Envelope(await self._send(wanted))

    async def redact_text(self, body: JsonObject) -> Envelope[models.Redaction]:
        """The text with placeholders, and what was found where. Nothing of it is kept."""
        wanted = call("POST", "/api/redactions", {}, json=body)
        return Envelope(await self._send(wanted))


class AsyncWorker:
    """Operations on worker."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_workers(self) -> Envelope[list[models.AiWorker]]:
        """The workers of the store, in their newest versions."""
        wanted = call("GET", "/api/workers", {})
        return Envelope(await self._send(wanted))

    async def create_worker(self, body: JsonObject) -> Envelope[models.AiWorker]:
        """Make a worker: a model, instructions, tools and bounds. The same again is the same
        worker."""
        wanted = call("POST", "/api/workers", {}, json=body)
        return Envelope(await self._send(wanted))

    async def get_worker(self, worker_id: str) -> Envelope[models.AiWorker]:
        """One worker, by id or name."""
        wanted = call("GET", "/api/workers/{worker_id}", {"worker_id": worker_id})
        return Envelope(await self._send(wanted))

    async def update_worker(self, worker_id: str, body: JsonObject) -> Envelope[models.AiWorker]:
        """A new version, unless nothing changed; keys that are not given stay as they are.
        Sessions that there are keep their version."""
        wanted = call("PUT", "/api/workers/{worker_id}", {"worker_id": worker_id}, json=body)
        return Envelope(await self._send(wanted))

    async def list_worker_versions(self, worker_id: str) -> Envelope[list[models.AiWorkerVersion]]:
        """Every version of a worker, newest first."""
        wanted = call("GET", "/api/workers/{worker_id}/versions", {"worker_id": worker_id})
        return Envelope(await self._send(wanted))


class AsyncSession:
    """Operations on session."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def create_session(self, body: JsonObject) -> Envelope[models.AiSession]:
        """Begin a conversation with a worker; `metadata.patientId` pins it to that patient."""
        wanted = call("POST", "/api/sessions", {}, json=body)
        return Envelope(await self._send(wanted))

    async def list_sessions(
        self,
        *,
        worker: str | None = None,
        patient: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.AiSession]]:
        """Conversations, newest first."""
        wanted = call(
            "GET",
            "/api/sessions",
            {},
            query={"worker": worker, "patient": patient, "before": before, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def get_session(self, session_id: str) -> Envelope[models.Session]:
        """A session: of a conversation, or of a run, with what was said, derived from the
        journal."""
        wanted = call("GET", "/api/sessions/{session_id}", {"session_id": session_id})
        return Envelope(await self._send(wanted))

    async def send_message(
        self,
        session_id: str,
        body: JsonObject,
        *,
        wait: float | None = None,
        idempotency_key: str | None = None,
    ) -> Envelope[models.AiMessageSent]:
        """Say something. The message is kept and its task begun when this answers; with `wait`,
        the answer comes along when it is there within so many seconds."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/messages",
            {"session_id": session_id},
            query={"wait": wait},
            headers={"idempotency-key": idempotency_key},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def list_session_messages(
        self, session_id: str, *, after: int | None = None, limit: int | None = None
    ) -> Envelope[list[models.AiMessage]]:
        """What was said in a conversation, oldest first; page with the last `turn` as
        `after`."""
        wanted = call(
            "GET",
            "/api/sessions/{session_id}/messages",
            {"session_id": session_id},
            query={"after": after, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def list_session_tasks(self, session_id: str) -> Envelope[list[models.AiTask]]:
        """The tasks of a conversation, one for each message, oldest first."""
        wanted = call("GET", "/api/sessions/{session_id}/tasks", {"session_id": session_id})
        return Envelope(await self._send(wanted))

    async def get_session_task(self, session_id: str, task_id: str) -> Envelope[models.AiTask]:
        """One task: its answer, the tool calls that it waits for, or why it failed."""
        wanted = call(
            "GET",
            "/api/sessions/{session_id}/tasks/{task_id}",
            {"session_id": session_id, "task_id": task_id},
        )
        return Envelope(await self._send(wanted))

    async def submit_tool_outputs(
        self, session_id: str, task_id: str, body: JsonObject
    ) -> Envelope[models.AiTask]:
        """Hand in what your own functions gave; the task goes on."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/tasks/{task_id}/outputs",
            {"session_id": session_id, "task_id": task_id},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def cancel_session_task(self, session_id: str, task_id: str) -> Envelope[models.AiTask]:
        """Cancel a task that is open."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/tasks/{task_id}/cancel",
            {"session_id": session_id, "task_id": task_id},
        )
        return Envelope(await self._send(wanted))

    async def resume_session_task(self, session_id: str, task_id: str) -> Envelope[models.AiTask]:
        """Take up a task that failed or was cancelled; received answers are not asked for
        again."""
        wanted = call(
            "POST",
            "/api/sessions/{session_id}/tasks/{task_id}/resume",
            {"session_id": session_id, "task_id": task_id},
        )
        return Envelope(await self._send(wanted))

    async def cancel_session(self, session_id: str) -> Envelope[models.AiSession]:
        """End a conversation: open tasks are cancelled, and no message is taken."""
        wanted = call("POST", "/api/sessions/{session_id}/cancel", {"session_id": session_id})
        return Envelope(await self._send(wanted))

    async def resume_session(self, session_id: str) -> Envelope[models.AiSession]:
        """Let a cancelled conversation take messages again."""
        wanted = call("POST", "/api/sessions/{session_id}/resume", {"session_id": session_id})
        return Envelope(await self._send(wanted))


class AsyncKnowledge:
    """Operations on knowledge."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_knowledge_collections(self) -> Envelope[list[models.KnowledgeCollection]]:
        """The collections of the store, with how much they hold and how much of it is
        embedded."""
        wanted = call("GET", "/api/knowledge", {})
        return Envelope(await self._send(wanted))

    async def put_knowledge_collection(
        self, collection: str, body: JsonObject
    ) -> Envelope[models.KnowledgeCollection]:
        """Make a collection, or change its description, language or embedding model; what is
        not given stays."""
        wanted = call("PUT", "/api/knowledge/{collection}", {"collection": collection}, json=body)
        return Envelope(await self._send(wanted))

    async def list_knowledge_documents(
        self, collection: str
    ) -> Envelope[list[models.KnowledgeDocument]]:
        """The documents of a collection, without their texts."""
        wanted = call("GET", "/api/knowledge/{collection}", {"collection": collection})
        return Envelope(await self._send(wanted))

    async def delete_knowledge_collection(
        self, collection: str
    ) -> Envelope[models.KnowledgeCollectionName]:
        """Delete a collection with all it holds."""
        wanted = call("DELETE", "/api/knowledge/{collection}", {"collection": collection})
        return Envelope(await self._send(wanted))

    async def search_knowledge(
        self, collection: str, *, q: str | None = None, limit: int | None = None
    ) -> Envelope[models.KnowledgeFound]:
        """The passages that answer best, by words and, where the collection has a model, by
        meaning. The question holds no patient data."""
        wanted = call(
            "GET",
            "/api/knowledge/{collection}/search",
            {"collection": collection},
            query={"q": q, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def reindex_knowledge(self, collection: str) -> Envelope[models.KnowledgeReindexed]:
        """Make the embeddings that are missing, or of another model than the collection's, for
        at most 30 seconds; `pending` are those that are left."""
        wanted = call("POST", "/api/knowledge/{collection}/reindex", {"collection": collection})
        return Envelope(await self._send(wanted))

    async def put_knowledge_document(
        self, collection: str, document_id: str, content: bytes | str, *, title: str | None = None
    ) -> Envelope[models.KnowledgeDocument]:
        """Keep a document: Markdown, plain text or PDF, by its Content-Type. Another content is
        a new version."""
        wanted = call(
            "PUT",
            "/api/knowledge/{collection}/{document_id}",
            {"collection": collection, "document_id": document_id},
            query={"title": title},
            content=content,
        )
        return Envelope(await self._send(wanted))

    async def get_knowledge_document(
        self, collection: str, document_id: str, *, version: int | None = None
    ) -> Envelope[models.KnowledgeDocumentWhole]:
        """A document with its text, as it is now or was in a version."""
        wanted = call(
            "GET",
            "/api/knowledge/{collection}/{document_id}",
            {"collection": collection, "document_id": document_id},
            query={"version": version},
        )
        return Envelope(await self._send(wanted))

    async def delete_knowledge_document(
        self, collection: str, document_id: str
    ) -> Envelope[models.KnowledgeDocumentName]:
        """Delete a document with all its versions."""
        wanted = call(
            "DELETE",
            "/api/knowledge/{collection}/{document_id}",
            {"collection": collection, "document_id": document_id},
        )
        return Envelope(await self._send(wanted))


class AsyncTask:
    """Operations on task."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_tasks(
        self,
        *,
        status: Literal["open", "requested", "accepted", "completed", "rejected", "cancelled"]
        | None = None,
        queue: str | None = None,
        group: str | None = None,
        mine: bool | None = None,
        unassigned: bool | None = None,
        assignee: str | None = None,
        overdue: bool | None = None,
        sla: Literal["warning", "breached"] | None = None,
        priority: Literal["stat", "asap", "urgent", "routine"] | None = None,
        kind: Literal["task", "form", "approval"] | None = None,
        workflow: str | None = None,
        run: str | None = None,
        patient: str | None = None,
        snoozed: bool | None = None,
        sort: Literal["priority", "age"] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.Task]]:
        """Human tasks that the key may see: open ones first, the most urgent and soonest due
        first."""
        wanted = call(
            "GET",
            "/api/tasks",
            {},
            query={
                "status": status,
                "queue": queue,
                "group": group,
                "mine": mine,
                "unassigned": unassigned,
                "assignee": assignee,
                "overdue": overdue,
                "sla": sla,
                "priority": priority,
                "kind": kind,
                "workflow": workflow,
                "run": run,
                "patient": patient,
                "snoozed": snoozed,
                "sort": sort,
                "after": after,
                "limit": limit,
            },
        )
        return Envelope(await self._send(wanted))

    async def count_tasks(self) -> Envelope[list[models.QueueCounts]]:
        """Open tasks by queue, of those that the key may see."""
        wanted = call("GET", "/api/tasks/counts", {})
        return Envelope(await self._send(wanted))

    async def claim_next_task(
        self, body: JsonObject | None = None
    ) -> Envelope[models.TaskDetail | None]:
        """Take the most urgent task that nobody has: {'queue'?, 'kind'?}; null when there is
        none."""
        wanted = call("POST", "/api/tasks/next", {}, json=body)
        return Envelope(await self._send(wanted))

    async def get_task(
        self, task_id: str, *, lang: str | None = None
    ) -> Envelope[models.TaskDetail]:
        """One human task with what it shows, its comments, votes, draft and decision; its form
        in one of its languages."""
        wanted = call("GET", "/api/tasks/{task_id}", {"task_id": task_id}, query={"lang": lang})
        return Envelope(await self._send(wanted))

    async def snooze_task(self, task_id: str, body: JsonObject) -> Envelope[models.Snoozed]:
        """Put a task off for oneself until a time; others see it as before."""
        wanted = call("POST", "/api/tasks/{task_id}/snooze", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def get_task_history(self, task_id: str) -> Envelope[list[models.TaskEvent]]:
        """Every transition of a task with who and when, from the audit trail."""
        wanted = call("GET", "/api/tasks/{task_id}/history", {"task_id": task_id})
        return Envelope(await self._send(wanted))

    async def claim_task(self, task_id: str) -> Envelope[models.TaskDetail]:
        """Take a task; 409 when somebody else was faster."""
        wanted = call("POST", "/api/tasks/{task_id}/claim", {"task_id": task_id})
        return Envelope(await self._send(wanted))

    async def release_task(self, task_id: str) -> Envelope[models.TaskDetail]:
        """Let a task go, so that others may take it."""
        wanted = call("POST", "/api/tasks/{task_id}/release", {"task_id": task_id})
        return Envelope(await self._send(wanted))

    async def assign_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskChanged]:
        """Give a task to a user, a group or another queue."""
        wanted = call("POST", "/api/tasks/{task_id}/assign", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def delegate_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskChanged]:
        """Hand one's own task to somebody else, with a comment; the history keeps who had
        it."""
        wanted = call("POST", "/api/tasks/{task_id}/delegate", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def comment_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskDetail]:
        """Add a comment, sealed, for everybody who sees the task."""
        wanted = call("POST", "/api/tasks/{task_id}/comments", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def draft_task(self, task_id: str, body: JsonObject) -> Envelope[models.TaskChanged]:
        """Keep answers that are not finished: {'data'} or {'answers'}, unchecked and sealed."""
        wanted = call("PUT", "/api/tasks/{task_id}/draft", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def decide_task(self, task_id: str, body: JsonObject) -> Envelope[models.Decided]:
        """Approve, reject or complete a task; the waiting run goes on."""
        wanted = call("POST", "/api/tasks/{task_id}/decision", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def list_messages(
        self, *, run: str | None = None, before: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.Message]]:
        """Messages that were sent, or captured for want of a connection, newest first; page
        with the last id as `before`."""
        wanted = call(
            "GET", "/api/messages", {}, query={"run": run, "before": before, "limit": limit}
        )
        return Envelope(await self._send(wanted))

    async def list_incidents(
        self,
        *,
        status: Literal["open", "closed"] | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Envelope[list[models.Incident]]:
        """What needs a look, grouped by cause, open ones first; page with the last id as
        `before`."""
        wanted = call(
            "GET", "/api/incidents", {}, query={"status": status, "before": before, "limit": limit}
        )
        return Envelope(await self._send(wanted))

    async def close_incident(self, incident_id: str) -> Envelope[models.IncidentClosed]:
        """Say that somebody has looked; the same cause opens a new incident when it comes
        again."""
        wanted = call("POST", "/api/incidents/{incident_id}/close", {"incident_id": incident_id})
        return Envelope(await self._send(wanted))

    async def list_queues(self) -> Envelope[list[models.Queue]]:
        """The queues that were named, with those who may see and do their tasks."""
        wanted = call("GET", "/api/queues", {})
        return Envelope(await self._send(wanted))

    async def put_queue(self, queue: str, body: JsonObject) -> Envelope[models.Queue]:
        """Name a queue and say who may see and do its tasks."""
        wanted = call("PUT", "/api/queues/{queue}", {"queue": queue}, json=body)
        return Envelope(await self._send(wanted))

    async def list_groups(self) -> Envelope[list[models.Group]]:
        """The groups with their members."""
        wanted = call("GET", "/api/groups", {})
        return Envelope(await self._send(wanted))

    async def put_group(self, group: str, body: JsonObject) -> Envelope[models.Group]:
        """Name a group and its members."""
        wanted = call("PUT", "/api/groups/{group}", {"group": group}, json=body)
        return Envelope(await self._send(wanted))

    async def list_calendars(self) -> Envelope[list[models.CalendarName]]:
        """The business calendars by name."""
        wanted = call("GET", "/api/calendars", {})
        return Envelope(await self._send(wanted))

    async def get_calendar(self, name: str) -> Envelope[models.Calendar]:
        """The rules of a business calendar."""
        wanted = call("GET", "/api/calendars/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def put_calendar(self, name: str, body: JsonObject) -> Envelope[models.Calendar]:
        """Keep opening hours, holidays and days that differ; tasks that are open keep their
        times."""
        wanted = call("PUT", "/api/calendars/{name}", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def link_form(self, task_id: str, body: JsonObject) -> Envelope[models.FormLink]:
        """A link by which somebody without a key fills the form of a task; shown this once."""
        wanted = call("POST", "/api/tasks/{task_id}/link", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def get_form(self, token: str, *, lang: str | None = None) -> Envelope[models.Form]:
        """The form behind a link, with what it begins with and what was kept of it before."""
        wanted = call("GET", "/api/forms/{token}", {"token": token}, query={"lang": lang})
        return Envelope(await self._send(wanted))

    async def fill_form(self, token: str, body: JsonObject) -> Envelope[models.FormFilled]:
        """Complete the form behind a link, once: {'data': {linkId: value}} or {'answers':
        …}."""
        wanted = call("POST", "/api/forms/{token}", {"token": token}, json=body)
        return Envelope(await self._send(wanted))

    async def draft_form(self, token: str, body: JsonObject) -> Envelope[models.FormSaved]:
        """Keep answers that are not finished; the link goes on with them on any device."""
        wanted = call("PUT", "/api/forms/{token}/draft", {"token": token}, json=body)
        return Envelope(await self._send(wanted))

    async def calculate_form(self, token: str, body: JsonObject) -> Envelope[models.Calculated]:
        """What follows from the answers so far: calculated values, and which questions are
        asked."""
        wanted = call("POST", "/api/forms/{token}/calculate", {"token": token}, json=body)
        return Envelope(await self._send(wanted))

    async def list_form_options(
        self,
        token: str,
        *,
        value_set: str | None = None,
        find: str | None = None,
        lang: str | None = None,
    ) -> Envelope[models.FormOptions]:
        """Options of a value set that the form names."""
        wanted = call(
            "GET",
            "/api/forms/{token}/options",
            {"token": token},
            query={"valueSet": value_set, "find": find, "lang": lang},
        )
        return Envelope(await self._send(wanted))

    async def attach_to_form(
        self,
        token: str,
        content: bytes | str,
        *,
        question: str | None = None,
        name: str | None = None,
    ) -> Envelope[models.Attachment]:
        """Hand in a file for a question: the body. The answer is the Attachment to answer
        with."""
        wanted = call(
            "POST",
            "/api/forms/{token}/attachments",
            {"token": token},
            query={"question": question, "name": name},
            content=content,
        )
        return Envelope(await self._send(wanted))

    async def get_task_form(
        self, task_id: str, *, lang: str | None = None
    ) -> Envelope[models.TaskForm]:
        """The form of a task in one of its languages, with the options of its value sets."""
        wanted = call(
            "GET", "/api/tasks/{task_id}/form", {"task_id": task_id}, query={"lang": lang}
        )
        return Envelope(await self._send(wanted))

    async def calculate_task(self, task_id: str, body: JsonObject) -> Envelope[models.Calculated]:
        """What follows from the answers so far: calculated values, and which questions are
        asked."""
        wanted = call("POST", "/api/tasks/{task_id}/calculate", {"task_id": task_id}, json=body)
        return Envelope(await self._send(wanted))

    async def list_task_options(
        self,
        task_id: str,
        *,
        value_set: str | None = None,
        find: str | None = None,
        lang: str | None = None,
    ) -> Envelope[models.FormOptions]:
        """Options of a value set that the form names."""
        wanted = call(
            "GET",
            "/api/tasks/{task_id}/options",
            {"task_id": task_id},
            query={"valueSet": value_set, "find": find, "lang": lang},
        )
        return Envelope(await self._send(wanted))

    async def attach_to_task(
        self,
        task_id: str,
        content: bytes | str,
        *,
        question: str | None = None,
        name: str | None = None,
    ) -> Envelope[models.Attachment]:
        """Hand in a file for a question: the body. The answer is the Attachment to answer
        with."""
        wanted = call(
            "POST",
            "/api/tasks/{task_id}/attachments",
            {"task_id": task_id},
            query={"question": question, "name": name},
            content=content,
        )
        return Envelope(await self._send(wanted))

    async def read_task_attachment(self, task_id: str, attachment_id: str) -> Any:
        """A file that was handed in with a form; the reading is audited."""
        wanted = call(
            "GET",
            "/api/tasks/{task_id}/attachments/{attachment_id}",
            {"task_id": task_id, "attachment_id": attachment_id},
        )
        return await self._send(wanted)


class AsyncPipelines:
    """Operations on pipelines."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_pipelines(self) -> Envelope[list[models.Kept]]:
        """The newest version of every pipeline."""
        wanted = call("GET", "/api/pipelines", {})
        return Envelope(await self._send(wanted))

    async def put_pipeline(self, name: str, body: JsonObject) -> Envelope[models.PipelinePut]:
        """Keep a pipeline; the same content again makes no new version."""
        wanted = call("PUT", "/api/pipelines/{name}", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def get_pipeline(self, name: str) -> Envelope[models.Pipeline]:
        """A pipeline with what its last runs have moved so far, its streams and its
        quarantine."""
        wanted = call("GET", "/api/pipelines/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def list_pipeline_rejects(
        self, name: str, *, after: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.PipelineReject]]:
        """Rows that could not be taken in, with their content, oldest first; the reading is
        audited."""
        wanted = call(
            "GET",
            "/api/pipelines/{name}/rejects",
            {"name": name},
            query={"after": after, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def resubmit_pipeline_rejects(
        self, name: str, body: JsonObject
    ) -> Envelope[models.Resubmitted]:
        """Hand rows of the quarantine, corrected or as they are, to the next run of the
        pipeline."""
        wanted = call("POST", "/api/pipelines/{name}/rejects", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def list_decision_tables(self) -> Envelope[list[models.Kept]]:
        """The newest version of every decision table."""
        wanted = call("GET", "/api/decision-tables", {})
        return Envelope(await self._send(wanted))

    async def put_decision_table(
        self, name: str, body: JsonObject
    ) -> Envelope[models.DecisionTablePut]:
        """Keep a decision table; one with a gap or a forbidden overlap is refused with an
        example."""
        wanted = call("PUT", "/api/decision-tables/{name}", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def get_decision_table(
        self, name: str, *, version: int | None = None
    ) -> Envelope[models.DecisionTable]:
        """A decision table, with its version and hash."""
        wanted = call(
            "GET", "/api/decision-tables/{name}", {"name": name}, query={"version": version}
        )
        return Envelope(await self._send(wanted))


class AsyncFile:
    """Operations on file."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def upload_file(self, file: tuple[str, bytes, str]) -> Envelope[models.StoredFile]:
        """Multipart upload of one file under `file`; its type is read from its bytes."""
        wanted = call("POST", "/api/files", {}, files={"file": file})
        return Envelope(await self._send(wanted))

    async def put_file(
        self, bucket: str, name: str, content: bytes | str
    ) -> Envelope[models.StoredFile]:
        """Store the body under a bucket and name: `dicom://…` or `file://…` afterwards."""
        wanted = call(
            "PUT", "/api/files/{bucket}/{name}", {"bucket": bucket, "name": name}, content=content
        )
        return Envelope(await self._send(wanted))

    async def read_file(self, bucket: str, name: str) -> Any:
        """The stored bytes of `file://{bucket}/{name}`; the reading is audited."""
        wanted = call("GET", "/api/files/{bucket}/{name}", {"bucket": bucket, "name": name})
        return await self._send(wanted)

    async def list_deidentifications(self) -> Envelope[list[models.DeidentificationSummary]]:
        """The newest orders."""
        wanted = call("GET", "/api/deidentifications", {})
        return Envelope(await self._send(wanted))

    async def deidentify_study(
        self, body: JsonObject, *, idempotency_key: str | None = None
    ) -> Envelope[models.Deidentification]:
        """Make a copy of a study without its patient, in the archive as a study of its own."""
        wanted = call(
            "POST",
            "/api/deidentifications",
            {},
            headers={"Idempotency-Key": idempotency_key},
            json=body,
        )
        return Envelope(await self._send(wanted))

    async def get_deidentification(
        self, deidentification_id: str
    ) -> Envelope[models.Deidentification]:
        """An order: how far it is, and what was done to each object."""
        wanted = call(
            "GET",
            "/api/deidentifications/{deidentification_id}",
            {"deidentification_id": deidentification_id},
        )
        return Envelope(await self._send(wanted))

    async def cancel_deidentification(
        self, deidentification_id: str
    ) -> Envelope[models.Deidentification]:
        """Stop an order; the copies that were stored stay."""
        wanted = call(
            "POST",
            "/api/deidentifications/{deidentification_id}/cancel",
            {"deidentification_id": deidentification_id},
        )
        return Envelope(await self._send(wanted))

    async def download_deidentification(self, deidentification_id: str) -> Any:
        """The copies as a zip: `<study>/<series>/<instance>.dcm`."""
        wanted = call(
            "GET",
            "/api/deidentifications/{deidentification_id}/content",
            {"deidentification_id": deidentification_id},
        )
        return await self._send(wanted)


class AsyncConnection:
    """Operations on connection."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_connections(self) -> Envelope[list[models.Connection]]:
        """Every connection, without secrets, with what this process knows of its health."""
        wanted = call("GET", "/api/connections", {})
        return Envelope(await self._send(wanted))

    async def put_connection(
        self, connection_id: str, body: JsonObject
    ) -> Envelope[models.Connection]:
        """Keep a connection of any kind; secrets are sealed and never shown."""
        wanted = call(
            "PUT", "/api/connections/{connection_id}", {"connection_id": connection_id}, json=body
        )
        return Envelope(await self._send(wanted))

    async def test_connection(self, connection_id: str) -> Envelope[models.ConnectionTest]:
        """Ask the peer for a sign of life, with the connection's credentials; nothing is sent
        on."""
        wanted = call(
            "POST", "/api/connections/{connection_id}/test", {"connection_id": connection_id}
        )
        return Envelope(await self._send(wanted))


class AsyncEvaluation:
    """Operations on evaluation."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_evaluations(
        self, *, workflow: str | None = None
    ) -> Envelope[list[models.Evaluation]]:
        """By workflow, step, model and version: how often people agreed with what was
        suggested, with its interval, and whether the stated confidence kept its word; of the
        latest 1,000 decided tasks that the key may see."""
        wanted = call("GET", "/api/evaluations", {}, query={"workflow": workflow})
        return Envelope(await self._send(wanted))

    async def start_evaluation(self, body: JsonObject) -> Envelope[models.EvaluationRun]:
        """Measure a step of a workflow, a worker or a model on a gold set, with every effect
        off; one of the same content that has not ended is gone on with."""
        wanted = call("POST", "/api/evaluations/runs", {}, json=body)
        return Envelope(await self._send(wanted))

    async def list_evaluation_runs(
        self, *, gold_set: str | None = None, subject: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.EvaluationRun]]:
        """What was measured, the latest first."""
        wanted = call(
            "GET",
            "/api/evaluations/runs",
            {},
            query={"goldSet": gold_set, "subject": subject, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def get_evaluation_run(self, evaluation_id: str) -> Envelope[models.EvaluationRun]:
        """One: how far it is, its measures with intervals, the reliability curve, failing cases
        by id."""
        wanted = call(
            "GET", "/api/evaluations/runs/{evaluation_id}", {"evaluation_id": evaluation_id}
        )
        return Envelope(await self._send(wanted))

    async def get_evaluation_case(
        self, evaluation_id: str, case_id: str
    ) -> Envelope[models.EvaluationCase]:
        """What one case was answered, beside what was expected."""
        wanted = call(
            "GET",
            "/api/evaluations/runs/{evaluation_id}/cases/{case_id}",
            {"evaluation_id": evaluation_id, "case_id": case_id},
        )
        return Envelope(await self._send(wanted))

    async def cancel_evaluation(self, evaluation_id: str) -> Envelope[models.EvaluationRun]:
        """Stop one; it counts for nothing."""
        wanted = call(
            "POST", "/api/evaluations/runs/{evaluation_id}/cancel", {"evaluation_id": evaluation_id}
        )
        return Envelope(await self._send(wanted))

    async def choose_threshold(
        self,
        evaluation_id: str,
        *,
        false_positive: float | None = None,
        false_negative: float | None = None,
        review: float | None = None,
    ) -> Envelope[models.EvaluationThreshold]:
        """The confidence below which a person should look, by what errors and a review cost; by
        the gold set's costs when none are given."""
        wanted = call(
            "GET",
            "/api/evaluations/runs/{evaluation_id}/threshold",
            {"evaluation_id": evaluation_id},
            query={
                "falsePositive": false_positive,
                "falseNegative": false_negative,
                "review": review,
            },
        )
        return Envelope(await self._send(wanted))

    async def compare_evaluations(
        self, *, before: str | None = None, after: str | None = None
    ) -> Envelope[models.EvaluationComparison]:
        """Two evaluations on one gold set case by case: gained, lost, the difference with its
        interval, and whether it may be chance."""
        wanted = call(
            "GET", "/api/evaluations/comparison", {}, query={"before": before, "after": after}
        )
        return Envelope(await self._send(wanted))

    async def list_gold_sets(self) -> Envelope[list[models.GoldSet]]:
        """The gold sets of the store, with their sizes and gates."""
        wanted = call("GET", "/api/gold-sets", {})
        return Envelope(await self._send(wanted))

    async def get_gold_set(self, name: str) -> Envelope[models.GoldSet]:
        """One, without its cases."""
        wanted = call("GET", "/api/gold-sets/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def put_gold_set(self, name: str, body: JsonObject) -> Envelope[models.GoldSet]:
        """Make one, or change its settings; with `cases` these take the place of all there
        are."""
        wanted = call("PUT", "/api/gold-sets/{name}", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def delete_gold_set(self, name: str) -> Envelope[models.GoldSetDeleted]:
        """Take one away with its cases and gates; what was measured on it stays."""
        wanted = call("DELETE", "/api/gold-sets/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def list_gold_cases(
        self, name: str, *, after: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.GoldCase]]:
        """Its cases by id: input, what is expected, and of reviewed ones what the AI had
        said."""
        wanted = call(
            "GET",
            "/api/gold-sets/{name}/cases",
            {"name": name},
            query={"after": after, "limit": limit},
        )
        return Envelope(await self._send(wanted))

    async def add_gold_cases(self, name: str, body: JsonObject) -> Envelope[models.GoldCasesAdded]:
        """Add cases, as `cases`, or from tasks that people decided, as `fromTasks`: what the AI
        was given, with the reviewer's words as what is right."""
        wanted = call("POST", "/api/gold-sets/{name}/cases", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def delete_gold_case(self, name: str, case_id: str) -> Envelope[models.GoldCaseDeleted]:
        """Take one case out."""
        wanted = call(
            "DELETE", "/api/gold-sets/{name}/cases/{case_id}", {"name": name, "case_id": case_id}
        )
        return Envelope(await self._send(wanted))

    async def put_evaluation_gates(
        self, name: str, body: JsonObject
    ) -> Envelope[models.EvaluationGates]:
        """What must be measured on this gold set, and how well, before a workflow is deployed;
        in place of the gates there were."""
        wanted = call("PUT", "/api/gold-sets/{name}/gates", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def list_trained_models(self) -> Envelope[list[models.TrainedModel]]:
        """The trained models of the store, and the predictions that come with Careloom."""
        wanted = call("GET", "/api/trained-models", {})
        return Envelope(await self._send(wanted))

    async def get_trained_model(self, name: str) -> Envelope[models.TrainedModelVersions]:
        """One with its versions, the latest first."""
        wanted = call("GET", "/api/trained-models/{name}", {"name": name})
        return Envelope(await self._send(wanted))

    async def put_trained_model(
        self, name: str, body: JsonObject
    ) -> Envelope[models.TrainedModelVersions]:
        """Declare a model: what it looks at, what it learns. Versions that are there stay as
        they are."""
        wanted = call("PUT", "/api/trained-models/{name}", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def train_model(
        self, name: str, body: JsonObject | None = None
    ) -> Envelope[models.TrainedVersion]:
        """Train a version: a classifier on the cases of a gold set, a prediction on the records
        that the key may read. It is measured beside the running version, and answers nowhere
        before it is promoted."""
        wanted = call("POST", "/api/trained-models/{name}/versions", {"name": name}, json=body)
        return Envelope(await self._send(wanted))

    async def get_trained_version(self, name: str, version: str) -> Envelope[models.TrainedVersion]:
        """One version: how far its training is, its card, how it compares with the one that was
        running then, and how many patients it learned from were erased since."""
        wanted = call(
            "GET",
            "/api/trained-models/{name}/versions/{version}",
            {"name": name, "version": version},
        )
        return Envelope(await self._send(wanted))

    async def promote_trained_version(
        self, name: str, version: str
    ) -> Envelope[models.TrainedPromotion]:
        """Let a version answer from here on, an earlier one too. 422 with the failing cases
        when a gate does not let it pass."""
        wanted = call(
            "POST",
            "/api/trained-models/{name}/versions/{version}/promote",
            {"name": name, "version": version},
        )
        return Envelope(await self._send(wanted))

    async def withdraw_trained_version(
        self, name: str, version: str
    ) -> Envelope[models.TrainedVersion]:
        """Forget what a version learned: it never answers again, its card stays. 409 for the
        running one."""
        wanted = call(
            "POST",
            "/api/trained-models/{name}/versions/{version}/withdraw",
            {"name": name, "version": version},
        )
        return Envelope(await self._send(wanted))

    async def get_drift(self) -> Envelope[models.Drift]:
        """How the watch looks, what it knows of each model in each step, and demotions."""
        wanted = call("GET", "/api/drift", {})
        return Envelope(await self._send(wanted))

    async def put_drift_settings(self, body: JsonObject) -> Envelope[models.DriftSettings]:
        """How the watch looks from here on; what is not given is as shipped."""
        wanted = call("PUT", "/api/drift/settings", {}, json=body)
        return Envelope(await self._send(wanted))

    async def demote_model(self, body: JsonObject) -> Envelope[list[models.Demotion]]:
        """Let a model's word count for nothing in a workflow, until somebody lifts it."""
        wanted = call("POST", "/api/drift/demotions", {}, json=body)
        return Envelope(await self._send(wanted))

    async def lift_demotion(
        self, demotion_id: str, body: JsonObject
    ) -> Envelope[list[models.Demotion]]:
        """Trust the model again, for a `reason`; the watch takes its next cases as the
        reference."""
        wanted = call(
            "POST",
            "/api/drift/demotions/{demotion_id}/lift",
            {"demotion_id": demotion_id},
            json=body,
        )
        return Envelope(await self._send(wanted))


class AsyncDecisions:
    """Operations on decisions."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_decisions(
        self, *, run: str | None = None
    ) -> Envelope[list[models.DecisionListed]]:
        """The AI decisions of a run, in the order in which they were made."""
        wanted = call("GET", "/api/decisions", {}, query={"run": run})
        return Envelope(await self._send(wanted))

    async def explain_decision(
        self, run_id: str, path: str, *, iteration: str | None = None
    ) -> Envelope[models.DecisionExplained]:
        """One decision: what answered, from what, which rules fired, who reviewed it, what was
        written, and whether the audit rows it is rebuilt from are what was signed."""
        wanted = call(
            "GET",
            "/api/decisions/{run_id}/{path}",
            {"run_id": run_id, "path": path},
            query={"iteration": iteration},
        )
        return Envelope(await self._send(wanted))


class AsyncAi:
    """Operations on ai."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def explain_image(
        self, *, uri: str | None = None, model: str | None = None
    ) -> Envelope[models.ImageExplanation]:
        """How much each part of the image's centre square mattered, worked out anew: a grid of
        `size` rows and columns, 0 to 1. 422 for an image that the model cannot assess, or a
        model that explains nothing."""
        wanted = call("GET", "/api/image-explanations", {}, query={"uri": uri, "model": model})
        return Envelope(await self._send(wanted))


class AsyncReferral:
    """Operations on referral."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def upload_referral(self, file: tuple[str, bytes, str]) -> models.ReferralText:
        """The text of a referral PDF, at most 500 characters, by OCR where need be. Nothing is
        kept."""
        wanted = call("POST", "/upload-referral/", {}, files={"file": file})
        result: models.ReferralText = wrapped(await self._send(wanted))
        return result

    async def triage_referral(self, file: tuple[str, bytes, str]) -> models.Triage:
        """Urgency and confidence of a referral, and whether the team was told. The same letter
        again gets the first answer, and the team no second message. 503 when the team could not
        be told yet: the referral is kept; send it again."""
        wanted = call("POST", "/triage-referral/", {}, files={"file": file})
        result: models.Triage = wrapped(await self._send(wanted))
        return result

    async def get_referral(self, referral_id: str) -> Envelope[models.Referral]:
        """A triaged referral with its text: where the link in the team's notice leads."""
        wanted = call("GET", "/referrals/{referral_id}", {"referral_id": referral_id})
        return Envelope(await self._send(wanted))


class AsyncIdentity:
    """Operations on identity."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def open_browser_session(self, body: JsonObject) -> Envelope[models.SignedIn]:
        """Sign in to the pages with a key: sets the cookie, and ends the session there was
        before."""
        wanted = call("POST", "/api/browser-session", {}, json=body)
        return Envelope(await self._send(wanted))

    async def close_browser_session(self) -> Envelope[models.BrowserSessionEnded]:
        """Sign out: the session ends everywhere at once, and the cookie goes."""
        wanted = call("DELETE", "/api/browser-session", {})
        return Envelope(await self._send(wanted))

    async def list_browser_sessions(self) -> Envelope[list[models.BrowserSession]]:
        """One's own sessions: which browsers are signed in, since when."""
        wanted = call("GET", "/api/browser-sessions", {})
        return Envelope(await self._send(wanted))

    async def close_other_browser_sessions(self) -> Envelope[models.BrowserSessionsEnded]:
        """End all of one's own sessions but the one that asks."""
        wanted = call("DELETE", "/api/browser-sessions", {})
        return Envelope(await self._send(wanted))

    async def close_one_browser_session(
        self, browser_session_id: str
    ) -> Envelope[models.BrowserSessionEnded]:
        """End one of one's own sessions, for example of a browser that was lost."""
        wanted = call(
            "DELETE",
            "/api/browser-sessions/{browser_session_id}",
            {"browser_session_id": browser_session_id},
        )
        return Envelope(await self._send(wanted))

    async def get_me(self) -> Envelope[models.Me]:
        """Who asks, where, and what they may do; in a browser session with its CSRF token."""
        wanted = call("GET", "/api/me", {})
        return Envelope(await self._send(wanted))

    async def list_keys(self) -> Envelope[list[models.Key]]:
        """The keys there are, never their text: whose, with which roles, when used."""
        wanted = call("GET", "/api/keys", {})
        return Envelope(await self._send(wanted))

    async def create_key(self, body: JsonObject) -> Envelope[models.KeyMade]:
        """A key for a principal, which is made when it is given roles or grants. The key is
        shown this once."""
        wanted = call("POST", "/api/keys", {}, json=body)
        return Envelope(await self._send(wanted))

    async def revoke_key(self, key_id: str) -> Envelope[models.KeyRevoked]:
        """End a key for good, and the browser sessions that were opened with it."""
        wanted = call("DELETE", "/api/keys/{key_id}", {"key_id": key_id})
        return Envelope(await self._send(wanted))

    async def list_principals(self) -> Envelope[list[models.Principal]]:
        """Users and services with their roles and grants."""
        wanted = call("GET", "/api/principals", {})
        return Envelope(await self._send(wanted))

    async def change_principal(
        self, principal_id: str, body: JsonObject
    ) -> Envelope[models.Principal]:
        """Set the roles or the grants of a principal, or disable it; its keys and sessions
        follow."""
        wanted = call(
            "PATCH", "/api/principals/{principal_id}", {"principal_id": principal_id}, json=body
        )
        return Envelope(await self._send(wanted))

    async def list_roles(self) -> Envelope[list[models.Role]]:
        """The roles that there are with their grants, and those of the tenant's own."""
        wanted = call("GET", "/api/roles", {})
        return Envelope(await self._send(wanted))

    async def put_role(self, role: str, body: JsonObject) -> Envelope[models.Role]:
        """Make or change a role of the tenant's own."""
        wanted = call("PUT", "/api/roles/{role}", {"role": role}, json=body)
        return Envelope(await self._send(wanted))


class AsyncDataStore:
    """Operations on data store."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def create_fhir_store(self, body: JsonObject) -> Envelope[models.FhirStore]:
        """Make a FHIR store with its own base URL and key; the key is shown this once."""
        wanted = call("POST", "/api/fhirserver/create", {}, json=body)
        return Envelope(await self._send(wanted))

    async def list_fhir_stores(self) -> Envelope[list[models.FhirStore]]:
        """The tenant's FHIR stores."""
        wanted = call("GET", "/api/fhirserver/list", {})
        return Envelope(await self._send(wanted))

    async def get_fhir_store(self, server_id: str) -> Envelope[models.FhirStore]:
        """One FHIR store: where it is, and its state."""
        wanted = call("GET", "/api/fhirserver/{server_id}", {"server_id": server_id})
        return Envelope(await self._send(wanted))

    async def update_fhir_store(
        self, server_id: str, body: JsonObject
    ) -> Envelope[models.FhirStore]:
        """Change the name, the description or the settings of a FHIR store."""
        wanted = call("PATCH", "/api/fhirserver/{server_id}", {"server_id": server_id}, json=body)
        return Envelope(await self._send(wanted))

    async def delete_fhir_store(
        self, server_id: str, *, confirm: str | None = None
    ) -> Envelope[models.FhirStoreDeleted]:
        """Delete a FHIR store; one that holds resources, only with `confirm` = its id."""
        wanted = call(
            "DELETE",
            "/api/fhirserver/{server_id}",
            {"server_id": server_id},
            query={"confirm": confirm},
        )
        return Envelope(await self._send(wanted))

    async def renew_fhir_store_key(self, server_id: str) -> Envelope[models.FhirStore]:
        """Give a FHIR store a new key, shown this once; the one before ends."""
        wanted = call("POST", "/api/fhirserver/{server_id}/key", {"server_id": server_id})
        return Envelope(await self._send(wanted))


class AsyncWebhooks:
    """Operations on webhooks."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def receive_webhook(
        self, endpoint: str, path: str, body: JsonObject
    ) -> Envelope[models.Delivery]:
        """Take a signed delivery: kept, with its event, before this answers. A repeat of its id
        gets the same answer and starts nothing again."""
        wanted = call(
            "POST", "/hooks/{endpoint}/{path}", {"endpoint": endpoint, "path": path}, json=body
        )
        return Envelope(await self._send(wanted))

    async def list_webhooks(self) -> Envelope[models.Webhooks]:
        """The store's address for webhooks, the paths that workflows listen at, its secrets by
        name."""
        wanted = call("GET", "/api/webhooks", {})
        return Envelope(await self._send(wanted))

    async def put_webhook_secret(
        self, name: str, body: JsonObject | None = None
    ) -> Envelope[models.WebhookSecret]:
        """Make or keep a signing secret; it is shown in this answer only. The earlier ones of
        the name stay valid for a day, or for `keepPreviousFor` seconds, so that senders can
        change over."""
        wanted = call("PUT", "/api/webhooks/secrets/{name}", {"name": name}, json=body)
        return Envelope(await self._send(wanted))


class AsyncWork:
    """Operations on work."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def list_work(
        self, *, queue: str | None = None, limit: int | None = None
    ) -> Envelope[list[models.WorkOpen]]:
        """Work that is not done, oldest first, without what it carries."""
        wanted = call("GET", "/api/work", {}, query={"queue": queue, "limit": limit})
        return Envelope(await self._send(wanted))

    async def poll_work(
        self, queue: str, body: JsonObject | None = None
    ) -> Envelope[list[models.Work]]:
        """Take work of a queue under a lease; waits up to `wait` seconds for the first
        piece."""
        wanted = call("POST", "/api/work/{queue}/poll", {"queue": queue}, json=body)
        return Envelope(await self._send(wanted))

    async def beat_work(self, work_id: str, body: JsonObject) -> Envelope[models.WorkWanted]:
        """A sign of life, which makes the lease whole again; `progress` is shown to whoever
        looks."""
        wanted = call("POST", "/api/work/{work_id}/beat", {"work_id": work_id}, json=body)
        return Envelope(await self._send(wanted))

    async def complete_work(self, work_id: str, body: JsonObject) -> Envelope[models.WorkSettled]:
        """The work is done; the run goes on with `result`. 409 when the lease ran out."""
        wanted = call("POST", "/api/work/{work_id}/complete", {"work_id": work_id}, json=body)
        return Envelope(await self._send(wanted))

    async def fail_work(self, work_id: str, body: JsonObject) -> Envelope[models.WorkSettled]:
        """The work failed, for now (`retryable`) or for good."""
        wanted = call("POST", "/api/work/{work_id}/fail", {"work_id": work_id}, json=body)
        return Envelope(await self._send(wanted))


class AsyncOperation:
    """Operations on operation."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def live(self) -> models.Health:
        """The process answers."""
        wanted = call("GET", "/health/live", {})
        result: models.Health = wrapped(await self._send(wanted))
        return result

    async def ready(self) -> models.Health:
        """The database answers too, and runs are carried out; 503 while one of them is not
        so."""
        wanted = call("GET", "/health/ready", {})
        result: models.Health = wrapped(await self._send(wanted))
        return result

    async def metrics(self) -> Any:
        """Prometheus text; no patient data in any label."""
        wanted = call("GET", "/metrics", {})
        return await self._send(wanted)

    async def list_step_types(self) -> Envelope[list[models.StepType]]:
        """Every step type with its schema: forms, verification and rollback all read it."""
        wanted = call("GET", "/api/step-types", {})
        return Envelope(await self._send(wanted))


class AsyncPolicy:
    """Operations on policy."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._send = transport.send

    async def put_policy(self, definition: JsonObject | str) -> Envelope[models.PolicyKept]:
        """Keep a new version of the policy file, unless nothing changed: YAML, or the same as
        JSON. It holds from here on, at deployment and at run time; `affected` are deployed
        workflows that it refuses, with why."""
        wanted = call(
            "PUT",
            "/api/policy",
            {},
            json={"yaml": definition} if isinstance(definition, str) else definition,
        )
        return Envelope(await self._send(wanted))

    async def get_policy(self, *, version: int | None = None) -> Envelope[models.Policy]:
        """The policy file that holds, or an earlier version, as it was written."""
        wanted = call("GET", "/api/policy", {}, query={"version": version})
        return Envelope(await self._send(wanted))

    async def list_policy_versions(self) -> Envelope[list[models.PolicyVersion]]:
        """Every version of the policy file, newest first."""
        wanted = call("GET", "/api/policy/versions", {})
        return Envelope(await self._send(wanted))


class AsyncGroups:
    """Every group of operations."""

    def __init__(self, transport: AsyncTransport) -> None:
        self.workflow = AsyncWorkflow(transport)
        self.versions = AsyncVersions(transport)
        self.drafts = AsyncDrafts(transport)
        self.components = AsyncComponents(transport)
        self.models = AsyncModels(transport)
        self.worker = AsyncWorker(transport)
        self.session = AsyncSession(transport)
        self.knowledge = AsyncKnowledge(transport)
        self.task = AsyncTask(transport)
        self.pipelines = AsyncPipelines(transport)
        self.file = AsyncFile(transport)
        self.connection = AsyncConnection(transport)
        self.evaluation = AsyncEvaluation(transport)
        self.decisions = AsyncDecisions(transport)
        self.ai = AsyncAi(transport)
        self.referral = AsyncReferral(transport)
        self.identity = AsyncIdentity(transport)
        self.data_store = AsyncDataStore(transport)
        self.webhooks = AsyncWebhooks(transport)
        self.work = AsyncWork(transport)
        self.operation = AsyncOperation(transport)
        self.policy = AsyncPolicy(transport)
