"""What expressions read of the resource that starts a run: elements that its type does not have.

The elements of a type are asked of the FHIR room: http://hl7.org/fhir/R4/resourcelist.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json
from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.expressions.evaluate import FORGIVING
from careloom.workflows.expressions.functions import LAZY
from careloom.workflows.expressions.syntax import (
    LAMBDAS,
    THIS,
    Binary,
    Call,
    Index,
    Member,
    Negative,
    Node,
    Path,
    parse,
)
from careloom.workflows.expressions.template import split_template
from careloom.workflows.verification.finding import (
    Finding,
    Subject,
    did_you_mean,
    error,
    event_types,
    warning,
)
from careloom.workflows.verification.flow import Place, is_bare_condition
from careloom.workflows.verification.kinds import Gap

_SAME = frozenset({"where", "first", "last", "tail", "take", "skip", "distinct"})
"""Functions that answer with some of what they are asked about."""
_VERSIONS = frozenset({"current", "previous"})
Names = tuple[str, ...]
"""Elements below the resource."""


def check_resource_reads(subject: Subject, all_places: list[Place]) -> Iterator[Finding]:
    """Every expression of steps, output and policies, and the conditions of triggers."""
    triggers = subject.definition.triggers
    types = event_types(triggers)
    if subject.element_schema is None:
        return
    if types:
        for path, text in _texts(subject, all_places):
            yield from _text(subject, types, path, text, focus=False)
    for number, trigger in enumerate(triggers):
        own = event_types([trigger])
        for path, text in _conditions(trigger, f"triggers/{number}") if own else ():
            yield from _text(subject, own, path, text, focus=True)


def _conditions(trigger: TriggerDefinition, path: str) -> Iterator[tuple[str, str]]:
    if trigger.where is not None:
        yield f"{path}/where", _bare(trigger.where)
    changed, becomes = trigger.params.get("changed"), trigger.params.get("becomes")
    listed = changed if isinstance(changed, list) else [changed]
    yield from ((f"{path}/changed", one) for one in listed if isinstance(one, str))
    if isinstance(becomes, dict):
        yield from ((f"{path}/becomes", one) for one in becomes)


def _texts(subject: Subject, all_places: list[Place]) -> Iterator[tuple[str, str]]:
    """Every expression with the place of its text."""
    for place in all_places:
        step = place.step
        if step.condition is not None:
            yield f"{step.path}/when", _bare(step.condition)
        for key, value in step.params.items():
            path = f"{step.path}/{key}"
            if is_bare_condition(step, key, value):
                yield path, _bare(value)
            else:
                yield from _inside(path, value)
    definition = subject.definition
    yield from _inside("output", definition.output)
    yield from _inside("orderBy", definition.order_by)
    if definition.concurrency is not None:
        yield from _inside("concurrency/key", definition.concurrency.key)


def _inside(path: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _inside(f"{path}/{key}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _inside(f"{path}/{number}", item)
    elif isinstance(value, str) and "{{" in value:
        try:
            pieces = split_template(value)
        except ExpressionError:
            return  # reported where the expressions of steps are checked
        yield from ((path, piece.strip()) for piece, plain in pieces if not plain)


def _bare(text: str) -> str:
    bare = text.strip()
    return bare[2:-2].strip() if bare.startswith("{{") and bare.endswith("}}") else bare


def _text(
    subject: Subject, types: tuple[str, ...], path: str, text: str, *, focus: bool
) -> Iterator[Finding]:
    try:
        node = parse(text, focus=focus)
    except ExpressionError:
        return  # reported where the expressions of steps and triggers are checked
    told: set[str] = set()
    for names, lenient in _reads(node, () if focus else None, False):
        if focus and names[:1] and names[0] in _VERSIONS:
            continue  # a missing %, which has a finding of its own
        gap = _gap(subject, types, names)
        if gap is not None and gap.name not in told:
            told.add(gap.name)
            yield _unknown(types, path, names, gap, lenient=lenient)


def _gap(subject: Subject, types: tuple[str, ...], names: Names) -> Gap | None:
    """The name that no resource of these types has; None when one has it or that is not known."""
    gaps = []
    for kind in types:
        schema = subject.element_schema(kind, names) if subject.element_schema else None
        gap = _absent(schema, names)
        if gap is None:
            return None
        gaps.append(gap)
    there = {name for gap in gaps for name in gap.names if not name.startswith("_")}
    return Gap(gaps[0].name, gaps[0].holder, tuple(sorted(there)))


def _absent(schema: Json, names: Names) -> Gap | None:
    """The first of the names that is not there; a name read from a list reads every item."""
    for name in names:
        if isinstance(schema, dict) and schema.get("type") == "array":
            schema = schema["items"]
        if not isinstance(schema, dict) or "type" not in schema:
            return None
        if schema["type"] != "object":
            return Gap(name, f"a {schema['type']}", ())
        properties = schema["properties"]
        if name not in properties:
            return Gap(name, "an object", tuple(properties))
        schema = properties[name]
    return None


def _unknown(
    types: tuple[str, ...], path: str, names: Names, gap: Gap, *, lenient: bool
) -> Finding:
    say = warning if lenient else error
    return say(
        "W-ELEMENT" if lenient else "E-ELEMENT",
        path,
        f"{' or '.join(types)} has no element {'.'.join(names)!r}",
        cause=f"{gap.name!r} is read from {gap.holder} that has none, so it would never be found",
        fix=did_you_mean(gap.name, gap.names, "read an element that there is"),
    )


def _reads(node: Node, scope: Names | None, lenient: bool) -> Iterator[tuple[Names, bool]]:
    """Every path below the resource, and whether nothing has to exist there; `scope` is what a
    bare name is read from, None when that is no part of the resource."""
    names = _names(node, scope)
    if names:
        yield names, lenient
    match node:
        case Member(of) | Negative(of):
            yield from _reads(of, scope, lenient)
        case Index(of, index):
            yield from _reads(of, scope, lenient)
            yield from _reads(index, scope, lenient)
        case Binary(_, left, right):
            yield from _reads(left, scope, lenient)
            yield from _reads(right, scope, lenient)
        case Call(asked, name, args):
            inner = lenient or name in FORGIVING
            if asked is not None:
                yield from _reads(asked, scope, inner)
            own = _names(asked, scope) if asked is not None and name in LAMBDAS else scope
            for arg in args:
                yield from _reads(arg, own, inner if name in LAZY else lenient)


def _names(node: Node, scope: Names | None) -> Names | None:
    """Where in the resource a node's answer stands."""
    match node:
        case Path(root, parts):
            names = tuple(part for part in parts if isinstance(part, str))
            if root == THIS:
                return None if scope is None else (*scope, *names)
            if root in _VERSIONS:
                return names
            return names[1:] if root == "trigger" and names[:1] == ("resource",) else None
        case Member(of, name):
            before = _names(of, scope)
            return None if before is None else (*before, name)
        case Index(of):
            return _names(of, scope)
        case Call(of, name) if of is not None and name in _SAME:
            return _names(of, scope)
        case _:
            return None
