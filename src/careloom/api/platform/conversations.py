"""/api/sessions: conversations with workers, beside the sessions of runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.ai.sessions.stream import BEAT_S
from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.platform.parameters import WordParam
from careloom.api.platform.stream import HeldStream, Listener, OpenStreams
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.grants import with_grants
from careloom.workflows.idempotency import once_of

router = APIRouter(prefix="/api/sessions", tags=["sessions"])
_LONGEST_WAIT_S = 120.0
_AN_HOUR_S = 3600


@router.post("", operation_id="createSession", status_code=201)
async def create_session(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """Begin a conversation with a worker; `metadata.patientId` pins it to that patient."""
    principal.require("workflow:run")
    worker, metadata = body.get("workerId"), body.get("metadata") or {}
    if not isinstance(worker, str) or not worker:
        raise InvalidInput("workerId is missing", path="/workerId", fix="send a worker's id")
    if not isinstance(metadata, dict):
        raise InvalidInput("metadata must be an object", path="/metadata")
    made = await services_of(request).ai.conversations.create(
        principal.scope, worker, metadata, _actor(principal)
    )
    return success(made, status=201, message="Session created successfully")


@router.get("", operation_id="listSessions")
async def list_sessions(
    request: Request,
    principal: PrincipalDep,
    worker: WordParam = None,
    patient: WordParam = None,
    before: Annotated[datetime | None, Query()] = None,
    limit: int = Query(50, ge=1, le=500),
) -> Response:
    """Conversations, newest first."""
    principal.require("run:read")
    found = await services_of(request).ai.conversations.listed(
        principal.scope, worker=worker, patient=patient, before=_instant(before), limit=limit
    )
    return success(found)


@router.get("/{session_id}", operation_id="getSession")
async def get_session(session_id: str, request: Request, principal: PrincipalDep) -> Response:
    """A session: of a conversation, or of a run, with what was said, derived from the journal."""
    principal.require("run:read")
    services = services_of(request)
    talk = await services.ai.conversations.find(principal.scope, session_id)
    if talk is None:
        return success(await services.runs.session(principal.scope, session_id))
    messages = await services.ai.conversations.messages(principal.scope, talk["id"])
    return success({**talk, "runId": None, "messages": messages})


@router.post("/{session_id}/messages", operation_id="sendMessage", status_code=202)
async def send_message(
    session_id: str,
    request: Request,
    principal: PrincipalDep,
    body: GivenDep,
    wait: float = Query(0, ge=0, le=_LONGEST_WAIT_S),
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Say something. The message is kept and its task begun when this answers; with `wait`, the
    answer comes along when it is there within so many seconds."""
    principal.require("workflow:run")
    ai = services_of(request).ai
    once = once_of(idempotency_key, principal.id, f"sendMessage/{session_id}", body)
    sent = await ai.conversations.send(principal.scope, session_id, body, _actor(principal), once)
    repeated = sent.pop("repeated")
    if wait or repeated:
        await ai.stream.ended(principal.scope, sent["sessionId"], sent["taskId"], wait)
        task = await ai.conversations.task(principal.scope, sent["sessionId"], sent["taskId"])
        told = ("status", "answer", "evidence", "error", "requiredAction")
        sent |= {key: task[key] for key in told if key in task}
    return success(sent, status=202, message="Message sent successfully")


@router.get("/{session_id}/messages", operation_id="listSessionMessages")
async def list_session_messages(
    session_id: str,
    request: Request,
    principal: PrincipalDep,
    after: int = Query(0, ge=0, le=1_000_000_000),
    limit: int = Query(100, ge=1, le=500),
) -> Response:
    """What was said in a conversation, oldest first; page with the last `turn` as `after`."""
    principal.require("run:read")
    found = await services_of(request).ai.conversations.messages(
        principal.scope, session_id, after=after, limit=limit
    )
    return success(found)


@router.get("/{session_id}/tasks", operation_id="listSessionTasks")
async def list_session_tasks(
    session_id: str, request: Request, principal: PrincipalDep
) -> Response:
    """The tasks of a conversation, one for each message, oldest first."""
    principal.require("run:read")
    conversations = services_of(request).ai.conversations
    return success(await conversations.tasks(principal.scope, session_id, limit=1000))


@router.get("/{session_id}/tasks/{task_id}", operation_id="getSessionTask")
async def get_session_task(
    session_id: str, task_id: str, request: Request, principal: PrincipalDep
) -> Response:
    """One task: its answer, the tool calls that it waits for, or why it failed."""
    principal.require("run:read")
    conversations = services_of(request).ai.conversations
    return success(await conversations.task(principal.scope, session_id, task_id))


@router.post("/{session_id}/tasks/{task_id}/outputs", operation_id="submitToolOutputs")
async def submit_tool_outputs(
    session_id: str, task_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Hand in what your own functions gave; the task goes on."""
    principal.require("workflow:run")
    answer = await services_of(request).ai.conversations.submit(
        principal.scope, session_id, task_id, body.get("toolOutputs"), principal.actor()
    )
    return success(answer)


@router.post("/{session_id}/tasks/{task_id}/cancel", operation_id="cancelSessionTask")
async def cancel_session_task(
    session_id: str, task_id: str, request: Request, principal: PrincipalDep
) -> Response:
    """Cancel a task that is open."""
    principal.require("run:control")
    answer = await services_of(request).ai.conversations.act(
        principal.scope, session_id, task_id, "cancel", principal.actor()
    )
    return success(answer)


@router.post("/{session_id}/tasks/{task_id}/resume", operation_id="resumeSessionTask")
async def resume_session_task(
    session_id: str, task_id: str, request: Request, principal: PrincipalDep
) -> Response:
    """Take up a task that failed or was cancelled; received answers are not asked for again."""
    principal.require("run:retry")
    answer = await services_of(request).ai.conversations.act(
        principal.scope, session_id, task_id, "retry", _actor(principal)
    )
    return success(answer)


@router.post("/{session_id}/cancel", operation_id="cancelSession")
async def cancel_session(session_id: str, request: Request, principal: PrincipalDep) -> Response:
    """End a conversation: open tasks are cancelled, and no message is taken."""
    principal.require("run:control")
    conversations = services_of(request).ai.conversations
    return success(await conversations.cancel(principal.scope, session_id, principal.actor()))


@router.post("/{session_id}/resume", operation_id="resumeSession")
async def resume_session(session_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Let a cancelled conversation take messages again."""
    principal.require("run:control")
    conversations = services_of(request).ai.conversations
    return success(await conversations.resume(principal.scope, session_id, principal.actor()))


@router.get("/{session_id}/stream", operation_id="streamSession")
async def stream_session(
    session_id: str,
    request: Request,
    principal: PrincipalDep,
    seconds: Annotated[int | None, Query(ge=0, le=3600)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Messages, words of answers and tasks as server-sent events; goes on behind Last-Event-ID.

    It ends after `seconds`: an hour for who accepts text/event-stream, else with what there is."""
    principal.require("run:read")
    ai = services_of(request).ai
    await ai.conversations.get(principal.scope, session_id)
    if seconds is None:
        takes_events = "text/event-stream" in request.headers.get("accept", "")
        seconds = _AN_HOUR_S if takes_events else 0
    streams: OpenStreams = request.app.state.streams
    listener = Listener(request, principal, BEAT_S)
    async with AsyncExitStack() as stack:
        stack.callback(streams.leave, streams.enter(principal))
        events = ai.stream.follow(
            principal.scope, session_id, last_event_id, seconds, listener.may_go_on
        )
        stack.push_async_callback(events.aclose)
        first = await anext(events)

        async def body() -> AsyncIterator[bytes]:
            yield first
            async for event in events:
                yield event

        return HeldStream(body(), stack.pop_all())


def _actor(principal: Principal) -> JsonObject:
    return with_grants(principal.actor(), principal.grants)


def _instant(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise InvalidInput("before is no time of this era", path="before") from None
