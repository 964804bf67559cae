"""The shipped templates, as a person chooses among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careloom.errors import NotFound
from careloom.types import JsonObject
from careloom.workflows.definition import Definition, StepDefinition, parse_definition


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """A sample as far as templates are concerned."""

    name: str
    description: str
    trigger: str
    event: str
    shown: JsonObject | None
    """What the trigger shows, where nothing has to be stored first."""

    def to_json(self) -> JsonObject:
        return {
            "name": self.name,
            "description": self.description,
            "trigger": self.trigger,
            "event": self.event,
            "input": self.shown,
        }


class TemplateLibrary:
    """Templates by name; read once."""

    def __init__(
        self,
        texts: Mapping[str, str],
        tools: Mapping[str, str],
        samples: list[SampleEvent],
    ) -> None:
        """`texts`: YAML by name; `tools`: the kind of connection by the tool of a bot step."""
        self._texts = dict(texts)
        self._tools = dict(tools)
        self._samples = samples
        self._definitions = {
            name: parse_definition(text).definition for name, text in self._texts.items()
        }

    def every(self) -> list[JsonObject]:
        """All of them, without their YAML."""
        return [self._summary(name) for name in sorted(self._texts)]

    def one(self, name: str) -> JsonObject:
        """One with its YAML; raises NotFound."""
        if name not in self._texts:
            raise NotFound(
                f"There is no template {name[:100]!r}",
                code="template_not_found",
                fix=f"use {', '.join(sorted(self._texts))}",
            )
        samples = self._samples_of(self._definitions[name])
        return {
            **self._summary(name),
            "yaml": self._texts[name],
            "sampleInput": next((one.shown for one in samples if one.shown is not None), None),
        }

    def definition(self, name: str) -> Definition:
        """What a template says; raises KeyError."""
        return self._definitions[name]

    def text(self, name: str) -> str:
        """Its YAML; raises KeyError."""
        return self._texts[name]

    @property
    def names(self) -> list[str]:
        return sorted(self._texts)

    def samples(self) -> list[JsonObject]:
        """Every sample event."""
        return [one.to_json() for one in self._samples]

    def _summary(self, name: str) -> JsonObject:
        definition = self._definitions[name]
        return {
            "name": name,
            "title": definition.name,
            "description": _comment(self._texts[name]),
            "triggers": definition.canonical["triggers"],
            "steps": [
                {"id": step.id, "type": step.type, "name": step.name} for step in definition.walk()
            ],
            "needs": self._needs(definition),
            "samples": [one.name for one in self._samples_of(definition)],
        }

    def _needs(self, definition: Definition) -> list[JsonObject]:
        """Connections and queues: a development environment captures what none carries."""
        needs: dict[tuple[str, str], list[str]] = {}
        for step in definition.walk():
            for need in self._needs_of(step):
                needs.setdefault(need, []).append(step.id)
        return [{"kind": kind, "name": name, "steps": ids} for (kind, name), ids in needs.items()]

    def _needs_of(self, step: StepDefinition) -> list[tuple[str, str]]:
        found = []
        tool = self._tools.get(str(step.params.get("tool")))
        if step.type == "bot" and tool is not None:
            found.append(("connection", tool))
        if step.type == "form" and step.params.get("send"):
            found.append(("connection", "email"))
        for kind, key in (("queue", "queue"), ("worker", "worker"), ("pipeline", "pipeline")):
            named = step.params.get(key)
            if isinstance(named, str) and "{{" not in named and step.type != "external":
                found.append((kind, named))
        return found

    def _samples_of(self, definition: Definition) -> list[SampleEvent]:
        triggers = definition.triggers
        return [
            one
            for one in self._samples
            if any(
                trigger.type == one.trigger
                and (one.trigger not in ("fhir", "dicom", "file") or trigger.event == one.event)
                for trigger in triggers
            )
        ]


def _comment(text: str) -> str:
    """The comment at the head of a template, as one paragraph."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)
