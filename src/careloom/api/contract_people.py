"""Schemas of what the operations about people take and answer: tasks, forms, queues, calendars."""

from __future__ import annotations

from careloom.types import JsonObject

_TEXT: JsonObject = {"type": "string"}
_WHOLE: JsonObject = {"type": "integer"}
_NUMBER: JsonObject = {"type": "number"}
_FLAG: JsonObject = {"type": "boolean"}
_OBJECT: JsonObject = {"type": "object"}
_TIME: JsonObject = {"type": "string", "format": "date-time"}
_TEXTS: JsonObject = {"type": "array", "items": _TEXT}
_STATES = ["requested", "accepted", "completed", "rejected", "cancelled"]


def _or_null(schema: JsonObject) -> JsonObject:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(schema: JsonObject) -> JsonObject:
    return {"type": "array", "items": schema}


def _shape(
    required: dict[str, JsonObject], optional: dict[str, JsonObject] | None = None
) -> JsonObject:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
    }


def _json(name: str) -> JsonObject:
    return {"required": True, "content": {"application/json": {"schema": _ref(name)}}}


_TASK: dict[str, JsonObject] = {
    "id": _TEXT,
    "kind": {"enum": ["task", "form", "approval"]},
    "status": {"enum": _STATES},
    "version": _WHOLE,
    "priority": {"enum": ["routine", "urgent", "asap", "stat"]},
    "queue": _TEXT,
    "assignee": _or_null(_TEXT),
    "candidates": _or_null(_TEXTS),
    "decidedBy": _TEXTS,
    "quorum": _WHOLE,
    "fourEyes": _FLAG,
    "due": _or_null(_TIME),
    "sla": _or_null(_ref("Sla")),
    "patientId": _or_null(_TEXT),
    "workflowId": _or_null(_TEXT),
    "runId": _or_null({"type": "string", "pattern": "^run_[0-9a-f]{32}$"}),
    "path": _or_null(_TEXT),
    "createdAt": _TIME,
    "closedAt": _or_null(_TIME),
    "cursor": {**_TEXT, "description": "Give it as `after` for what follows"},
    "title": _TEXT,
    "show": _OBJECT,
}
_MORE: dict[str, JsonObject] = {
    "description": _or_null(_TEXT),
    "form": _or_null(_OBJECT),
    "prefill": _OBJECT,
    "suggestion": _or_null(_OBJECT),
    "ai": {**_FLAG, "description": "A model had a part in what is shown"},
}
_CALENDAR = _shape(
    {"timezone": _TEXT, "hours": _OBJECT},
    {"holidays": _or_null(_OBJECT), "closed": _TEXTS, "open": _OBJECT},
)
SCHEMAS: dict[str, JsonObject] = {
    "Task": _shape(_TASK, _MORE),
    "TaskDetail": _shape(
        {
            **_TASK,
            "comments": _list(
                _shape({"by": _or_null(_TEXT), "at": _TIME, "kind": _TEXT, "text": _TEXT})
            ),
            "votes": _list(
                _shape({"by": _TEXT, "approved": _FLAG, "comment": _or_null(_TEXT), "at": _TIME})
            ),
            "draft": _or_null(_OBJECT),
            "decision": _or_null(_OBJECT),
        },
        _MORE,
    ),
    "Sla": _shape(
        {
            "state": {"enum": ["ok", "warning", "breached"]},
            "warnAt": _or_null(_TIME),
            "minutesLeft": _NUMBER,
        }
    ),
    "QueueCounts": _shape(
        {
            "queue": _TEXT,
            **dict.fromkeys(("open", "unassigned", "mine", "warned", "overdue", "urgent"), _WHOLE),
        }
    ),
    "TaskEvent": _shape(
        {
            "at": _TIME,
            "action": _TEXT,
            "by": _or_null(_TEXT),
            "kind": _or_null(_TEXT),
            "detail": _OBJECT,
        }
    ),
    "TaskChanged": _shape({"task": _TEXT, "state": {"enum": _STATES}, "version": _WHOLE}),
    "TaskTarget": _shape(
        {
            "to": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": {"user": _TEXT, "group": _TEXT, "queue": _TEXT},
            }
        },
        {"comment": _or_null(_TEXT)},
    ),
    "Comment": _shape({"text": {"type": "string", "minLength": 1, "maxLength": 10000}}),
    "Draft": _shape({}, {"data": _OBJECT, "answers": _OBJECT, "comment": _or_null(_TEXT)}),
    "Decision": _shape(
        {"decision": {"enum": ["approve", "reject", "complete"]}},
        {
            "comment": _or_null(_TEXT),
            "data": _or_null(_OBJECT),
            "answers": {**_or_null(_OBJECT), "description": "A QuestionnaireResponse"},
        },
    ),
    "Decided": _shape(
        {
            "task": _TEXT,
            "state": {"enum": _STATES, "description": "Still open while votes are missing"},
            "version": _WHOLE,
            "run": _or_null(_TEXT),
        }
    ),
    "FormLinkGiven": _shape(
        {}, {"filler": _TEXT, "days": {"type": "integer", "minimum": 1, "maximum": 90}}
    ),
    "FormLink": _shape({"token": _TEXT, "url": _TEXT, "expiresAt": _TIME}),
    "Form": _shape(
        {
            "title": _TEXT,
            "description": _or_null(_TEXT),
            "form": _OBJECT,
            "prefill": _OBJECT,
            "due": _or_null(_TIME),
        }
    ),
    "FormAnswers": {
        **_shape({}, {"data": _OBJECT, "answers": _OBJECT}),
        "description": "Plain values by linkId, or a QuestionnaireResponse",
    },
    "FormFilled": _shape({"status": {"const": "completed"}}),
    "Queue": _shape({"queue": _TEXT, "name": _TEXT, "candidates": _or_null(_TEXTS)}),
    "QueueGiven": _shape({}, {"name": _TEXT, "candidates": {}}),
    "Group": _shape({"group": _TEXT, "name": _TEXT, "members": _TEXTS}),
    "GroupGiven": _shape({}, {"name": _TEXT, "members": _TEXTS}),
    "Calendar": _CALENDAR,
    "CalendarName": _shape({"name": _TEXT, "updatedAt": _TIME}),
}
DATA: dict[str, JsonObject] = {
    "listTasks": _list(_ref("Task")),
    "countTasks": _list(_ref("QueueCounts")),
    "getTask": _ref("TaskDetail"),
    "getTaskHistory": _list(_ref("TaskEvent")),
    "claimTask": _ref("TaskDetail"),
    "releaseTask": _ref("TaskDetail"),
    "assignTask": _ref("TaskChanged"),
    "delegateTask": _ref("TaskChanged"),
    "commentTask": _ref("TaskDetail"),
    "draftTask": _ref("TaskChanged"),
    "decideTask": _ref("Decided"),
    "linkForm": _ref("FormLink"),
    "getForm": _ref("Form"),
    "fillForm": _ref("FormFilled"),
    "listQueues": _list(_ref("Queue")),
    "putQueue": _ref("Queue"),
    "listGroups": _list(_ref("Group")),
    "putGroup": _ref("Group"),
    "listCalendars": _list(_ref("CalendarName")),
    "getCalendar": _ref("Calendar"),
    "putCalendar": _ref("Calendar"),
}
BODIES: dict[str, JsonObject] = {
    "assignTask": _json("TaskTarget"),
    "delegateTask": _json("TaskTarget"),
    "commentTask": _json("Comment"),
    "draftTask": _json("Draft"),
    "decideTask": _json("Decision"),
    "linkForm": _json("FormLinkGiven"),
    "fillForm": _json("FormAnswers"),
    "putQueue": _json("QueueGiven"),
    "putGroup": _json("GroupGiven"),
    "putCalendar": _json("Calendar"),
}
BY_LINK = frozenset({"getForm", "fillForm"})
"""The token in the address is the credential."""
