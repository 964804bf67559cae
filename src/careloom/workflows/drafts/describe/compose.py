"""A definition made of what was heard: the steps of the catalog, in the order of the words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from careloom.types import Json, JsonObject
from careloom.workflows.definition.canonical import slug
from careloom.workflows.drafts.describe.heard import Heard, Start, Understood

_TOOLS = {"slack": "Slack.send", "email": "Email.send", "webhook": "Webhook.send"}
_LOINC = "http://loinc.org"
_NAMES = {
    "read-image": "read-image",
    "read-document": "read-letter",
    "read-resource": "read-result",
    "find-patient": "find-patient",
}


@dataclass(slots=True)
class _Work:
    """What is known while the steps are put together."""

    start: Start
    understood: Understood
    tools: Mapping[str, str]
    ids: set[str] = field(default_factory=set)
    read: str | None = None
    """The step that read the image, the letter or the result."""
    found: str | None = None
    """The step that looked for the patient."""
    reviewed: bool = False

    def id(self, wanted: str) -> str:
        number, name = 1, wanted
        while name in self.ids:
            number += 1
            name = f"{wanted}-{number}"
        self.ids.add(name)
        return name


def compose(text: str, understood: Understood, tools: Mapping[str, str]) -> JsonObject | None:
    """The definition as it would be written; None when too little was heard for one."""
    start = understood.start
    if start is None or not understood.actions:
        return None
    work = _Work(start, understood, tools)
    actions = list(understood.actions)
    _complete(work, actions)
    steps = _steps(work, actions)
    if not steps:
        return None
    name = _title(text)
    workflow: JsonObject = {"id": slug(name)[:60].strip("-._") or "from-words", "name": name}
    if start.kind == "manual":
        workflow["trigger"] = {"type": "manual"}
    else:
        workflow["trigger"] = start.trigger
    return {**workflow, "steps": steps}


def _complete(work: _Work, actions: list[Heard]) -> None:
    """What others stand on is done first: what is stored or judged was read before."""
    kinds = {one.action for one in actions}
    reads = {"dicom": "read-image", "file": "read-document"}.get(work.start.kind)
    stands = {"store", "condition", "approve", "find-patient"} & kinds
    if reads is not None and reads not in kinds and stands:
        facts: JsonObject = {"action": "triage"} if reads == "read-document" else {}
        actions.insert(
            0, Heard("read-image" if reads == "read-image" else "read-document", -1, -1, facts)
        )
    first = [one for one in actions if one.action == reads]
    if first:
        actions.remove(first[0])
        actions.insert(0, first[0])
    if work.start.kind == "file" and "find-patient" in kinds:
        found = next(one for one in actions if one.action == "find-patient")
        actions.remove(found)
        actions.insert(1, found)


def _steps(work: _Work, actions: list[Heard]) -> list[JsonObject]:
    steps: list[JsonObject] = []
    for number, heard in enumerate(actions):
        rest = actions[number + 1 :]
        if heard.action == "condition":
            condition = _condition(work, heard)
            if condition is None:
                continue
            before = [] if rest else steps[-1:]
            inner = _steps(work, rest) or before
            if not inner:
                return steps
            if before and inner is before:
                steps.pop()
            step = {"id": work.id("check"), "name": "Is it so?", "type": "if"}
            return [*steps, {**step, "condition": condition, "then": inner}]
        if heard.action == "approve":
            asked = _approval(work, heard)
            work.reviewed = True
            inner = _steps(work, rest)
            return [*steps, {**asked, "then": inner} if inner else asked]
        steps += _one(work, heard)
    return steps


def _one(work: _Work, heard: Heard) -> list[JsonObject]:
    made = {
        "read-image": _read_image,
        "read-document": _read_document,
        "read-resource": _read_resource,
        "store": _store,
        "notify": _notify,
        "form": _form,
        "wait": _wait,
        "find-patient": _find_patient,
        "pipeline": _pipeline,
        "rules": _rules,
        "http": _http,
        "workflow": _workflow,
    }[heard.action](work, heard)
    return [] if made is None else [made]


def _read_image(work: _Work, _heard: Heard) -> JsonObject:
    work.read = work.id(_NAMES["read-image"])
    return {
        "id": work.read,
        "name": "Read the image",
        "type": "worker",
        "worker": "radiology-assistant",
        "input": {"file": "{{trigger.file}}"},
        "output": "reading",
    }


def _read_document(work: _Work, heard: Heard) -> JsonObject:
    work.read = work.id(_NAMES["read-document"])
    action = heard.facts.get("action", "triage")
    names = {"triage": "Read and triage the letter", "extract": "Read the letter's fields"}
    return {
        "id": work.read,
        "name": names.get(action, "Read the letter"),
        "type": "document",
        "action": action,
        "file": "{{trigger.file}}",
    }


def _read_resource(work: _Work, _heard: Heard) -> JsonObject:
    work.read = work.id(_NAMES["read-resource"])
    return {
        "id": work.read,
        "name": "Put the result into words",
        "type": "worker",
        "worker": "diagnostic-assistant",
        "input": {"observation": "{{trigger.resource}}"},
    }


def _store(work: _Work, heard: Heard) -> JsonObject | None:
    default = {"dicom": "Observation", "file": "Task"}.get(work.start.kind, "Task")
    kind = str(heard.facts.get("type") or default)
    if kind in ("ServiceRequest", "Observation", "DiagnosticReport") and not _subject(work):
        work.understood.need(
            "patient",
            f"a {kind} needs its patient",
            "say where the patient comes from; a Task is proposed instead",
        )
        kind = "Task"
    step: JsonObject = {
        "id": work.id(f"store-{slug(kind)}"),
        "name": f"Store the {_spoken(kind)}",
        "type": "fhir",
        "action": "create",
        "resourceType": kind,
        "data": _data(work, kind),
    }
    condition = None
    if work.start.kind == "dicom" and kind != "Task":
        condition = "trigger.patientId.exists()"
    elif work.found is not None and _subject(work):
        condition = f"coalesce(steps.{work.found}.output.count, 0) = 1"
    if condition is not None:
        step = {"id": step["id"], "name": step["name"], "when": condition} | step
    return step


def _data(work: _Work, kind: str) -> JsonObject:
    subject, said = _subject(work), _said(work)
    status = "final" if work.reviewed else "preliminary"
    if kind == "Observation":
        code: JsonObject = {"text": "Reading"}
        if work.start.kind == "dicom":
            code = {
                "coding": [{"system": _LOINC, "code": "59776-5"}],
                "text": "AI reading of an image",
            }
        return {"status": status, "code": code, "subject": subject, "valueString": said}
    if kind == "DiagnosticReport":
        code = {
            "coding": [{"system": _LOINC, "code": "18748-4"}],
            "text": "Diagnostic imaging study",
        }
        return {"status": status, "code": code, "subject": subject, "conclusion": said}
    if kind == "ServiceRequest":
        code = {"text": _about(work)}
        return {"status": "active", "intent": "proposal", "code": code, "subject": subject}
    if kind == "Flag":
        code = {"text": _about(work)}
        return {"status": "active", "code": code} | ({"subject": subject} if subject else {})
    if kind == "Communication":
        return {"status": "completed"} | ({"subject": subject} if subject else {})
    task: JsonObject = {"status": "requested", "intent": "order", "code": {"text": _about(work)}}
    return task | ({"for": subject} if subject else {})


def _subject(work: _Work) -> Json:
    """Whom the workflow is about, as far as its trigger tells."""
    start = work.start
    if work.found is not None:
        return {"reference": f"Patient/{{{{steps.{work.found}.output.resources[0].id}}}}"}
    if start.kind == "dicom":
        return {"reference": "Patient/{{trigger.patientId}}"}
    if start.kind == "fhir":
        kind = str(start.trigger["event"]).partition(".")[0]
        if kind == "Patient":
            return {"reference": "Patient/{{trigger.id}}"}
        if kind in ("AllergyIntolerance", "Immunization"):
            return "{{trigger.resource.patient}}"
        if kind not in ("Appointment", "Task"):
            return "{{trigger.resource.subject}}"
    return None


def _said(work: _Work) -> str:
    if work.read is None:
        return "{{trigger.resource.code.text}}" if work.start.kind == "fhir" else "See the run"
    if work.start.kind == "dicom":
        return f"{{{{steps.{work.read}.output.reading}}}}"
    if work.start.kind == "fhir":
        return f"{{{{steps.{work.read}.output.diagnosis}}}}"
    return f"{{{{coalesce(steps.{work.read}.output.urgency, 'not known')}}}}"


def _about(work: _Work) -> str:
    return f"Look at this {work.start.about}"


def _notify(work: _Work, heard: Heard) -> JsonObject:
    by, to, who = heard.facts["by"], heard.facts["to"], heard.facts["who"]
    if by is None:
        by = "slack"
        work.understood.need(
            "how",
            "how people are told",
            "say Slack or e-mail; Slack is proposed",
        )
    about = f"{work.start.about} needs a look" if work.start.about != "schedule" else "the job ran"
    text = f"A workflow has news: {about}. Open run {{{{run.id}}}} in Careloom."
    if by == "slack":
        if to is None:
            to = f"#{who or 'general'}"
            work.understood.need("channel", "the Slack channel", f"name it; {to} is proposed")
        params: JsonObject = {"channel": to, "message": text}
    elif by == "email":
        if to is None:
            to = f"{who or 'team'}@hospital.example"
            work.understood.need("address", "the e-mail address", f"name it; {to} stands for it")
        params = {"to": to, "subject": "News from a workflow", "body": text}
    else:
        params = {"payload": {"run": "{{run.id}}", "about": work.start.about}}
    return {
        "id": work.id(f"tell-{who}" if who else "tell"),
        "name": f"Tell the {who}" if who else "Tell people",
        "type": "bot",
        "tool": _TOOLS[by],
        "params": params,
    }


def _approval(work: _Work, heard: Heard) -> JsonObject:
    who = heard.facts.get("who")
    if who is None:
        work.understood.need("who", "who approves", "name them; the queue `approvals` is proposed")
    step: JsonObject = {
        "id": work.id("approve"),
        "name": "A person approves",
        "type": "approval",
        "title": f"Please approve: {_about(work).lower().removeprefix('look at this ')}",
        "queue": who or "approvals",
    }
    if heard.facts.get("quorum") == 2:
        step["quorum"] = 2
    if "due" in heard.facts:
        step["due"] = heard.facts["due"]
    shown: JsonObject = {}
    if work.start.kind in ("dicom", "file"):
        shown["file"] = "{{trigger.file}}"
    if work.read is not None:
        shown["reading"] = _said(work)
    return step | ({"show": shown} if shown else {})


def _form(work: _Work, heard: Heard) -> JsonObject:
    work.understood.need(
        "questions",
        "the questions of the form",
        "write them into the step's `form`; one is a stand-in",
    )
    step: JsonObject = {
        "id": work.id("form"),
        "name": "A form",
        "type": "form",
        "title": "Please fill in this form",
        "form": {
            "resourceType": "Questionnaire",
            "status": "draft",
            "title": "A form",
            "item": [
                {"linkId": "answer", "type": "string", "text": "Your answer", "required": True}
            ],
        },
    }
    patient = work.start.trigger.get("event") == "Patient.create"
    if heard.facts.get("patient") and patient:
        address = "{{trigger.resource.telecom.where(system = 'email').first().value}}"
        step |= {"recipient": "Patient/{{trigger.id}}", "send": address, "expires": "30d"}
        work.start.trigger["where"] = "telecom.where(system = 'email').exists()"
    else:
        step["queue"] = "forms"
    return step


def _wait(work: _Work, heard: Heard) -> JsonObject:
    return {"id": work.id("wait"), "type": "wait", "duration": heard.facts["duration"]}


def _find_patient(work: _Work, _heard: Heard) -> JsonObject:
    identifier = f"steps.{work.read}.output.referral.patient.identifier"
    work.found = work.id(_NAMES["find-patient"])
    return {
        "id": work.found,
        "name": "Find the patient",
        "type": "fhir",
        "when": f"{identifier}.exists()",
        "action": "search",
        "resourceType": "Patient",
        "query": {"identifier": f"{{{{{identifier}.value}}}}"},
    }


def _pipeline(work: _Work, heard: Heard) -> JsonObject:
    name = heard.facts.get("name")
    if name is None:
        work.understood.need("pipeline", "which pipeline is run", "name one of GET /api/pipelines")
    return {"id": work.id("sync"), "type": "pipeline", "pipeline": name or "which-pipeline"}


def _rules(work: _Work, heard: Heard) -> JsonObject:
    name = heard.facts.get("name")
    if name is None:
        work.understood.need(
            "table", "which decision table decides", "name one of GET /api/decision-tables"
        )
    data = "{{trigger.resource}}" if work.start.kind == "fhir" else {}
    return {"id": work.id("decide"), "type": "rules", "table": name or "which-table", "data": data}


def _http(work: _Work, heard: Heard) -> JsonObject:
    url = heard.facts.get("url")
    if url is None:
        work.understood.need("address", "the address that is called", "write it into `url`")
    return {
        "id": work.id("call"),
        "type": "http",
        "method": "POST",
        "url": url or "https://api.example/",
        "body": {"run": "{{run.id}}"},
    }


def _workflow(work: _Work, heard: Heard) -> JsonObject:
    return {
        "id": work.id("start"),
        "type": "workflow",
        "workflow": heard.facts["name"],
        "input": {},
    }


def _condition(work: _Work, heard: Heard) -> str | None:
    of, facts = heard.facts["of"], heard.facts
    if of == "pneumonia" and work.start.kind == "dicom" and work.read:
        return f"steps.{work.read}.output.label = 'pneumonia'"
    if of == "urgent" and work.start.kind == "file" and work.read:
        return f"steps.{work.read}.output.urgency != 'routine'"
    if of in ("confidence", "probability") and work.read and "value" in facts:
        part = of if work.start.kind == "dicom" else "confidence"
        return (
            f"coalesce(steps.{work.read}.output.{part}, 0) {facts['operator']} {facts['value']:g}"
        )
    event = str(work.start.trigger.get("event", ""))
    if of == "value" and event.startswith("Observation") and "value" in facts:
        return f"trigger.resource.valueQuantity.value {facts['operator']} {facts['value']:g}"
    work.understood.need(
        "condition", "when the next steps are done", "write it into the `when` of these steps"
    )
    return None


def _spoken(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()


def _title(text: str) -> str:
    """The first words as a name."""
    first = re.split(r"[.;\n,]", text.strip(), maxsplit=1)[0]
    words = re.sub(r"\s+", " ", first).strip(" -*#>\"'`")
    words = re.sub(
        r"^(?:please|when(?:ever)?|if|i\s+want(?:\s+to)?|we\s+need(?:\s+to)?)\s+",
        "",
        words,
        flags=re.I,
    )
    words = re.sub(r"[^\w\s&/+-]", "", words)
    short = words[:60].rsplit(" ", 1)[0] if len(words) > 60 else words
    return (short[:1].upper() + short[1:]) or "From words"
