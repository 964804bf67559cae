"""A form as it is shown: in a language, with its options, and what it works out on the way."""

from __future__ import annotations

import asyncio

from careloom.errors import Conflict, InvalidInput, NotFound
from careloom.tasks.calculation import has_expressions, require_items, work_out
from careloom.tasks.decisions import form_of
from careloom.tasks.options import MOST_FOUND, shown_value_sets, with_options
from careloom.tasks.questionnaire import Form
from careloom.tasks.sources import FormSources
from careloom.tasks.translation import chosen_language, in_language, languages_of
from careloom.tasks.worklist import Row
from careloom.types import JsonObject, Scope

_AT_ONCE = 2
"""Calculations at a time in this process: whoever has a link may ask for them."""


class Presenting:
    """What pages need of the form of a task while it is filled."""

    def __init__(self, sources: FormSources) -> None:
        self._sources = sources
        self._working = asyncio.Semaphore(_AT_ONCE)

    async def show(
        self,
        scope: Scope,
        content: JsonObject,
        row: Row,
        *,
        wanted: str | None = None,
        accepted: str | None = None,
    ) -> JsonObject:
        """The form in one of its languages, what it begins with, and the options of its value
        sets; `calculates`: whether answers are to be sent for calculation while it is filled."""
        form = require_form(content)
        language = chosen_language(form.questionnaire, wanted, accepted)
        around = await self._sources.around(scope, content, row)
        return {
            "form": with_options(
                in_language(form.questionnaire, language), around.value_sets, language
            ),
            "prefill": form.prefill,
            "language": language,
            "languages": languages_of(form.questionnaire),
            "valueSets": shown_value_sets(around.value_sets, language),
            "calculates": has_expressions(form.questionnaire),
        }

    async def calculate(
        self,
        scope: Scope,
        content: JsonObject,
        row: Row,
        given: JsonObject,
        *,
        by_link: bool = False,
    ) -> JsonObject:
        """What follows from answers that need not be complete: {"data"} or {"answers"}, and
        `edited`, the linkIds of calculated answers that a person changed and that stay. By a link
        it may take less time."""
        form = require_form(content)
        response, edited = _read(form, given)
        around = await self._sources.around(scope, content, row)
        if by_link:
            around = around.for_link()
        async with self._working:
            worked = await asyncio.to_thread(
                work_out, form, response, around, prune=True, kept=edited
            )
        return {
            "values": worked.calculated,
            "enabled": worked.enabled,
            "issues": worked.issues,
            "data": form.plain(worked.response, whole=True),
            "answers": {**worked.response, "status": "in-progress"},
        }

    async def options(
        self,
        scope: Scope,
        content: JsonObject,
        row: Row,
        name: str,
        words: str,
        language: str | None,
    ) -> JsonObject:
        """Options of a value set that the form names, by the beginnings of their words."""
        form = require_form(content)
        around = await self._sources.around(scope, content, row)
        options = around.value_sets.get(name)
        if options is None:
            raise NotFound(
                "The form names no such value set, or it is not known here",
                code="value_set_not_found",
                fix="give an answerValueSet of the form; load the ValueSet into the store",
            )
        chosen = chosen_language(form.questionnaire, language, None) or language
        found = await asyncio.to_thread(options.page, words, MOST_FOUND + 1, chosen)
        return {"options": found[:MOST_FOUND], "more": len(found) > MOST_FOUND}


def require_form(content: JsonObject) -> Form:
    """The form of a task; raises Conflict when it has none."""
    form = form_of(content)
    if form is None:
        raise Conflict("The task has no form to fill", code="no_form")
    return form


def _read(form: Form, given: JsonObject) -> tuple[JsonObject, list[str]]:
    data, answers, edited = given.get("data"), given.get("answers"), given.get("edited", [])
    faults = {
        "data": not (data is None or isinstance(data, dict)),
        "answers": not (answers is None or isinstance(answers, dict)),
        "edited": not isinstance(edited, list) or not all(isinstance(one, str) for one in edited),
    }
    for name in (name for name, wrong in faults.items() if wrong):
        raise InvalidInput(
            "data and answers are objects, edited a list of linkIds",
            path=f"/{name}",
            fix='send {"data": {linkId: value}} or {"answers": a QuestionnaireResponse}',
        )
    if isinstance(answers, dict):
        return require_items(answers), edited
    return require_items(form.response(data or {})), edited
