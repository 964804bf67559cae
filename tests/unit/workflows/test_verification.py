"""What is refused, warned of or remarked on before a workflow is deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from careloom.steps.schema import every_schema
from careloom.types import JsonObject
from careloom.workflows.definition import DefinitionError, parse_definition
from careloom.workflows.expressions import ExpressionError, evaluate
from careloom.workflows.verification import (
    Finding,
    Known,
    cascade_findings,
    trigger_graph,
    unreviewed_ai,
    verify,
)

ROOT = Path(__file__).parents[3]
WAIT_SCHEMA = json.loads((ROOT / "src/careloom/steps/wait/schema.json").read_text())
Schemas = dict[str, JsonObject]

WORKER: JsonObject = {"id": "ai", "type": "worker", "worker": "r", "input": {}}
WAIT: JsonObject = {"id": "pause", "type": "wait", "duration": "1s"}
TASK: JsonObject = {"id": "review", "type": "task", "title": "Please look"}
MAYBE: JsonObject = {**TASK, "when": "trigger.x"}


def observation(**data: Any) -> JsonObject:
    return {
        "id": "store",
        "type": "fhir",
        "action": "create",
        "resourceType": "Observation",
        "data": {"status": "final", "code": {"coding": [{"code": "x"}]}, **data},
    }


def bot(text: str) -> JsonObject:
    return {"id": "tell", "type": "bot", "tool": "Slack.send", "params": {"message": text}}


def through(connection: str) -> JsonObject:
    """A message through the connection of this name."""
    params = {"message": "x", "connection": connection}
    return {"id": "tell", "type": "bot", "tool": "Slack.send", "params": params}


CONNECTED = Known(
    connections=frozenset({"slack", "webhook"}),
    connection_names=frozenset({("slack", "ward"), ("webhook", "ehr")}),
)


def findings(schemas: Schemas, *steps: JsonObject, **options: Any) -> list[Finding]:
    keys = {name: options.pop(name) for name in ("trigger", "input", "output") if name in options}
    parsed = parse_definition({"id": "w", "steps": list(steps), **keys})
    return verify(parsed.definition, schemas, **options)


def codes(found: list[Finding]) -> list[str]:
    return [one.code for one in found]


def if_step(condition: Any, *then: JsonObject, **more: Any) -> JsonObject:
    return {"id": "check", "type": "if", "condition": condition, "then": list(then), **more}


def sound(resource_type: str, data: JsonObject) -> list[Finding]:
    """A structure without fault."""
    return []


DUPLICATE = {**WAIT, "duration": "2s"}


def late(reads: str) -> JsonObject:
    return {"id": "late", "type": "wait", "duration": "{{" + reads + "}}"}


NEEDLESS = late("steps.pause.output.waitedUntil")

CASES: list[tuple[str, str, list[JsonObject], dict[str, Any]]] = [
    ("E-DUPLICATEID", "steps/pause", [WAIT, DUPLICATE], {}),
    ("E-STEPTYPE", "steps/pause/type", [{**WAIT, "type": "wiat"}], {}),
    ("E-MISSINGKEY", "steps/ai", [{"id": "ai", "type": "worker", "input": {}}], {}),
    (
        "E-MISSINGKEY",
        "steps/store",
        [{**observation(), "data": None}],
        {"check_structure": sound},
    ),
    (
        "E-MISSINGKEY",
        "steps/store/resourceType",
        [{"id": "store", "type": "fhir", "action": "create", "data": {"status": "final"}}],
        {},
    ),
    ("E-UNKNOWNKEY", "steps/ai/wroker", [{**WORKER, "wroker": "x"}], {}),
    ("E-PARAM", "steps/ai/input", [{**WORKER, "input": "text"}], {}),
    ("E-PARAM", "steps/store/action", [{**observation(), "action": "burn"}], {}),
    ("E-BRANCH", "steps/pause", [{**WAIT, "then": [TASK]}], {}),
    ("E-BRANCH", "steps/c", [{"id": "c", "type": "if", "condition": "true", "else": [WAIT]}], {}),
    ("E-BRANCH", "steps/c", [{"id": "c", "type": "switch", "value": "{{trigger.x}}"}], {}),
    ("E-WORKER", "steps/ai/worker", [WORKER], {"known": Known(workers=frozenset({"radiology"}))}),
    ("E-MODEL", "steps/ai/model", [{**WORKER, "model": "m"}], {"known": Known(models=frozenset())}),
    ("E-TOOL", "steps/tell/tool", [bot("x")], {"known": Known(tools=frozenset({"Email.send"}))}),
    (
        "E-PIPELINE",
        "steps/ai/pipeline",
        [{"id": "ai", "type": "wait", "pipeline": "p"}],
        {"known": Known(pipelines=frozenset())},
    ),
    ("W-CONNECTION", "steps/tell/tool", [bot("x")], {"known": Known(connections=frozenset())}),
    (
        "E-CONNECTION",
        "steps/tell/tool",
        [bot("x")],
        {"known": Known(connections=frozenset({"email"})), "environment": "production"},
    ),
    ("W-CONNECTION", "steps/tell/params/connection", [through("wrad")], {"known": CONNECTED}),
    ("W-CONNECTION", "steps/tell/params/connection", [through("ehr")], {"known": CONNECTED}),
    (
        "E-CONNECTION",
        "steps/tell/params/connection",
        [through("slack")],
        {"known": CONNECTED, "environment": "production"},
    ),
    (
        "E-RESOURCETYPE",
        "steps/store/resourceType",
        [{**observation(), "resourceType": "Observatoin"}],
        {"known": Known(resource_types=frozenset({"Observation"}))},
    ),
    ("I-CODING", "steps/store/data/code", [observation(code={"text": "AI Analysis Result"})], {}),
    (
        "W-AIFINAL",
        "steps/store/data/status",
        [WORKER, observation(valueString="{{steps.ai.output.summary}}")],
        {},
    ),
    (
        "E-AIFINAL",
        "steps/store/data/status",
        [WORKER, observation(valueString="{{steps.ai.output.summary}}")],
        {"environment": "production"},
    ),
    ("W-PHI", "steps/tell/params/message", [bot("For {{trigger.patientId}}")], {}),
    (
        "E-PHI",
        "steps/tell/params/message",
        [bot("For {{trigger.resource.name.family}}")],
        {"environment": "production"},
    ),
    ("E-REF", "steps/pause/duration", [{**WAIT, "duration": "{{steps.x.output.y}}"}], {}),
    ("E-REF", "output", [WAIT], {"output": "{{steps.x.output.y}}"}),
    (
        "E-REFSHAPE",
        "steps/late/duration",
        [WAIT, late("steps.pause.waited")],
        {},
    ),
    ("E-REFORDER", "steps/late/duration", [NEEDLESS, WAIT], {}),
    (
        "E-REFBRANCH",
        "steps/check/else/late/duration",
        [if_step("trigger.x", WAIT, **{"else": [NEEDLESS]})],
        {},
    ),
    ("W-REFMAYBE", "steps/late/duration", [if_step("trigger.x", WAIT), NEEDLESS], {}),
    ("W-REFMAYBE", "steps/late/duration", [{**WAIT, "when": "trigger.x"}, NEEDLESS], {}),
    ("E-REFROOT", "steps/pause/duration", [{**WAIT, "duration": "{{item.x}}"}], {}),
    (
        "E-INPUTKEY",
        "steps/pause/duration",
        [{**WAIT, "duration": "{{trigger.fil}}"}],
        {"input": {"properties": {"file": {}}, "additionalProperties": False}},
    ),
    (
        "W-REFMAYBE",
        "steps/pause/when",
        [{**WAIT, "when": "trigger.urgent = true"}],
        {"input": {"properties": {"urgent": {"type": "boolean"}}}},
    ),
    (
        "W-INPUTKEY",
        "steps/pause/when",
        [{**WAIT, "when": "trigger.file = 'x'"}],
        {"trigger": {"type": "fhir", "event": "Observation.create"}},
    ),
    ("E-UNKNOWNKEY", "steps/pause/timout", [{**WAIT, "timout": "5s"}], {}),
    (
        "E-OUTPUTKEY",
        "steps/late/duration",
        [WAIT, late("steps.pause.output.x")],
        {},
    ),
    (
        "I-EXPECTS",
        "steps/late/duration",
        [WORKER, late("steps.ai.output.x")],
        {},
    ),
    ("E-CYCLE", "steps/pause", [{**WAIT, "duration": "{{steps.pause.output.waitedUntil}}"}], {}),
    (
        "E-CYCLE",
        "steps/pause",
        [{**WAIT, "duration": "{{steps.late.output.waitedUntil}}"}, NEEDLESS],
        {},
    ),
    ("E-EXPR-SYNTAX", "steps/pause/duration", [{**WAIT, "duration": "{{trigger.}}"}], {}),
    ("E-EXPR-SYNTAX", "steps/ai/input/a/0", [{**WORKER, "input": {"a": ["{{os.x}}"]}}], {}),
    ("E-EXPR-SYNTAX", "steps/pause/when", [{**WAIT, "when": "file"}], {}),
    ("E-EXPR-SYNTAX", "steps/check/condition", [if_step("a b", WAIT)], {}),
    ("E-EXPR-SYNTAX", "output/a", [WAIT], {"output": {"a": "{{1 +}}"}}),
    ("E-EXPR-LIMIT", "steps/pause/duration", [{**WAIT, "duration": "{{" + "x" * 5000 + "}}"}], {}),
    ("E-EXPR-TYPE", "steps/pause/when", [{**WAIT, "when": "1"}], {}),
    ("W-UNREACHABLE", "steps/pause", [{**WAIT, "when": "1 = 2"}], {}),
    ("W-UNREACHABLE", "steps/check/then/pause", [if_step(False, WAIT)], {}),
    ("W-UNREACHABLE", "steps/check/else/pause", [if_step("true", TASK, **{"else": [WAIT]})], {}),
    (
        "W-UNREACHABLE",
        "steps/s/b/pause",
        [{"id": "s", "type": "switch", "value": "a", "cases": {"a": [TASK], "b": [WAIT]}}],
        {},
    ),
    ("E-TRIGGER", "triggers/0/cron", [WAIT], {"trigger": {"type": "schedule", "cron": "x"}}),
    ("E-TRIGGER", "triggers/0/path", [WAIT], {"trigger": {"type": "webhook", "secret": "s"}}),
    (
        "E-TRIGGERKEY",
        "triggers/0/catchup",
        [WAIT],
        {"trigger": {"type": "schedule", "cron": "0 0 * * *", "catchup": "all"}},
    ),
    (
        "E-CHANGE",
        "triggers/0/becomes",
        [WAIT],
        {"trigger": {"type": "fhir", "event": "Patient.update", "becomes": "active"}},
    ),
    ("E-TRIGGERTYPE", "triggers/0/type", [WAIT], {"trigger": {"type": "dicmo"}}),
    ("E-EVENT", "triggers/0/event", [WAIT], {"trigger": {"type": "fhir"}}),
    ("E-EVENT", "triggers/0/event", [WAIT], {"trigger": {"type": "dicom", "event": "Uploaded"}}),
    (
        "E-EVENT",
        "triggers/0/event",
        [WAIT],
        {
            "trigger": {"type": "fhir", "event": "Patinet.create"},
            "known": Known(resource_types=frozenset({"Patient"})),
        },
    ),
    (
        "E-FILTER",
        "triggers/0/filter",
        [WAIT],
        {"trigger": {"type": "fhir", "event": "Patient.create", "filter": "name.exists()"}},
    ),
    (
        "E-EXPR-SYNTAX",
        "triggers/0/where",
        [WAIT],
        {"trigger": {"type": "fhir", "event": "Patient.create", "where": "active ="}},
    ),
]


@pytest.mark.parametrize(("code", "path", "steps", "options"), CASES)
def test_each_fault_has_its_code_place_cause_and_fix(
    schemas: Schemas, code: str, path: str, steps: list[JsonObject], options: dict[str, Any]
) -> None:
    schemas["wait"]["input"]["properties"]["pipeline"] = {}
    found = [one for one in findings(schemas, *steps, **options) if one.code == code]
    assert [one.path for one in found] == [path]
    assert found[0].message
    assert found[0].cause
    assert found[0].fix
    severities = {"E": "error", "W": "warning", "I": "info"}
    assert found[0].severity == severities[code[0]]
    assert found[0].to_json()["code"] == code


@pytest.mark.parametrize(
    ("step", "message", "fix"),
    [
        (
            {**WAIT, "until": "2026-01-31T08:00:00Z"},
            "exactly one of duration, until, event; not duration and until together",
            "write exactly one of them",
        ),
        ({"id": "pause", "type": "wait"}, "there is none", "write exactly one of them"),
        ({**WAIT, "duration": "5 minutes"}, "not a length of time", "write seconds, or 30s"),
        ({**WAIT, "timout": "5s"}, "'timout' is not a key", "write timeout"),
    ],
)
def test_a_slip_in_a_parameter_is_told_in_words(
    schemas: Schemas, step: JsonObject, message: str, fix: str
) -> None:
    [found] = findings({**schemas, "wait": WAIT_SCHEMA}, step)
    assert message in found.message
    assert fix in found.fix


@pytest.mark.parametrize("duration", ["5m", "1.5 h", "250ms", "PT5M", "P1DT2H", 5, "{{trigger.x}}"])
def test_every_form_of_a_duration_is_taken(schemas: Schemas, duration: Any) -> None:
    known = {**schemas, "wait": WAIT_SCHEMA}
    assert findings(known, {**WAIT, "duration": duration}) == []


def test_what_a_start_may_leave_out_is_no_fault_under_coalesce(schemas: Schemas) -> None:
    step = {**WAIT, "when": "coalesce(trigger.urgent, false)"}
    assert findings(schemas, step, input={"properties": {"urgent": {"type": "boolean"}}}) == []


def test_what_one_of_the_triggers_may_give_is_no_fault(schemas: Schemas) -> None:
    step = {**WAIT, "when": "trigger.file = 'x'"}
    both = [{"type": "fhir", "event": "Observation.create"}, {"type": "manual"}]
    parsed = parse_definition({"id": "w", "triggers": both, "steps": [step]})
    assert verify(parsed.definition, schemas) == []


@pytest.mark.parametrize("action", ["create", "update"])
def test_a_write_of_nothing_is_no_sound_step(schemas: Schemas, action: str) -> None:
    found = findings(schemas, {"id": "store", "type": "fhir", "action": action})
    assert [(one.code, one.path) for one in found if one.code == "E-MISSINGKEY"] == [
        ("E-MISSINGKEY", "steps/store/resourceType"),
        ("E-MISSINGKEY", "steps/store/data"),
    ]
    assert all(one.severity == "error" and one.fix for one in found)


@pytest.mark.parametrize("data", ["{{trigger.resource}}", {"resourceType": "Patient"}])
def test_data_may_bring_its_type(schemas: Schemas, data: Any) -> None:
    step = {"id": "store", "type": "fhir", "action": "create", "data": data}
    assert "E-MISSINGKEY" not in codes(findings(schemas, step))


def test_a_sound_workflow_has_no_findings(schemas: Schemas) -> None:
    steps = [
        {**WORKER, "input": {"study": "{{trigger.resource.id}}"}, "output": "result"},
        {**TASK, "show": {"result": "{{steps.ai.output.result}}"}},
        if_step(
            "steps.review.output.approved",
            observation(valueString="{{steps.ai.output.result}}"),
            bot("Done: {{run.id}}"),
        ),
    ]
    trigger = {"type": "fhir", "event": "ImagingStudy.create", "filter": "status=available"}
    options = {"trigger": trigger, "environment": "production", "mode": "strict"}
    assert findings(schemas, *steps, **options) == []


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        ([WORKER, TASK, observation(valueString="{{steps.ai.output.summary}}")], False),
        ([TASK, WORKER, observation(valueString="{{steps.ai.output.summary}}")], True),
        (
            [
                WORKER,
                {**TASK, "when": "trigger.x"},
                observation(note="{{steps.ai.output.summary}}"),
            ],
            True,
        ),
        (
            [WORKER, if_step("trigger.x", TASK), observation(note="{{steps.ai.output.summary}}")],
            True,
        ),
        ([WORKER, TASK, observation(note="{{steps.review.output.decision}}")], False),
        ([WORKER, observation(status="preliminary", note="{{steps.ai.output.summary}}")], False),
        ([WORKER, observation(note="{{trigger.text}}")], False),
        (
            [
                WORKER,
                {**bot("{{steps.ai.output.summary}}"), "id": "via"},
                observation(note="{{steps.via.output.state}}"),
            ],
            True,
        ),
    ],
)
def test_production_wants_a_person_between_an_ai_and_a_final_status(
    schemas: Schemas, steps: list[JsonObject], refused: bool
) -> None:
    found = findings(schemas, *steps, environment="production")
    assert ("E-AIFINAL" in codes(found)) is refused
    definition = parse_definition({"id": "w", "steps": steps}).definition
    fed = any("steps." in str(step) for step in steps) and "steps/store" in unreviewed_ai(
        definition, schemas
    )
    assert fed is (refused or steps[-1]["data"]["status"] == "preliminary")


def test_final_entries_of_a_transaction_are_seen(schemas: Schemas) -> None:
    entry = {
        "request": {"method": "POST", "url": "DiagnosticReport"},
        "resource": {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "conclusion": "{{steps.ai.output.summary}}",
        },
    }
    step = {"id": "store", "type": "fhir", "action": "transaction", "data": {"entry": [entry]}}
    found = findings(schemas, WORKER, step)
    assert [one.path for one in found if one.code == "W-AIFINAL"] == [
        "steps/store/data/entry/0/resource/status"
    ]


def test_templates_satisfy_any_type_of_a_parameter(schemas: Schemas) -> None:
    assert findings(schemas, {**WORKER, "input": "{{trigger.resource}}"}) == []


@pytest.mark.parametrize("text", ["{{run.id}}", "{{steps.ai.output.confidence}}", "plain"])
def test_messages_without_patient_data_pass(schemas: Schemas, text: str) -> None:
    assert findings(schemas, WORKER, bot(text), environment="production") == []


def structure(resource_type: str, data: JsonObject) -> list[Finding]:
    """As the fhir room answers: a repairable fault is a warning, a hopeless one an error."""
    found = []
    if isinstance(data.get("category"), str):
        found.append(
            Finding("W-COERCE", "warning", "category", "not a list", "a plain text", "write a list")
        )
    if "status" not in data:
        found.append(Finding("E-FHIRSTRUCTURE", "error", "status", "missing", "1..1", "add status"))
    return found


def test_structural_faults_of_a_write_are_placed_in_the_definition(schemas: Schemas) -> None:
    step = observation(category="imaging")
    del step["data"]["status"]
    found = findings(schemas, step, check_structure=structure)
    assert [(one.code, one.path) for one in found] == [
        ("E-FHIRSTRUCTURE", "steps/store/data/status"),
        ("W-COERCE", "steps/store/data/category"),
    ]


@pytest.mark.parametrize(
    "guard",
    [
        "iif(steps.pause.outcome = 'succeeded', steps.pause.output.waitedUntil = 'x', false)",
        "steps.pause.outcome = 'succeeded'",
        "coalesce(steps.pause.output.waitedUntil, '') = 'x'",
        "steps.pause.output.exists()",
    ],
)
def test_who_asks_first_whether_an_optional_step_ran_may_read_it(
    schemas: Schemas, guard: str
) -> None:
    optional = {**WAIT, "when": "trigger.x"}
    assert findings(schemas, optional, if_step(guard, NEEDLESS)) == []
    unasked = findings(schemas, optional, if_step("trigger.x = 1", NEEDLESS))
    assert codes(unasked) == ["W-REFMAYBE"]


def test_a_fault_inside_a_list_is_placed_at_its_item(schemas: Schemas) -> None:
    def check(resource_type: str, data: JsonObject) -> list[Finding]:
        return [Finding("E-FHIRSTRUCTURE", "error", "Observation.component[1].code", "m", "c", "f")]

    found = findings(schemas, observation(), check_structure=check)
    assert [one.path for one in found] == ["steps/store/data/component/1/code"]


def test_strict_refuses_what_compat_would_repair(schemas: Schemas) -> None:
    step = observation(category="imaging")
    compat = findings(schemas, step, check_structure=structure)
    strict = findings(schemas, step, check_structure=structure, mode="strict")
    assert [(one.code, one.severity) for one in compat] == [("W-COERCE", "warning")]
    assert [(one.code, one.severity) for one in strict] == [("E-COERCE", "error")]


def test_findings_carry_the_line_of_the_yaml(schemas: Schemas) -> None:
    text = "id: w\nsteps:\n  - id: a\n    type: wait\n    duration: '{{steps.b.output.x}}'\n"
    parsed = parse_definition(text)
    found = verify(parsed.definition, schemas, line=parsed.line)
    assert [(one.code, one.line) for one in found] == [("E-REF", 5)]
    assert found[0].to_json()["line"] == 5


def test_names_that_were_nearly_right_are_offered(schemas: Schemas) -> None:
    found = findings(schemas, WAIT, late("steps.puase.outcome"))
    assert [one.fix for one in found if one.code == "E-REF"] == ["write pause"]


@pytest.mark.parametrize("connection", ["ward", "{{trigger.connection}}"])
def test_a_connection_that_is_there_is_no_fault(schemas: Schemas, connection: str) -> None:
    assert findings(schemas, through(connection), known=CONNECTED) == []


def test_a_mistyped_connection_is_offered_the_right_name(schemas: Schemas) -> None:
    [found] = findings(schemas, through("wrad"), known=CONNECTED)
    assert found.fix == "write ward"


def listening(where: str) -> JsonObject:
    return {"type": "fhir", "event": "Observation.update", "where": where}


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("current.status = 'final'", "current"),
        ("status = 'final' and previous.status != 'final'", "previous"),
        ("not(previous.empty())", "previous"),
    ],
)
def test_a_version_without_its_percent_sign_is_refused(
    schemas: Schemas, where: str, name: str
) -> None:
    [found] = findings(schemas, WAIT, trigger=listening(where))
    assert (found.code, found.severity, found.path) == ("E-REFROOT", "error", "triggers/0/where")
    assert found.fix == f"write %{name}"


@pytest.mark.parametrize(
    "where",
    [
        "%current.status = 'final' and %previous.status != 'final'",
        "code.text = 'current'",
        "trigger.previous = 1 or trigger['current'] = 2",
    ],
)
def test_a_condition_that_reads_versions_as_it_should_is_taken(
    schemas: Schemas, where: str
) -> None:
    assert findings(schemas, WAIT, trigger=listening(where)) == []


def test_every_name_of_the_patient_in_a_message_is_reported(schemas: Schemas) -> None:
    told = bot("{{trigger.birthDate}} {{trigger.name}} {{trigger.resource.subject.reference}}")
    told["params"]["subject"] = "{{trigger.patientId}} in {{run.id}}"
    found = findings(schemas, told)
    assert codes(found) == ["W-PHI"] * 4
    reported = {(one.path.rsplit("/", 1)[-1], one.message.split("(")[1]) for one in found}
    assert reported == {
        ("message", "trigger.birthDate)"),
        ("message", "trigger.name)"),
        ("message", "trigger.resource.subject.reference)"),
        ("subject", "trigger.patientId)"),
    }


def test_a_whole_trigger_in_a_message_is_reported(schemas: Schemas) -> None:
    params = {"payload": {"all": "{{trigger}}"}}
    found = findings(schemas, {"id": "t", "type": "bot", "tool": "Webhook.send", "params": params})
    assert codes(found) == ["W-PHI"]


def test_errors_come_first(schemas: Schemas) -> None:
    found = findings(schemas, bot("{{trigger.patientId}}"), {**WAIT, "type": "x"})
    assert [one.severity for one in found] == ["error", "warning"]


def test_the_radiology_workflow_of_the_documents(
    schemas: Schemas, seed_yaml: Callable[[str], str], element_kind: Any
) -> None:
    parsed = parse_definition(seed_yaml("radiology"), element_kind=element_kind)
    known = Known(connections=frozenset())
    found = verify(parsed.definition, schemas, known=known, line=parsed.line)
    assert codes(found) == ["W-AIFINAL", "W-CONNECTION", "W-PHI", "I-CODING"]
    production = verify(parsed.definition, schemas, environment="production", known=known)
    assert {one.code for one in production if one.severity == "error"} == {
        "E-AIFINAL",
        "E-CONNECTION",
        "E-PHI",
    }


def test_the_alias_of_a_result_is_a_key_of_the_output(schemas: Schemas) -> None:
    aliased = {"id": "wait", "type": "wait", "output": "result"}
    read = late("steps.wait.output.result")
    assert findings(schemas, aliased, read) == []
    unnamed = findings(schemas, {"id": "wait", "type": "wait"}, read)
    assert codes(unnamed) == ["E-OUTPUTKEY"]


def test_the_sync_workflow_of_the_documents_is_refused_with_its_reasons(
    schemas: Schemas, seed_yaml: Callable[[str], str]
) -> None:
    parsed = parse_definition(seed_yaml("sync"))
    schemas["pipeline"] = {"input": {"type": "object"}}
    known = Known(pipelines=frozenset({"lab-results-pipeline"}))
    found = verify(parsed.definition, schemas, known=known, line=parsed.line)
    assert [(one.code, one.path) for one in found] == [
        ("E-PIPELINE", "steps/sync-patients/pipeline"),
    ]
    assert all(one.line for one in found)


def test_a_key_that_only_a_later_step_names_is_asked_of_the_worker(
    schemas: Schemas, seed_yaml: Callable[[str], str], element_kind: Any
) -> None:
    parsed = parse_definition(seed_yaml("diagnostics"), element_kind=element_kind)
    found = verify(parsed.definition, schemas)
    expected = [one for one in found if one.code == "I-EXPECTS"]
    assert [one.path for one in expected] == ["steps/create-diagnostic-report/data/conclusion"]
    assert "diagnosis" in expected[0].message


def test_a_model_that_is_not_configured_is_refused_with_those_that_are(
    schemas: Schemas, seed_yaml: Callable[[str], str], element_kind: Any
) -> None:
    parsed = parse_definition(seed_yaml("diagnostics"), element_kind=element_kind)
    known = Known(models=frozenset({"chest-xray"}))
    found = [
        one for one in verify(parsed.definition, schemas, known=known) if one.code == "E-MODEL"
    ]
    assert [one.path for one in found] == ["steps/analyze-image/model"]
    assert "chest-xray" in found[0].fix


def test_the_two_ai_workflows_of_the_documents_cascade(
    seed_yaml: Callable[[str], str], element_kind: Any
) -> None:
    both = [
        parse_definition(seed_yaml(name), element_kind=element_kind).definition
        for name in ("radiology", "diagnostics")
    ]
    graph = trigger_graph(both)
    assert [(one.source, one.step, one.event, one.target) for one in graph.cascades] == [
        (
            "radiology-ai-workflow",
            "steps/store-observation",
            "Observation.create",
            "ai-diagnostics-workflow",
        )
    ]
    assert graph.cycles == ()


def test_workflows_that_start_each_other_are_named_as_a_cycle() -> None:
    def writes(name: str, listens: str, written: str) -> Any:
        step = {**observation(), "resourceType": written}
        trigger = {"type": "fhir", "event": f"{listens}.create"}
        return parse_definition({"id": name, "trigger": trigger, "steps": [step]}).definition

    graph = trigger_graph(
        [
            writes("b", "Task", "Observation"),
            writes("a", "Observation", "Task"),
            writes("c", "Patient", "Task"),
            writes("self", "Flag", "Flag"),
        ]
    )
    assert graph.cycles == (("a", "b"), ("self",))
    told = cascade_findings(graph, "b")
    assert [(one.code, one.severity) for one in told] == [("W-CASCADE", "warning")]
    assert "a → b → a" in told[0].message
    assert cascade_findings(graph, "c") == []


def codes_in(*folders: Path) -> set[str]:
    """Every code that stands in the source."""
    sources = [path.read_text() for folder in folders for path in folder.rglob("*.py")]
    return set(re.findall(r'"([EWI]-[A-Z]+(?:-[A-Z]+)?)"', "\n".join(sources)))


def test_every_code_is_documented_with_cause_and_fix() -> None:
    page = (ROOT / "docs/reference/codes.md").read_text()
    rows = dict(re.findall(r"^\| `([EWI]-[A-Z-]+)` \| (.+ \| .+) \|$", page, re.MULTILINE))
    assert codes_in(ROOT / "src/careloom") <= rows.keys()
    assert all(len(row.split(" | ")) == 3 for row in rows.values())


def test_every_code_has_a_test_case() -> None:
    rooms = ("definition", "expressions", "verification")
    own = codes_in(*(ROOT / "src/careloom/workflows" / room for room in rooms))
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    untested = {code for code in own if f'"{code}"' not in tests}
    assert untested == set()


def examples(page: str) -> list[tuple[str, str]]:
    text = (ROOT / "docs/reference" / page).read_text()
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_definitions_of_the_reference_page_are_sound() -> None:
    schemas = every_schema()
    found = [body for language, body in examples("definitions.md") if language == "yaml"]
    assert len(found) >= 2
    for body in found:
        parsed = parse_definition(body, mode="strict")
        errors = [one for one in verify(parsed.definition, schemas) if one.severity == "error"]
        assert errors == []


def test_the_answers_of_the_expression_page_are_true() -> None:
    text = (ROOT / "docs/reference/expressions.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", text, re.MULTILINE)
    context = {
        "trigger": {
            "file": "dicom://uploads/study123.dcm",
            "count": 3,
            "resource": {
                "resourceType": "Patient",
                "name": [{"use": "official", "given": ["Ann", "B"]}, {"given": ["Annie"]}],
                "subject": {"reference": "Patient/1"},
            },
        },
        "steps": {"analyze-image": {"output": {"label": "normal", "confidence": 0.9}}},
        "run": {"id": "run_1", "now": "2026-03-01T10:30:00Z"},
        "session": {"id": "ses_1"},
    }
    assert len(rows) >= 15
    for expression, answer in rows:
        if answer.startswith("E-EXPR"):
            with pytest.raises(ExpressionError) as failed:
                evaluate(expression, context)
            assert failed.value.code == answer
        else:
            assert evaluate(expression, context) == parse_answer(answer), expression


def parse_answer(text: str) -> Any:
    step = parse_definition(f"id: w\nsteps: [{{id: a, type: wait, x: {text}}}]").definition.steps[0]
    return step.params["x"]


@pytest.mark.parametrize("mode", ["compat", "strict"])
def test_a_refusal_always_says_code_and_fix(mode: Any) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition("workflow:\n  id: w\n", mode=mode)
    assert (refused.value.code, refused.value.path) == ("E-SHAPE", "steps")
    assert refused.value.fix
