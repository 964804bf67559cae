"""Schemas of what the operations about people take and answer: tasks, forms, queues, calendars."""

from __future__ import annotations

from careloom.api.contract_forms import (
    ANY_OBJECT,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    json_body,
    list_of,
    or_null,
    ref,
    shape,
)
from careloom.types import JsonObject

_TEXTS: JsonObject = {"type": "array", "items": TEXT}
_STATES = ["requested", "accepted", "completed", "rejected", "cancelled"]


_TASK: dict[str, JsonObject] = {
    "id": TEXT,
    "kind": {"enum": ["task", "form", "approval"]},
    "status": {"enum": _STATES},
    "version": WHOLE,
    "priority": {"enum": ["routine", "urgent", "asap", "stat"]},
    "queue": TEXT,
    "assignee": or_null(TEXT),
    "candidates": or_null(_TEXTS),
    "decidedBy": _TEXTS,
    "quorum": WHOLE,
    "fourEyes": FLAG,
    "due": or_null(TIME),
    "sla": or_null(ref("Sla")),
    "patientId": or_null(TEXT),
    "workflowId": or_null(TEXT),
    "runId": or_null({"type": "string", "pattern": "^run_[0-9a-f]{32}$"}),
    "path": or_null(TEXT),
    "createdAt": TIME,
    "closedAt": or_null(TIME),
    "cursor": {**TEXT, "description": "Give it as `after` for what follows"},
    "title": TEXT,
    "show": ANY_OBJECT,
}
_MORE: dict[str, JsonObject] = {
    "description": or_null(TEXT),
    "form": or_null(ANY_OBJECT),
    "prefill": ANY_OBJECT,
    "suggestion": or_null(ANY_OBJECT),
    "snoozedUntil": {**or_null(TIME), "description": "Put off by who asks"},
    "ai": {**FLAG, "description": "A model had a part in what is shown"},
}
_FORM: dict[str, JsonObject] = {
    "form": {**ANY_OBJECT, "description": "The Questionnaire in `language`"},
    "prefill": ANY_OBJECT,
    "language": or_null(TEXT),
    "languages": _TEXTS,
    "valueSets": {
        "type": "object",
        "additionalProperties": shape(
            {"total": WHOLE, "complete": FLAG, "options": list_of(ANY_OBJECT)}
        ),
    },
    "calculates": FLAG,
}
_CALENDAR = shape(
    {"timezone": TEXT, "hours": ANY_OBJECT},
    {"holidays": or_null(ANY_OBJECT), "closed": _TEXTS, "open": ANY_OBJECT},
)
SCHEMAS: dict[str, JsonObject] = {
    "Task": shape(_TASK, _MORE),
    "TaskDetail": shape(
        {
            **_TASK,
            "comments": list_of(
                shape({"by": or_null(TEXT), "at": TIME, "kind": TEXT, "text": TEXT})
            ),
            "votes": list_of(
                shape({"by": TEXT, "approved": FLAG, "comment": or_null(TEXT), "at": TIME})
            ),
            "draft": or_null(ANY_OBJECT),
            "decision": or_null(ANY_OBJECT),
        },
        {**_MORE, **{name: one for name, one in _FORM.items() if name not in _MORE}},
    ),
    "Sla": shape(
        {
            "state": {"enum": ["ok", "warning", "breached"]},
            "warnAt": or_null(TIME),
            "minutesLeft": NUMBER,
        }
    ),
    "QueueCounts": shape(
        {
            "queue": TEXT,
            **dict.fromkeys(("open", "unassigned", "mine", "warned", "overdue", "urgent"), WHOLE),
        }
    ),
    "TaskEvent": shape(
        {
            "at": TIME,
            "action": TEXT,
            "by": or_null(TEXT),
            "kind": or_null(TEXT),
            "detail": ANY_OBJECT,
        }
    ),
    "TaskChanged": shape(
        {"task": TEXT, "state": {"enum": _STATES}, "version": WHOLE}, {"savedAt": TIME}
    ),
    "SnoozeGiven": shape({"until": or_null(TIME)}),
    "Snoozed": shape({"task": TEXT, "snoozedUntil": or_null(TIME)}),
    "NextGiven": shape({}, {"queue": TEXT, "kind": TEXT, "workflow": TEXT}),
    "TaskTarget": shape(
        {
            "to": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": {"user": TEXT, "group": TEXT, "queue": TEXT},
            }
        },
        {"comment": or_null(TEXT)},
    ),
    "Comment": shape({"text": {"type": "string", "minLength": 1, "maxLength": 10000}}),
    "Draft": shape({}, {"data": ANY_OBJECT, "answers": ANY_OBJECT, "comment": or_null(TEXT)}),
    "Decision": shape(
        {"decision": {"enum": ["approve", "reject", "complete"]}},
        {
            "comment": or_null(TEXT),
            "data": or_null(ANY_OBJECT),
            "answers": {**or_null(ANY_OBJECT), "description": "A QuestionnaireResponse"},
        },
    ),
    "Decided": shape(
        {
            "task": TEXT,
            "state": {"enum": _STATES, "description": "Still open while votes are missing"},
            "version": WHOLE,
            "runId": or_null({"type": "string", "pattern": "^run_[0-9a-f]{32}$"}),
            "run": {
                **or_null(TEXT),
                "deprecated": True,
                "description": "The same as a UUID; read `runId`",
            },
        }
    ),
    "FormLinkGiven": shape(
        {}, {"filler": TEXT, "days": {"type": "integer", "minimum": 1, "maximum": 90}}
    ),
    "FormLink": shape({"token": TEXT, "url": TEXT, "expiresAt": TIME}),
    "Form": shape(
        {
            "title": TEXT,
            "description": or_null(TEXT),
            **_FORM,
            "draft": or_null(ANY_OBJECT),
            "savedAt": or_null(TIME),
            "due": or_null(TIME),
            "expiresAt": TIME,
        }
    ),
    "TaskForm": shape(_FORM),
    "FormOptions": shape({"options": list_of(ANY_OBJECT), "more": FLAG}),
    "FormDraft": shape({}, {"data": ANY_OBJECT, "answers": ANY_OBJECT}),
    "FormSaved": shape({"savedAt": TIME}),
    "AnswersSoFar": shape(
        {},
        {
            "data": ANY_OBJECT,
            "answers": ANY_OBJECT,
            "edited": {**_TEXTS, "description": "Calculated answers that a person changed"},
        },
    ),
    "Calculated": shape(
        {
            "values": {
                **ANY_OBJECT,
                "description": "Calculated values by linkId; in a repeating group"
                " by `<group>[<n>]/<linkId>`",
            },
            "enabled": {"type": "object", "additionalProperties": FLAG},
            "issues": list_of(shape({"linkId": TEXT, "message": TEXT})),
            "data": ANY_OBJECT,
            "answers": {**ANY_OBJECT, "description": "A QuestionnaireResponse"},
        }
    ),
    "Attachment": shape(
        {"contentType": TEXT, "url": TEXT, "size": WHOLE, "hash": TEXT, "title": TEXT}
    ),
    "FormAnswers": {
        **shape({}, {"data": ANY_OBJECT, "answers": ANY_OBJECT}),
        "description": "Plain values by linkId, or a QuestionnaireResponse",
    },
    "FormFilled": shape({"status": {"const": "completed"}}),
    "Queue": shape({"queue": TEXT, "name": TEXT, "candidates": or_null(_TEXTS)}),
    "QueueGiven": shape({}, {"name": TEXT, "candidates": {}}),
    "Group": shape({"group": TEXT, "name": TEXT, "members": _TEXTS}),
    "GroupGiven": shape({}, {"name": TEXT, "members": _TEXTS}),
    "Calendar": _CALENDAR,
    "CalendarName": shape({"name": TEXT, "updatedAt": TIME}),
}
DATA: dict[str, JsonObject] = {
    "listTasks": list_of(ref("Task")),
    "countTasks": list_of(ref("QueueCounts")),
    "getTask": ref("TaskDetail"),
    "getTaskHistory": list_of(ref("TaskEvent")),
    "claimTask": ref("TaskDetail"),
    "claimNextTask": or_null(ref("TaskDetail")),
    "snoozeTask": ref("Snoozed"),
    "releaseTask": ref("TaskDetail"),
    "assignTask": ref("TaskChanged"),
    "delegateTask": ref("TaskChanged"),
    "commentTask": ref("TaskDetail"),
    "draftTask": ref("TaskChanged"),
    "decideTask": ref("Decided"),
    "linkForm": ref("FormLink"),
    "getForm": ref("Form"),
    "fillForm": ref("FormFilled"),
    "draftForm": ref("FormSaved"),
    "calculateForm": ref("Calculated"),
    "listFormOptions": ref("FormOptions"),
    "attachToForm": ref("Attachment"),
    "getTaskForm": ref("TaskForm"),
    "calculateTask": ref("Calculated"),
    "listTaskOptions": ref("FormOptions"),
    "attachToTask": ref("Attachment"),
    "listQueues": list_of(ref("Queue")),
    "putQueue": ref("Queue"),
    "listGroups": list_of(ref("Group")),
    "putGroup": ref("Group"),
    "listCalendars": list_of(ref("CalendarName")),
    "getCalendar": ref("Calendar"),
    "putCalendar": ref("Calendar"),
}
BODIES: dict[str, JsonObject] = {
    "assignTask": json_body("TaskTarget"),
    "snoozeTask": json_body("SnoozeGiven"),
    "claimNextTask": json_body("NextGiven", required=False),
    "delegateTask": json_body("TaskTarget"),
    "commentTask": json_body("Comment"),
    "draftTask": json_body("Draft"),
    "decideTask": json_body("Decision"),
    "linkForm": json_body("FormLinkGiven"),
    "fillForm": json_body("FormAnswers"),
    "draftForm": json_body("FormDraft"),
    "calculateForm": json_body("AnswersSoFar"),
    "calculateTask": json_body("AnswersSoFar"),
    "putQueue": json_body("QueueGiven"),
    "putGroup": json_body("GroupGiven"),
    "putCalendar": json_body("Calendar"),
}
BY_LINK = frozenset(
    {"getForm", "fillForm", "draftForm", "calculateForm", "listFormOptions", "attachToForm"}
)
"""The token in the address is the credential."""
