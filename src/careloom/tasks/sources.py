"""What forms draw on beside their answers: the patient, value sets, files that were handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from careloom.errors import Gone, NotFound
from careloom.fhirpath import Model
from careloom.tasks.attachments import Attachments, Sniff
from careloom.tasks.calculation import initial_response
from careloom.tasks.expressions import (
    INITIAL,
    Surroundings,
    check_expressions,
    expression_of,
    expressions_of,
    reads_patient,
)
from careloom.tasks.mirror import Resources
from careloom.tasks.options import ValueSets, contained, listed, named_value_sets, value_sets_of
from careloom.tasks.questionnaire import Form, walk
from careloom.tasks.worklist import Row
from careloom.types import JsonObject, Scope

Require = Callable[[str, str], None]
"""Raises unless the run may: (permission, resource type)."""


class FormSources:
    """Finds what the forms of a store draw on."""

    def __init__(
        self,
        model: Model,
        resources: Resources,
        terminology: ValueSets,
        attachments: Attachments,
        sniff: Sniff,
    ) -> None:
        self._model = model
        self._resources = resources
        self._terminology = terminology
        self._sniff = sniff
        self.attachments = attachments

    async def around(
        self, scope: Scope, content: JsonObject, row: Row | None = None
    ) -> Surroundings:
        """What the form of a task draws on now; without a row the task is not made yet."""
        form = content.get("form")
        if not isinstance(form, dict):
            return Surroundings(self._model)
        takes_files = any(item["type"] == "attachment" for item in walk(form))
        files = await self.attachments.all(scope, row) if row is not None and takes_files else {}
        patient = (content.get("context") or {}).get("patient")
        return Surroundings(
            self._model,
            await self._patient(scope, patient),
            await value_sets_of(form, scope, self._terminology),
            files,
            self._sniff,
        )

    async def _patient(self, scope: Scope, id: str | None) -> JsonObject | None:
        if id is None:
            return None
        try:
            return (await self._resources.current(scope, "Patient", id))[0]
        except (NotFound, Gone):  # without the patient the form can still be filled
            return None

    async def begin(
        self, scope: Scope, content: JsonObject, patient: str | None, require: Require
    ) -> None:
        """Make the content of a new task ready: raises what `require` raises when the run may not
        read what the form draws on, and Unprocessable for an expression that cannot be read."""
        form = content.get("form")
        if not isinstance(form, dict):
            return
        check_expressions(form)
        items = [form, *walk(form)]
        if patient and reads_patient([text for one in items for text in expressions_of(one)]):
            require("fhir:read", "Patient")
            content["context"] = {"patient": patient}
        if any(_is_looked_up(form, name) for name in named_value_sets(form)):
            require("fhir:read", "ValueSet")
        if any(expression_of(one, INITIAL) for one in items):
            asked = Form.of(form, content.get("prefill"))
            around = await self.around(scope, content)
            begun = await asyncio.to_thread(initial_response, asked, around)
            content["prefill"] = asked.plain(begun, whole=True)


def _is_looked_up(form: JsonObject, name: str) -> bool:
    value_set = contained(form, name) if name.startswith("#") else None
    return value_set is None or listed(value_set) is None
