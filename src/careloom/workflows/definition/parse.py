"""From what a person wrote to a definition, with a receipt for every repair."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Literal

from careloom.types import Json, JsonObject
from careloom.workflows.definition.canonical import Canonical
from careloom.workflows.definition.components import Library, with_components
from careloom.workflows.definition.errors import DefinitionError
from careloom.workflows.definition.indent import ElementKind, Restored, restore, shape_lost
from careloom.workflows.definition.model import Definition, Mode, ParseResult, Receipt
from careloom.workflows.definition.source import Source, check_value, load

StepParameters = Callable[[str], frozenset[str] | None]
"""The parameter names of a step type, or None when it is not known."""


def parse_definition(
    source: str | JsonObject,
    *,
    mode: Mode = "compat",
    format: Literal["yaml", "json"] | None = None,
    element_kind: ElementKind | None = None,
    step_parameters: StepParameters | None = None,
    library: Library | None = None,
) -> ParseResult:
    """The definition of a YAML or JSON text, or of an object.

    `compat` restores lost indentation where there is exactly one reading and says so in receipts;
    `strict` refuses it. `element_kind` answers from the FHIR definitions which elements a resource
    has; `step_parameters` answers from the step catalog; `library` has the components that it may
    use. Raises DefinitionError with code, path, line, column and fix.
    """
    if not isinstance(source, str):
        check_value(source)
        text = json.dumps(source, ensure_ascii=False, indent=2)
        return _result(Source(copy.deepcopy(source)), [], text, library)
    loaded, receipts = _load(source, mode, format, element_kind, step_parameters)
    return _result(loaded, receipts, source, library)


def _load(
    text: str,
    mode: Mode,
    format: str | None,
    element_kind: ElementKind | None,
    step_parameters: StepParameters | None,
) -> tuple[Source, list[Receipt]]:
    try:
        loaded = load(text, format)
    except DefinitionError as error:
        if error.code not in ("E-YAML", "E-DUPLICATEKEY") or format == "json":
            raise
        failure = error
    else:
        lost = shape_lost(loaded)
        if lost is None:
            return loaded, []
        failure = lost
    restored = restore(text, failure, element_kind, step_parameters)
    if mode == "strict":
        raise _refusal(failure, restored)
    return load(restored.text, format), restored.receipts


def _refusal(failure: DefinitionError, restored: Restored) -> DefinitionError:
    """The strict answer to lost indentation: where it shows, and the text as it should be."""
    return DefinitionError(
        f"the indentation is lost: {failure.message}",
        code="E-INDENT",
        path=failure.path,
        fix="send the text in details.patch, or import it in compat mode",
        details={**failure.details, "patch": restored.text},
    )


def _result(
    loaded: Source, receipts: list[Receipt], text: str, library: Library | None
) -> ParseResult:
    receipts = [*receipts, *with_components(loaded, library)]
    raw, place = _unwrapped(loaded.value)
    canonical = Canonical(loaded.lines.get)
    stored = canonical.workflow(raw, place)
    definition = Definition.from_canonical(stored)
    return ParseResult(definition, receipts, text, canonical.lines, canonical.places, loaded.value)


def _unwrapped(value: Json) -> tuple[Json, tuple[str | int, ...]]:
    if not isinstance(value, dict):
        raise DefinitionError(
            "a definition must be an object, not "
            + ("a list" if isinstance(value, list) else "a plain value"),
            code="E-SHAPE",
            line=1,
            column=1,
            fix="begin with workflow: and indent the rest below it",
        )
    if "workflow" not in value:
        return value, ()
    if len(value) > 1:
        others = sorted(key for key in value if key != "workflow")
        raise DefinitionError(
            f"beside workflow: there is {', '.join(others)}",
            code="E-SHAPE",
            path=others[0],
            fix="indent it below workflow:",
        )
    return value["workflow"], ("workflow",)
