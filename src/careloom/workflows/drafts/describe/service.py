"""Words to a draft: asks the configured model, else the matcher. Nothing is stored or deployed.

Every proposal is verified. What keeps it from passing is named in `missing`, with what the words
left open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import orjson
import yaml

from careloom.errors import CareloomError, Unprocessable
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import Definition, DefinitionError
from careloom.workflows.definition.model import raw_steps
from careloom.workflows.deployment import Checked, Deployment
from careloom.workflows.difference import difference
from careloom.workflows.drafts.describe.compose import compose
from careloom.workflows.drafts.describe.heard import KINDS, Start, Understood
from careloom.workflows.drafts.describe.matcher import as_json, hear
from careloom.workflows.drafts.describe.prompt import ANSWER, INSTRUCTIONS, asked, asked_again

MOST_WORDS = 4000
"""Characters of a description."""
_MATCHER = (
    "# Proposed from words by a matcher over the shipped templates and step types, not by a\n"
    "# language model. Read it before you use it.\n"
)
_MODEL = "# Proposed from words by a language model. Read it before you use it.\n"
By = Literal["model", "templates"]


class Assistant(Protocol):
    """A language model that is asked once and answers by a schema."""

    @property
    def is_configured(self) -> bool:
        """Whether there is one."""

    async def ask(
        self,
        scope: Scope,
        prompt: str,
        schema: JsonObject,
        actor: JsonObject,
        *,
        instructions: str = "",
        environment: str = "production",
    ) -> JsonObject:
        """The answer, fitting the schema; raises CareloomError when there is none."""


@dataclass(frozen=True, slots=True)
class _Proposal:
    by: By
    source: str | None
    missing: list[JsonObject]
    template: str | None = None
    note: str | None = None


class Describe:
    """The service behind /api/workflows/describe."""

    def __init__(
        self,
        deployment: Deployment,
        templates: Mapping[str, str],
        definitions: Mapping[str, Definition],
        tools: Mapping[str, str],
        environment_of: Callable[[str], Awaitable[str]],
        assistant: Assistant | None = None,
    ) -> None:
        """`templates`: YAML by name, `definitions` the same as read; `tools`: the kind of
        connection by the tool of a bot step."""
        self._deployment = deployment
        self._templates = dict(templates)
        self._definitions = dict(definitions)
        self._tools = dict(tools)
        self._environment_of = environment_of
        self._assistant = assistant

    async def propose(
        self, scope: Scope, text: str, before: str | JsonObject | None, actor: JsonObject
    ) -> JsonObject:
        """A proposal for the words; with `before`, a definition, what it would become. Raises
        Unprocessable for words that are none or too many, or when `before` is no workflow."""
        words = text.strip()
        if not words or len(words) > MOST_WORDS:
            raise Unprocessable(
                f"A description has 1 to {MOST_WORDS} characters",
                code="description",
                path="/text",
                fix="say what starts the workflow, what it does and who is told",
            )
        old = None if before is None else await self._deployment.read(scope, before, mode="compat")
        proposal = await self._from_model(scope, words, old, actor)
        if proposal is None or proposal.source is None:
            note = proposal.note if proposal else None
            proposal = await asyncio.to_thread(self._from_matcher, words, old, note)
        return await self._answer(scope, proposal, old)

    async def _answer(self, scope: Scope, one: _Proposal, old: Definition | None) -> JsonObject:
        answer: JsonObject = {
            "definition": one.source,
            "by": one.by,
            "template": one.template,
            "note": one.note,
            "missing": one.missing,
            "diff": [],
            "words": [],
            "findings": [],
            "valid": False,
        }
        if one.source is None:
            return answer
        checked = await self._deployment.check(scope, one.source, mode="compat")
        report = checked.report()
        canonical = checked.definition.canonical
        start: JsonObject = {**canonical, "steps": [], "triggers": []}
        changes = difference(old.canonical if old else start, canonical)
        answer |= {
            "findings": report["findings"],
            "valid": not checked.errors,
            "missing": as_json([*one.missing, *_faults(checked)]),
            "diff": _by_step(changes.to_json()["changes"], canonical),
            "words": changes.to_json()["words"],
        }
        return answer

    async def _from_model(
        self, scope: Scope, words: str, old: Definition | None, actor: JsonObject
    ) -> _Proposal | None:
        assistant = self._assistant
        if assistant is None or not assistant.is_configured:
            return None
        environment = await self._environment_of(scope.tenant)
        prompt = asked(words, old.canonical if old else None, self._deployment.ports.schemas)
        try:
            for _ in range(2):
                answer = await assistant.ask(
                    scope,
                    prompt,
                    ANSWER,
                    actor,
                    instructions=INSTRUCTIONS,
                    environment=environment,
                )
                source = str(answer.get("definition") or "")
                faults = await self._faults_of(scope, source)
                if not faults:
                    break
                prompt = asked_again(prompt, source, faults)
        except CareloomError as error:
            return _Proposal("templates", None, [], note=f"the model gave none: {error.code}")
        if not await self._readable(scope, source):
            return _Proposal("templates", None, [], note="the model gave no workflow")
        missing = [
            {"what": "open", "words": str(one)[:200], "fix": "say it, or write it into the draft"}
            for one in answer.get("missing") or []
        ]
        return _Proposal("model", source if source.startswith("#") else _MODEL + source, missing)

    async def _readable(self, scope: Scope, source: str) -> bool:
        try:
            await self._deployment.read(scope, source, mode="compat")
        except DefinitionError:
            return False
        return True

    async def _faults_of(self, scope: Scope, source: str) -> list[str]:
        try:
            checked = await self._deployment.check(scope, source, mode="compat")
        except DefinitionError as error:
            return [error.message]
        return [f"{one.path}: {one.message}; {one.fix}" for one in checked.errors]

    def _from_matcher(self, words: str, old: Definition | None, note: str | None) -> _Proposal:
        if old is not None:
            return self._added(words, old, note)
        understood = hear(words, self._definitions)
        if understood.template is not None:
            name = understood.template
            missing = [one for one in understood.missing if one["what"] not in ("start", "steps")]
            text = self._addressed(name, understood)
            return _Proposal("templates", _MATCHER + "#\n" + text, missing, name, note)
        workflow = compose(words, understood, self._tools)
        made = None if workflow is None else _MATCHER + _yaml({"workflow": workflow})
        return _Proposal("templates", made, as_json(understood.missing), None, note)

    def _addressed(self, name: str, understood: Understood) -> str:
        """A template's text with the channel or the address that the words name."""
        text = self._templates[name]
        for heard in understood.actions:
            by, to = heard.facts.get("by"), heard.facts.get("to")
            told = [
                step.params["params"].get("channel") or step.params["params"].get("to")
                for step in self._definitions[name].walk()
                if step.type == "bot" and self._tools.get(str(step.params.get("tool"))) == by
            ]
            if to is not None and len(told) == 1 and text.count(f'"{told[0]}"') == 1:
                text = text.replace(f'"{told[0]}"', f'"{to}"')
        return text

    def _added(self, words: str, old: Definition, note: str | None) -> _Proposal:
        """The steps that are heard, behind those that there are."""
        understood = hear(words, {}, _start_of(old))
        made = compose(words, understood, self._tools)
        missing = as_json(understood.missing)
        if made is None:
            return _Proposal("templates", None, missing, None, note)
        taken = {step.id for step in old.walk()}
        steps = [_renamed(step, taken) for step in made["steps"]]
        whole = {**_written(old.canonical), "steps": [*old.canonical["steps"], *steps]}
        source = _MATCHER + _yaml({"workflow": whole})
        return _Proposal("templates", source, missing, None, note)


def _faults(checked: Checked) -> list[JsonObject]:
    return [
        {"what": one.code, "words": f"{one.path}: {one.message}", "fix": one.fix}
        for one in checked.errors
    ]


def _by_step(changes: list[JsonObject], canonical: JsonObject) -> list[JsonObject]:
    """Each change with the step it belongs to, as the step would be written."""
    steps = dict(raw_steps(canonical["steps"]))
    inside = {path: path.rpartition("/")[0] for path in steps}
    told = []
    for change in changes:
        step = steps.get(change["path"])
        one = dict(change)
        if step is not None:
            one |= {"step": step["id"], "definition": step, "inside": inside[change["path"]]}
        told.append(one)
    return told


def _start_of(definition: Definition) -> Start:
    """How a definition begins, as the matcher would have heard it."""
    triggers = definition.canonical["triggers"]
    trigger = dict(triggers[0]) if triggers else {"type": "manual"}
    kind = trigger["type"] if trigger["type"] in KINDS else "manual"
    event = str(trigger.get("event", "")).partition(".")[0].lower()
    about = {"dicom": "image", "file": "document", "fhir": event or "resource"}.get(kind, kind)
    return Start(kind, trigger, about)


def _renamed(step: JsonObject, taken: set[str]) -> JsonObject:
    """A step whose ids nobody has; what reads it inside follows."""
    text = orjson.dumps(step).decode()
    for _, one in raw_steps([step]):
        name, number = one["id"], 1
        while name in taken:
            number += 1
            name = f"{one['id']}-{number}"
        taken.add(name)
        if name != one["id"]:
            text = text.replace(f'"id":"{one["id"]}"', f'"id":"{name}"')
            text = text.replace(f"steps.{one['id']}.", f"steps.{name}.")
    renamed: JsonObject = orjson.loads(text)
    return renamed


def _written(canonical: JsonObject) -> JsonObject:
    """Canonical triggers as a person writes them."""
    triggers = canonical["triggers"]
    out = {name: value for name, value in canonical.items() if name not in ("triggers", "steps")}
    return {**out, "trigger": triggers[0]} if len(triggers) == 1 else {**out, "triggers": triggers}


def _yaml(value: JsonObject) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text
