"""What expressions answer: native types, hyphenated ids, FHIRPath over FHIR data, honest errors."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from careloom.workflows.expressions import (
    ExpressionError,
    compile_condition,
    compile_template,
    evaluate,
    evaluate_collection,
)

CONTEXT: dict[str, Any] = {
    "trigger": {
        "file": "dicom://uploads/study123.dcm",
        "patientId": "Patient/789",
        "count": 3,
        "ratio": 0.5,
        "urgent": True,
        "nothing": None,
        "odd-name": "x",
        "tags": ["a", "b"],
        "resource": {
            "resourceType": "Patient",
            "subject": {"reference": "Patient/1"},
            "active": True,
            "birthDate": "1980-02-29",
            "name": [
                {"use": "official", "family": "Roe", "given": ["Jane", "Q"]},
                {"use": "nickname", "given": ["Janie"]},
            ],
            "valueQuantity": {"value": 7.5, "unit": "mmol/L"},
            "item": [{"linkId": "1", "answer": 1}, {"linkId": "2", "answer": 2}],
        },
    },
    "steps": {
        "analyze-image": {
            "output": {"analysisResult": {"label": "pneumonia"}, "confidence": 0.91, "summary": "s"}
        },
        "2nd_step": {"output": {"ok": True}},
    },
    "run": {"id": "run_1", "now": "2026-03-01T10:30:00+00:00"},
    "session": {"id": "ses_1"},
}


def failure(text: str, code: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as failed:
        evaluate(text, CONTEXT)
    assert failed.value.code == code, failed.value.message
    assert failed.value.fix
    return failed.value


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{trigger.file}}", "dicom://uploads/study123.dcm"),
        ("{{ trigger.count }}", 3),
        ("{{trigger.urgent}}", True),
        ("{{trigger.nothing}}", None),
        ("{{trigger.tags}}", ["a", "b"]),
        ("{{trigger.resource.subject}}", {"reference": "Patient/1"}),
        ("{{trigger.resource}}", CONTEXT["trigger"]["resource"]),
        ("{{trigger.resource.name[1].given}}", ["Janie"]),
        ("{{steps.analyze-image.output.analysisResult}}", {"label": "pneumonia"}),
        ("{{steps['analyze-image'].output['confidence']}}", 0.91),
        ("{{steps.2nd_step.output.ok}}", True),
        ("{{trigger['odd-name']}}", "x"),
        ("{{trigger.`odd-name`}}", "x"),
        ("Patient/{{trigger.patientId}}", "Patient/Patient/789"),
        ("{{trigger.count}} of {{trigger.ratio}} is {{trigger.urgent}}", "3 of 0.5 is true"),
        ("{{'{{'}} and {{'}}'}}", "{{ and }}"),
        ("no braces } { }}", "no braces } { }}"),
    ],
)
def test_templates_keep_types_alone_and_make_text_among_text(template: str, value: Any) -> None:
    assert compile_template(template).render(CONTEXT) == value


def test_a_template_renders_every_place_and_leaves_the_rest() -> None:
    raw = {"a": ["{{trigger.count}}", {"b": "x{{trigger.count}}"}], "c": 1, "d": None, "e": "{x}"}
    template = compile_template(raw)
    assert template.render(CONTEXT) == {**raw, "a": [3, {"b": "x3"}]}
    assert template.references == {("trigger", "count")}
    assert compile_template({"c": 1}).constant


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("trigger.resource.name.where(use = 'official').family", "Roe"),
        ("trigger.resource.name.given", ["Jane", "Q", "Janie"]),
        ("trigger.resource.name.given.first()", "Jane"),
        ("trigger.resource.name.given.last()", "Janie"),
        ("trigger.resource.name.given.count()", 3),
        ("trigger.resource.name.select(given.first()).join(', ')", "Jane, Janie"),
        ("trigger.resource.name.all(given.exists())", True),
        ("trigger.resource.name.all(family.exists())", False),
        ("trigger.resource.name.any(use = 'nickname')", True),
        ("trigger.resource.name.exists(use = 'old')", False),
        ("trigger.resource.deceased.exists()", False),
        ("trigger.resource.deceased.empty()", True),
        ("trigger.resource.value.value.first() + 0", 7.5),
        ("trigger.resource.item.where(item.empty() and linkId = '2').answer", 2),
        ("trigger.missing.exists()", False),
        ("steps.unknown.output.x.empty()", True),
        ("coalesce(trigger.missing, steps.no.output.x, 'd')", "d"),
        ("trigger.missing.default('d')", "d"),
        ("trigger.file.default('d')", "dicom://uploads/study123.dcm"),
        ("iif(trigger.count > 2, 'many', 'few')", "many"),
        ("iif(trigger.count > 5, 'many')", None),
        ("iif(true, 1, trigger.missing)", 1),
        ("trigger.file.startsWith('dicom:') and trigger.file.endsWith('.dcm')", True),
        ("trigger.file.contains('study')", True),
        ("trigger.tags contains 'b'", True),
        ("'c' in trigger.tags", False),
        ("trigger.file.substring(8, 7)", "uploads"),
        ("trigger.file.split('/').last().replace('.dcm', '')", "study123"),
        ("trigger.file.upper().length()", 28),
        ("'  x '.trim()", "x"),
        ("trigger.file.matches('^dicom://[a-z]+/.*[.]dcm$')", True),
        ("trigger.file.matches('^[0-9]')", False),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3.5),
        ("6 / 2", 3),
        ("7 div 2", 3),
        ("-7 mod 3", -1),
        ("1 / 0", None),
        ("0.1 + 0.2", 0.3),
        ("- -3", 3),
        ("2 - -1", 3),
        ("'a' + 'b' & 1 & {}", "ab1"),
        ("2.5.round()", 3),
        ("1.005.round(2)", 1.01),
        ("'12'.toInteger() + 1", 13),
        ("'1.50'.toDecimal()", 1.5),
        ("'x'.toInteger()", None),
        ("3.toString() & ''", "3"),
        ("1 = 1.0", True),
        ("true = 1", False),
        ("'A' = 'a'", False),
        ("'A' ~ 'a'", True),
        ("'a' != 'b'", True),
        ("'a' !~ 'A'", False),
        ("{} = 1", None),
        ("{} ~ {}", True),
        ("trigger.resource.subject = trigger.resource.subject", True),
        ("2 < 10 and '2' > '10'", True),
        ("@2020-01-01 < @2020-01-02", True),
        ("@2020 < @2020-01-02", None),
        ("@2020-01-01T10:00:00Z = @2020-01-01T11:00:00+01:00", True),
        ("trigger.resource.birthDate < today()", True),
        ("today()", "2026-03-01"),
        ("now()", "2026-03-01T10:30:00+00:00"),
        ("not(trigger.urgent)", False),
        ("trigger.urgent.not()", False),
        ("true or trigger.missing", True),
        ("false and trigger.missing", False),
        ("{} or true", True),
        ("{} and true", None),
        ("true xor false", True),
        ("false implies {}", True),
        ("trigger.tags.distinct().count()", 2),
        ("trigger.resource.item.answer.sum()", 3),
        ("trigger.tags.tail().first()", "b"),
        ("trigger.tags.skip(1).take(1)", "b"),
        ("trigger.tags[trigger.count - 2]", "b"),
        ("trigger.tags[9].exists()", False),
        ("trigger.tags[-1]", None),
        ("%trigger.count", 3),
        ("'it\\'s \\u00e9'", "it's é"),
    ],
)
def test_expressions_answer(text: str, value: Any) -> None:
    found = evaluate(text, CONTEXT)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


def random_json(draw: random.Random, depth: int = 0) -> Any:
    choice = draw.randrange(7 if depth < 4 else 5)
    size = draw.randrange(4)
    if choice == 5:
        return [random_json(draw, depth + 1) for _ in range(size)]
    if choice == 6:
        return {draw.choice("abcd"): random_json(draw, depth + 1) for _ in range(size)}
    text = draw.choice(["", "{{trigger.v}}", "é'\"\\", "null", "1"])
    number = draw.choice([draw.randrange(-(10**15), 10**15), draw.random(), 1e-7, 2.0])
    return [None, draw.random() < 0.5, number, text, text][choice]


def test_random_values_come_through_a_lone_expression_unchanged() -> None:
    draw = random.Random(42)
    template = compile_template({"x": ["{{ trigger.v }}", "{{trigger.w[0].v}}", "plain"]})
    for _ in range(500):
        value = random_json(draw)
        context = {"trigger": {"v": value, "w": [{"v": value}]}}
        once, twice, plain = template.render(context)["x"]
        assert (once, twice, plain) == (value, value, "plain")
        assert type(once) is type(value)


def test_random_values_in_a_text_are_shown_once_or_refused() -> None:
    draw = random.Random(43)
    template = compile_template("<{{trigger.v}}>")
    for _ in range(500):
        value = random_json(draw)
        only = value[0] if isinstance(value, list) and len(value) == 1 else value
        context = {"trigger": {"v": value}}
        if isinstance(only, (str, bool, int, float)):
            # What an expression yields is never evaluated again.
            assert template.render(context) == f"<{shown(only)}>"
        else:
            with pytest.raises(ExpressionError):
                template.render(context)


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


@pytest.mark.parametrize("seed", range(3))
def test_random_arithmetic_agrees_with_exact_fractions(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(300):
        numbers = [draw.randrange(1, 100) for _ in range(4)]
        signs = [draw.choice("+-*") for _ in range(3)]
        text = "".join(f"{n} {s} " for n, s in zip(numbers, [*signs, ""], strict=True)).strip()
        exact = Fraction(eval(text))
        assert Fraction(evaluate(text, {})) == exact
        grouped = f"({text}) / {numbers[0]}"
        assert abs(Fraction(evaluate(grouped, {})) - exact / numbers[0]) < Fraction(1, 10**9)


def test_collections_are_lists() -> None:
    assert evaluate_collection("trigger.resource.name.use", CONTEXT) == ["official", "nickname"]
    assert evaluate_collection("trigger.resource.none", CONTEXT) == []
    assert evaluate_collection("trigger.count", CONTEXT) == [3]


def test_a_missing_key_names_the_path_and_what_there_is_but_no_value() -> None:
    error = failure("steps.analyze-image.output.diagnosis", "E-EXPR-MISSING")
    assert error.path == "steps.analyze-image.output.diagnosis"
    assert "analysisResult, confidence, summary" in error.message
    assert "pneumonia" not in error.message
    assert failure("trigger.resource.name.middle", "E-EXPR-MISSING")
    assert failure("trigger.tags[2]", "E-EXPR-MISSING")
    assert failure("trigger.count.more", "E-EXPR-MISSING")
    assert failure("item.x", "E-EXPR-MISSING")


def test_promised_names_must_exist_even_inside_a_calculation() -> None:
    failure("trigger.missing = 'x'", "E-EXPR-MISSING")
    failure("steps.analyze-image.output.missing & 'x'", "E-EXPR-MISSING")
    assert evaluate("trigger.resource.missing = 'x'", CONTEXT) is None


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("x {{trigger.resource.subject}}", "E-EXPR-TYPE"),
        ("x {{trigger.nothing}}", "E-EXPR-TYPE"),
        ("x {{trigger.tags}}", "E-EXPR-MANY"),
        ("x {{trigger.resource.photo}}", "E-EXPR-MISSING"),
        ("x {{trigger.resource.photo.first()}}", "E-EXPR-TYPE"),
        ("{{trigger.missing}}", "E-EXPR-MISSING"),
    ],
)
def test_nothing_turns_into_an_empty_or_a_strange_text(template: str, code: str) -> None:
    with pytest.raises(ExpressionError) as failed:
        compile_template({"data": {"note": [template]}}).render(CONTEXT)
    assert failed.value.code == code
    assert (failed.value.path or "").startswith("data/note/0")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("trigger.tags + 1", "E-EXPR-MANY"),
        ("trigger.tags > 1", "E-EXPR-MANY"),
        ("trigger.file > 1", "E-EXPR-TYPE"),
        ("trigger.file + 1", "E-EXPR-TYPE"),
        ("trigger.file and true", "E-EXPR-TYPE"),
        ("trigger.resource.name.where(given)", "E-EXPR-MANY"),
        ("trigger.count.upper()", "E-EXPR-TYPE"),
        ("trigger.file.split('')", "E-EXPR-TYPE"),
        ("trigger.file.substring('a')", "E-EXPR-TYPE"),
        ("-trigger.file", "E-EXPR-TYPE"),
        ("trigger.tags['a' & 'b']", "E-EXPR-TYPE"),
    ],
)
def test_wrong_types_are_errors(text: str, code: str) -> None:
    failure(text, code)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("trigger.", 8),
        ("trigger.x y", 10),
        ("trigger.a-b", 10),
        ("file", 0),
        ("1 +", 3),
        ("(1", 2),
        ("'open", 0),
        ("'\\q'", 1),
        ("'\\u12'", 1),
        ("`open", 0),
        ("1abc", 0),
        ("a ; b", 2),
        ("trigger.x.nope()", 10),
        ("trigger.x.first(1)", 10),
        ("where(true)", 0),
        ("not()", 0),
        ("$this", 0),
        ("%other", 1),
        ("trigger[", 8),
        ("1 | 1", 2),
        ("trigger.__class__", 8),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_position(text: str, position: int) -> None:
    error = failure(text, "E-EXPR-SYNTAX")
    assert error.position == position
    assert error.details == {"position": position}
    assert error.expression == text


def test_an_unclosed_template_and_a_templated_key_are_refused() -> None:
    for raw in ("{{ trigger.x", "a {{ 'b }} c", {"{{trigger.x}}": 1}):
        with pytest.raises(ExpressionError):
            compile_template(raw)


def test_references_tell_what_is_read_and_what_must_exist() -> None:
    template = compile_template(
        "{{steps.a.output.list[0].name}} {{coalesce(trigger.b, steps['c-d'].output.e)}}"
        "{{trigger.resource.name.where(use = trigger.use).given}}"
    )
    assert template.required == {
        ("steps", "a", "output", "list", "name"),
        ("trigger", "resource", "name"),
        ("trigger", "use"),
    }
    assert template.references - template.required == {
        ("trigger", "b"),
        ("steps", "c-d", "output", "e"),
    }


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("trigger.urgent", True),
        ("{{ trigger.count > 2 }}", True),
        ("trigger.resource.missing = 1", False),
        ("false", False),
    ],
)
def test_conditions_hold_or_not(text: str, holds: bool) -> None:
    assert compile_condition(text).holds(CONTEXT) is holds


def test_a_condition_must_be_true_or_false() -> None:
    with pytest.raises(ExpressionError) as failed:
        compile_condition("trigger.file").holds(CONTEXT)
    assert failed.value.code == "E-EXPR-TYPE"
    with pytest.raises(ExpressionError):
        compile_condition("1")


def test_constant_conditions_are_known() -> None:
    assert compile_condition("1 = 2").constant is False
    assert compile_condition("true or false").constant is True
    assert compile_condition("trigger.x").constant is None


def test_a_trigger_condition_reads_the_resource_and_what_it_was_before() -> None:
    condition = compile_condition("status = 'booked' and %previous.status != 'booked'", focus=True)
    booked, pending = {"status": "booked"}, {"status": "pending"}
    assert condition.holds({"current": booked, "previous": pending})
    assert not condition.holds({"current": booked, "previous": booked})
    assert not condition.holds({"current": booked, "previous": None})
    assert compile_condition("name.exists()", focus=True).holds({"current": {"name": [1]}})
