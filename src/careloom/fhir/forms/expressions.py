"""Expressions of Questionnaires, plans and the like: FHIRPath, and searches of this store.

http://hl7.org/fhir/R4/metadatatypes.html#Expression,
http://hl7.org/fhir/uv/sdc/expressions.html. What an expression reads is read as the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote

from careloom.errors import CareloomError, Forbidden
from careloom.fhir.fhirpath_model import r4_model
from careloom.fhir.forms.budget import LIMITS, Budget, Overspent
from careloom.fhir.issue import Issue
from careloom.fhir.references import parse_literal
from careloom.fhir.request import Caller, parse_path
from careloom.fhir.resource import ExactDecimal
from careloom.fhir.store import FhirStore
from careloom.fhirpath import FhirPathError, Typed, compile
from careloom.types import JsonObject

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
FHIRPATH, QUERY = "text/fhirpath", "application/x-fhir-query"
MOST_FOUND = 200
"""Resources that one query of an expression brings."""


class Unevaluated(Exception):
    """An expression that gives nothing here, with the reason."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What expressions may look at; variables are added on the way down, never changed."""

    fhir: FhirStore
    caller: Caller
    resource: JsonObject
    """%resource."""
    variables: dict[str, Any]
    issues: list[Issue] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    """What is left for all expressions of the call."""

    def having(self, **variables: Any) -> Surroundings:
        """The same with more variables."""
        return replace(self, variables={**self.variables, **variables})

    def tell(self, place: str, why: str) -> None:
        """Note what could not be done."""
        self.issues.append(Issue("warning", "incomplete", place, why))

    async def values(self, expression: Any, place: str, context: Any = None) -> list[Typed]:
        """The result of an Expression; nothing, with an issue, where it cannot be evaluated. Raises
        Overspent when the call has cost too much."""
        return await self._attempted(expression, place, context) or []

    async def _attempted(
        self, expression: Any, place: str, context: Any = None
    ) -> list[Typed] | None:
        try:
            return await self.evaluated(expression, context)
        except Unevaluated as error:
            self.tell(place, str(error))
        except Overspent:
            raise
        except Forbidden as error:
            self.caller.restriction.note(error, "")
            self.tell(place, "the expression reads what this credential may not read")
        except CareloomError as error:
            self.tell(place, f"the expression cannot be evaluated: {error.message}")
        return None

    async def evaluated(self, expression: Any, context: Any = None) -> list[Typed]:
        """The same; raises Unevaluated, or what a read or search raises."""
        if not isinstance(expression, dict) or not isinstance(expression.get("expression"), str):
            raise Unevaluated("there is no expression")
        text, language = expression["expression"], expression.get("language")
        if language == FHIRPATH:
            return await self.path(text, context)
        if language == QUERY:
            return [Typed(await self.budget.query(lambda: self._query(text)), "Bundle")]
        raise Unevaluated("expressions are FHIRPath (text/fhirpath) or application/x-fhir-query")

    async def path(self, text: str, context: Any = None) -> list[Typed]:
        """The result of a FHIRPath, evaluated beside the event loop; raises Unevaluated, or
        Overspent."""
        return await self.budget.evaluated(lambda: self._path(text, context))

    def _path(self, text: str, context: Any) -> list[Typed]:
        try:
            compiled = compile(text, r4_model())
            found = compiled.typed(
                self.resource, context=context, variables=self.variables, limits=LIMITS
            )
        except FhirPathError as error:
            raise Unevaluated(f"FHIRPath: {error}") from error
        values = []
        for one in found:
            if one.value is not None:
                self.budget.weigh(one.value)
                values.append(replace(one, value=exact(one.value)))
        return values

    async def _query(self, text: str) -> JsonObject:
        """A Bundle of what a query finds, or the resource that it names."""
        filled, *parts = text.strip().split("{{")
        for part in parts:
            expression, closed, rest = part.partition("}}")
            if not closed:
                raise Unevaluated("a part of the query that begins with {{ does not end with }}")
            filled += await self._filled(expression) + rest
        asked = parse_path(filled.lstrip("/"))
        if asked.place == "resource":
            return await self.fhir.read(self.caller.scope, asked.type, str(asked.id))
        if asked.place != "type":
            raise Unevaluated("a query is Type?parameters or Type/id")
        pairs = parse_qsl(asked.query, keep_blank_values=True)
        if not any(name == "_count" for name, _ in pairs):
            pairs.append(("_count", str(MOST_FOUND)))
        return await self.fhir.search(
            self.caller.scope, asked.type, pairs, base=self.caller.base, strict=True
        )

    async def _filled(self, text: str) -> str:
        found = await self.path(text)
        values = [str(one.value) for one in found if not isinstance(one.value, dict)]
        if not values:
            raise Unevaluated("a part of the query has no value")
        return quote(",".join(values), safe="")

    async def read(self, reference: Any) -> JsonObject | None:
        """The resource that a literal Reference into this store names; raises NotFound."""
        text = reference.get("reference") if isinstance(reference, dict) else reference
        literal = parse_literal(text) if isinstance(text, str) else None
        if literal is None or literal.base not in (None, self.caller.base):
            return None
        self.caller.authorise("fhir:get", literal.type)
        return await self.fhir.read(self.caller.scope, literal.type, literal.id)

    async def declare(self, holder: JsonObject, place: str) -> Surroundings:
        """With the variables that extensions of a Questionnaire or an item declare, in order. One
        that cannot be evaluated is not there: nothing counts what was not read as nothing."""
        found = self
        for expression in extensions(holder, VARIABLE):
            name = expression.get("name") if isinstance(expression, dict) else None
            if isinstance(name, str):
                values = await found._attempted(expression, place)
                if values is not None:
                    found = found.having(**{name: collection(values)})
        return found


def collection(found: list[Typed]) -> Any:
    """A result as the value of a variable."""
    values = [one.value for one in found]
    return values[0] if len(values) == 1 else values


def extensions(holder: Any, url: str) -> Iterator[Any]:
    """The values of an element's extensions of one URL; of a complex one, itself."""
    listed = holder.get("extension", ()) if isinstance(holder, dict) else ()
    for one in listed:
        if isinstance(one, dict) and one.get("url") == url:
            yield next((one[key] for key in one if key.startswith("value")), one)


def extension(holder: Any, url: str) -> Any:
    """The first of them; None when there is none."""
    return next(extensions(holder, url), None)


def exact(value: Any) -> Any:
    """JSON of a result: computed decimals with their digits."""
    if isinstance(value, Decimal):
        return ExactDecimal(str(value))
    if isinstance(value, dict):
        return {key: exact(one) for key, one in value.items()}
    return [exact(one) for one in value] if isinstance(value, list) else value
