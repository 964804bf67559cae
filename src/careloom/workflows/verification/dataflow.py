"""Types that flow between steps: names that cannot be there, and values of the wrong kind."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json, JsonObject
from careloom.workflows.definition import StepDefinition
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.expressions.syntax import parse
from careloom.workflows.expressions.template import split_template
from careloom.workflows.verification.finding import Finding, Subject, did_you_mean, error
from careloom.workflows.verification.flow import Place, is_bare_condition, read_templates
from careloom.workflows.verification.kinds import Gap, Kinds, Shapes, fits, kinds_of


def check_types(subject: Subject, all_places: list[Place]) -> Iterator[Finding]:
    """Every path and every template whose type is certain."""
    shapes = Shapes(subject, all_places)
    for place in all_places:
        for read in place.reads:
            if read.required:
                yield from _gap(shapes, read.path, read.reference)
        yield from _step(subject, shapes, place.step)
    for path, template in read_templates([], "output", subject.definition.output):
        for reference in sorted(template.required):
            yield from _gap(shapes, path, reference)
    yield from _result(subject, shapes)


def _gap(shapes: Shapes, path: str, reference: tuple[str, ...]) -> Iterator[Finding]:
    root, parts = reference[0], reference[1:]
    # The first name after output, and after trigger, is looked at where references are.
    if len(parts) <= (3 if root == "steps" else 1):
        return
    found = shapes.of(root, parts)
    if isinstance(found, Gap):
        what = f"steps.{parts[0]}.output" if root == "steps" else "trigger"
        yield error(
            "E-OUTPUTKEY" if root == "steps" else "E-INPUTKEY",
            path,
            f"{what} has no {'.'.join(map(str, parts[2 if root == 'steps' else 0 :]))!r}",
            cause=f"{found.name!r} is read from {found.holder}",
            fix=did_you_mean(found.name, found.names, "read what is there"),
        )


def _step(subject: Subject, shapes: Shapes, step: StepDefinition) -> Iterator[Finding]:
    if step.condition is not None:
        yield from _condition(shapes, f"{step.path}/when", step.condition)
    schema = subject.schemas.get(step.type, {}).get("input", {})
    for key, value in step.params.items():
        path = f"{step.path}/{key}"
        if is_bare_condition(step, key, value):
            yield from _condition(shapes, path, value)
        elif step.type == "foreach" and key == "items":
            yield from _given(shapes, path, value, frozenset({"array"}))
        else:
            part = schema.get("properties", {}).get(key)
            yield from _value(shapes, path, value, _child_input(subject, step, key) or part)


def _child_input(subject: Subject, step: StepDefinition, key: str) -> JsonObject | None:
    if step.type != "workflow" or key != "input" or step.params.get("version") is not None:
        return None
    child = subject.child(step.params.get("workflow"))
    return child.input_schema if child is not None else None


def _value(shapes: Shapes, path: str, value: Json, schema: Json) -> Iterator[Finding]:
    """A parameter against its schema; literals were checked against it as a whole."""
    if isinstance(value, str) and "{{" in value:
        wanted = kinds_of(schema)
        yield from _given(shapes, path, value, wanted)
        yield from _pieces(shapes, path, value)
        return
    known = schema if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        properties = known.get("properties", {})
        for key, item in value.items():
            yield from _value(shapes, f"{path}/{key}", item, properties.get(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _value(shapes, f"{path}/{number}", item, known.get("items"))


def _given(shapes: Shapes, path: str, value: Json, wanted: Kinds | None) -> Iterator[Finding]:
    given = shapes.kinds(value)
    if given is None or wanted is None or fits(given, wanted):
        return
    yield error(
        "E-TYPE",
        path,
        f"the value is {_words(given)}, and {_words(wanted)} is wanted",
        cause="the schemas of the step that gives it and of the one that takes it say so",
        fix="read another part of the output, or convert it",
    )


def _pieces(shapes: Shapes, path: str, text: str) -> Iterator[Finding]:
    """Inside a longer text only texts, numbers and truth values may stand."""
    try:
        pieces = split_template(text)
        inside = [one for one, plain in pieces if not plain and len(pieces) > 1]
        nodes = [parse(one.strip()) for one in inside]
    except ExpressionError:
        # Reported as an expression's fault where the step's expressions are checked.
        return
    for node in nodes:
        given = shapes.answer(node)
        if given is not None and given <= {"object"}:
            yield error(
                "E-TYPE",
                path,
                "an object stands inside a text",
                cause="only texts, numbers and truth values can be written into a text",
                fix="read one part of it",
            )


def _condition(shapes: Shapes, path: str, text: str) -> Iterator[Finding]:
    bare = text.strip()
    if bare.startswith("{{") and bare.endswith("}}"):
        bare = bare[2:-2].strip()
    try:
        given = shapes.answer(parse(bare))
    except ExpressionError:
        # Reported as an expression's fault where the step's expressions are checked.
        return
    if given is not None and not given & {"boolean", "array", "null"}:
        yield error(
            "E-TYPE",
            path,
            f"the condition is {_words(given)}, not true or false",
            cause="the schema of the step that gives it says so",
            fix="compare it (= 'x'), or ask .exists()",
        )


def _result(subject: Subject, shapes: Shapes) -> Iterator[Finding]:
    """The output against the workflow's own `result:`."""
    definition = subject.definition
    schema = definition.result_schema
    if schema is None:
        return
    if definition.output is None:
        missing: list[str] = list(schema.get("required", ()))
        if missing:
            yield _unmet(missing[0])
        return
    yield from _value(shapes, "output", definition.output, schema)
    output = definition.output
    if isinstance(output, dict):
        for name in schema.get("required", ()):
            if name not in output:
                yield _unmet(name)


def _unmet(name: str) -> Finding:
    return error(
        "E-RESULT",
        "output",
        f"the output has no {name!r}",
        cause="the schema under result: requires it, so every run would fail at its end",
        fix=f"add {name}: to output",
    )


def _words(kinds: Kinds) -> str:
    names = sorted(kinds)
    return " or ".join(
        f"{'an' if one[0] in 'aio' else 'a'} {one}" for one in names if one != "null"
    )
