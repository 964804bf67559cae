"""/api/forms, and the forms of /api/tasks: filled by link or with a key, kept on the way, worked
out, in several languages, with files."""

from __future__ import annotations

import re

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenByLinkDep, GivenDep, media_of
from careloom.api.platform.file_type import content_type
from careloom.api.platform.files import limit_body
from careloom.api.platform.parameters import LanguageParam
from careloom.api.platform.stored_files import file_response
from careloom.api.services import services_of
from careloom.documents.document import TEXT
from careloom.errors import InvalidInput, UnsupportedMediaType
from careloom.tasks.attachments import LARGEST, Handed
from careloom.tasks.service import asker_of
from careloom.types import JsonObject

router = APIRouter(prefix="/api", tags=["people"])
_UNSAID = frozenset({"", "application/octet-stream"})
_WORDS = Query("", max_length=100, description="Beginnings of words to look for")
_VALUE_SET = Query("", alias="valueSet", max_length=500, description="As `answerValueSet` names it")
_QUESTION = Query("", max_length=255, description="The linkId of the question")
_NAME = Query("file", max_length=200, description="What the file is called")


@router.post("/tasks/{task_id}/link", operation_id="linkForm", status_code=201)
async def link_form(
    task_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """A link by which somebody without a key fills the form of a task; shown this once."""
    principal.require("task:assign")
    forms, who = services_of(request).people.forms, asker_of(principal)
    made = await forms.link(principal.scope, task_id, body, principal.actor(), who)
    return success(made, status=201)


@router.get("/forms/{token}", operation_id="getForm")
async def get_form(token: str, request: Request, lang: LanguageParam = None) -> Response:
    """The form behind a link, with what it begins with and what was kept of it before."""
    accepted = request.headers.get("accept-language")
    forms = services_of(request).people.forms
    return _told(success(await forms.read(token, wanted=lang, accepted=accepted)))


@router.post("/forms/{token}", operation_id="fillForm")
async def fill_form(token: str, request: Request, body: GivenByLinkDep) -> Response:
    """Complete the form behind a link, once: {"data": {linkId: value}} or {"answers": …}."""
    return success(await services_of(request).people.forms.fill(token, body))


@router.put("/forms/{token}/draft", operation_id="draftForm")
async def draft_form(token: str, request: Request, body: GivenByLinkDep) -> Response:
    """Keep answers that are not finished; the link goes on with them on any device."""
    return success(await services_of(request).people.forms.draft(token, body))


@router.post("/forms/{token}/calculate", operation_id="calculateForm")
async def calculate_form(token: str, request: Request, body: GivenByLinkDep) -> Response:
    """What follows from the answers so far: calculated values, and which questions are asked."""
    return success(await services_of(request).people.forms.calculate(token, body))


@router.get("/forms/{token}/options", operation_id="listFormOptions")
async def form_options(
    token: str,
    request: Request,
    value_set: str = _VALUE_SET,
    find: str = _WORDS,
    lang: LanguageParam = None,
) -> Response:
    """Options of a value set that the form names."""
    forms = services_of(request).people.forms
    return success(await forms.options(token, value_set, find, lang))


@router.post("/forms/{token}/attachments", operation_id="attachToForm", status_code=201)
async def attach_to_form(
    token: str, request: Request, question: str = _QUESTION, name: str = _NAME
) -> Response:
    """Hand in a file for a question: the body. The answer is the Attachment to answer with."""
    forms = services_of(request).people.forms
    await forms.require_open(token)
    file = await _handed(request, question, name)
    return success(await forms.attach(token, file), status=201)


@router.get("/tasks/{task_id}/form", operation_id="getTaskForm")
async def get_task_form(
    task_id: str, request: Request, principal: PrincipalDep, lang: LanguageParam = None
) -> Response:
    """The form of a task in one of its languages, with the options of its value sets."""
    principal.require("task:read")
    forms, who = services_of(request).people.forms, asker_of(principal)
    accepted = request.headers.get("accept-language")
    shown = await forms.show_task(principal.scope, task_id, who, wanted=lang, accepted=accepted)
    return _told(success(shown))


@router.post("/tasks/{task_id}/calculate", operation_id="calculateTask")
async def calculate_task(
    task_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """What follows from the answers so far: calculated values, and which questions are asked."""
    principal.require("task:read")
    forms, who = services_of(request).people.forms, asker_of(principal)
    return success(await forms.calculate_task(principal.scope, task_id, body, who))


@router.get("/tasks/{task_id}/options", operation_id="listTaskOptions")
async def task_options(
    task_id: str,
    request: Request,
    principal: PrincipalDep,
    value_set: str = _VALUE_SET,
    find: str = _WORDS,
    lang: LanguageParam = None,
) -> Response:
    """Options of a value set that the form names."""
    principal.require("task:read")
    forms, who = services_of(request).people.forms, asker_of(principal)
    place = (principal.scope, task_id, who)
    return success(await forms.options_task(*place, value_set, find, lang))


@router.post("/tasks/{task_id}/attachments", operation_id="attachToTask", status_code=201)
async def attach_to_task(
    task_id: str,
    request: Request,
    principal: PrincipalDep,
    question: str = _QUESTION,
    name: str = _NAME,
) -> Response:
    """Hand in a file for a question: the body. The answer is the Attachment to answer with."""
    principal.require("task:claim")
    services, who = services_of(request), asker_of(principal)
    await services.tasks.entry(principal.scope, task_id, who)
    file = await _handed(request, question, name)
    forms = services.people.forms
    made = await forms.attach_task(principal.scope, task_id, file, principal.actor(), who)
    return success(made, status=201)


@router.get("/tasks/{task_id}/attachments/{attachment_id}", operation_id="readTaskAttachment")
async def read_attachment(
    task_id: str, attachment_id: str, request: Request, principal: PrincipalDep
) -> Response:
    """A file that was handed in with a form; the reading is audited."""
    principal.require("task:read")
    services = services_of(request)
    who = asker_of(principal)
    place = (principal.scope, task_id, attachment_id, who)
    data, kind, name = await services.people.forms.attachment(*place)
    reading: JsonObject = {
        "op": "audit.record",
        "action": "task.attachment.read",
        "entity": f"Task/{task_id}",
        "detail": {"attachment": attachment_id},
    }
    await services.db.call(
        "effect_commit", principal.tenant, principal.store, [reading], [], principal.actor()
    )
    return file_response(re.sub(r"[^A-Za-z0-9._ -]", "_", name), kind, data)


async def _handed(request: Request, question: str, name: str) -> Handed:
    """The body as a file, its type read from its bytes and held against what the client says."""
    limited = limit_body(request, LARGEST, 0)
    data = b"".join([chunk async for chunk in limited.stream()])
    if not data:
        raise InvalidInput("The file is empty", code="empty_file")
    kind, said = content_type(name, data), media_of(request)
    is_text = kind == TEXT and said.startswith("text/")
    if said not in _UNSAID and said != kind and not is_text:
        raise UnsupportedMediaType(
            f"The file is {kind} by its bytes, and {said[:100]} by its Content-Type",
            fix="send it with the type that it has, or without Content-Type",
        )
    return Handed(question, name, kind, data)


def _told(response: Response) -> Response:
    """An answer with patient data, which differs by language."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language"
    return response
