"""A definition made ready to run: templates compiled, and what each step feeds on worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careloom.types import JsonObject
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.expressions import (
    Condition,
    Template,
    compile_condition,
    compile_template,
)
from careloom.workflows.verification import unreviewed_ai


@dataclass(frozen=True, slots=True)
class ProgramStep:
    """One step with its compiled parameters."""

    definition: StepDefinition
    params: Template
    condition: Condition | None
    expects: frozenset[str]
    ai_fed: bool
    unreviewed: bool
    """It reads an AI's output that no person has decided on."""
    branches: Mapping[str, tuple[ProgramStep, ...]]

    @property
    def path(self) -> str:
        return self.definition.path

    @property
    def id(self) -> str:
        return self.definition.id


@dataclass(frozen=True, slots=True)
class Program:
    """A whole workflow, ready to run."""

    definition: Definition
    steps: tuple[ProgramStep, ...]
    output: Template | None
    trigger_fields: frozenset[str]
    """Names of `trigger` that some expression cannot do without."""


def build_program(definition: Definition, schemas: Mapping[str, JsonObject]) -> Program:
    """Compile a definition; `schemas` are those of the step types, by name."""
    every = list(definition.walk())
    templates = {step.path: compile_template(_parameters(step)) for step in every}
    output = None if definition.output is None else compile_template(definition.output)
    references: set[tuple[str, ...]] = set()
    for template in templates.values():
        references |= template.required
    if output is not None:
        references |= output.required
    required = set(references)
    for step in every:
        if step.condition:
            references |= compile_condition(step.condition).expression.required
    ai_steps = _ai_steps(every, templates, schemas)
    unreviewed = unreviewed_ai(definition, schemas)
    expects: dict[str, set[str]] = {}
    for reference in references:
        if len(reference) >= 4 and reference[0] == "steps" and reference[2] == "output":
            expects.setdefault(reference[1], set()).add(reference[3])

    def build(step: StepDefinition) -> ProgramStep:
        return ProgramStep(
            definition=step,
            params=templates[step.path],
            condition=compile_condition(step.condition) if step.condition else None,
            expects=frozenset(expects.get(step.id, set())),
            ai_fed=any(r[1] in ai_steps for r in templates[step.path].references if _of_step(r)),
            unreviewed=step.path in unreviewed,
            branches={
                name: tuple(build(child) for child in children)
                for name, children in step.branches.items()
            },
        )

    return Program(
        definition=definition,
        steps=tuple(build(step) for step in definition.steps),
        output=output,
        trigger_fields=frozenset(
            reference[1]
            for reference in required
            if len(reference) > 1 and reference[0] == "trigger"
        ),
    )


def _of_step(reference: tuple[str, ...]) -> bool:
    return len(reference) >= 2 and reference[0] == "steps"


def _parameters(step: StepDefinition) -> JsonObject:
    """The step's parameters; a bare condition of an `if` is an expression."""
    params = dict(step.params)
    condition = params.get("condition")
    if step.type == "if" and isinstance(condition, str) and "{{" not in condition:
        params["condition"] = "{{" + condition + "}}"
    return params


def _ai_steps(
    steps: list[StepDefinition],
    templates: Mapping[str, Template],
    schemas: Mapping[str, JsonObject],
) -> set[str]:
    """Ids of steps whose output comes from an AI step, directly or through other steps.

    A person's task ends the chain: what a person decided is the person's.
    """
    fed: set[str] = set()
    for step in steps:
        schema = schemas.get(step.type, {})
        if schema.get("review"):
            continue
        reads = {r[1] for r in templates[step.path].references if _of_step(r)}
        if schema.get("ai") or reads & fed:
            fed.add(step.id)
    return fed
