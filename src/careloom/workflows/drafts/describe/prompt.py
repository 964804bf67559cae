"""What the language model is told and asked."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from careloom.types import JsonObject

INSTRUCTIONS = (
    "You write workflow definitions for Careloom in YAML. Answer with a definition that uses only"
    " the triggers and step types that are listed, and with what the description leaves open. Never"
    " invent names of connections, pipelines, decision tables or people: name them under `missing`."
    " What an AI step says is stored with status preliminary unless a person approved it."
)
ANSWER: JsonObject = {
    "type": "object",
    "required": ["definition", "missing"],
    "additionalProperties": False,
    "properties": {
        "definition": {"type": "string", "description": "The whole workflow as YAML"},
        "missing": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What the description leaves open, one sentence each",
        },
    },
}
_TRIGGERS = """\
Triggers: {type: dicom, event: NewImageUploaded} (trigger.file, trigger.patientId);
{type: file, event: NewFileUploaded} (trigger.file); {type: fhir, event: <Type>.create|update,
filter: <FHIR search>, where: <FHIRPath>} (trigger.resource, trigger.id, trigger.patientId);
{type: schedule, cron: "0 */6 * * *"}; {type: webhook, path: orders, secret: name} (trigger.body);
{type: manual}.
Expressions: {{trigger.file}}, {{steps.<id>.output.<name>}}, {{run.id}}, coalesce(a, 'b'), FHIRPath.
Steps with steps inside: if (condition, then, else), switch (value, cases, default), approval
(title, queue, then, else), foreach (items, steps), parallel (branches)."""
_EXAMPLE = """\
workflow:
  id: tell-about-images
  trigger: {type: dicom, event: NewImageUploaded}
  steps:
    - id: read-image
      type: worker
      worker: radiology-assistant
      input: {file: "{{trigger.file}}"}
    - id: tell
      type: bot
      tool: Slack.send
      params: {channel: "#radiology", message: "An image was read: {{run.id}}"}"""


def asked(text: str, before: JsonObject | None, schemas: Mapping[str, JsonObject]) -> str:
    """The prompt for a description."""
    parts = [_TRIGGERS, "Step types:", *(_step(name, schemas[name]) for name in sorted(schemas))]
    parts += ["An example:", _EXAMPLE]
    if before is not None:
        parts += ["Change this definition and keep the rest:", orjson.dumps(before).decode()]
    return "\n".join([*parts, "The description:", text])


def asked_again(prompt: str, source: str, faults: list[str]) -> str:
    """The prompt once more, with what verification found."""
    found = "\n".join(f"- {fault}" for fault in faults[:20])
    return f"{prompt}\nYour last definition:\n{source}\nVerification refused it:\n{found}"


def _step(name: str, schema: JsonObject) -> str:
    given = schema.get("input", {})
    needed = set(given.get("required", ()))
    keys = [f"{key}{'' if key in needed else '?'}" for key in given.get("properties", {})]
    return f"- {name}: {schema.get('description', '')} Keys: {', '.join(keys)}"
