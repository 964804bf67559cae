"""`map`: make new data of data: an object, a list item by item, a CSV row by row, a FHIR Bundle.

Nothing is written and nothing is called: what comes out depends on what goes in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

from careloom.errors import CareloomError, InvalidInput
from careloom.fhir.validation import validator
from careloom.pipelines.csv_rows import CsvFormat, CsvPlace, read_csv
from careloom.pipelines.rows import Fault, Row
from careloom.steps.pipeline.template import prune, read_row_template
from careloom.steps.schema import load_schema
from careloom.store.uploads import Uploads
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.expressions import ExpressionError, compile_condition, compile_template
from careloom.workflows.step import StepCall, StepError, StepResult

_MOST_ITEMS = 10_000
_ROOTS = ("item", "index")
_Make = Callable[[Json, int], tuple[Json, str | None] | None]
"""(item, index) → what it becomes, and the search that finds it again; None for one left out."""


class MapStep:
    """Renders `set`, and `each` for every item or row."""

    type = "map"

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    @property
    def schema(self) -> JsonObject:
        return load_schema("map")

    async def execute(self, call: StepCall) -> StepResult:
        given = call.input
        output: JsonObject = {"value": given.get("set", {})}
        if "each" in given:
            rows = [row async for row in self._rows(call.scope, given)]
            output |= _mapped(given, rows)
        elif "items" in given or "csv" in given:
            raise StepError("`each` says what an item becomes", code="map_each")
        if call.alias is not None:
            output[call.alias] = output.get("bundle", output.get("items", output["value"]))
        return StepResult(output=output)

    async def verify(self, _scope: Scope, params: JsonObject) -> list[JsonObject]:
        """Whether the templates of an item can be read and read nothing but the item."""
        try:
            if "each" in params:
                _maker(params)
        except ExpressionError as error:
            return [_finding(error)]
        except StepError as error:
            return [_finding(InvalidInput(error.message, code="E-PARAM", path="each"))]
        return []

    async def _rows(self, scope: Scope, given: JsonObject) -> AsyncIterator[Row]:
        items, text = given.get("items"), given.get("csv")
        if items is not None and text is None:
            for number, item in enumerate(items):
                yield Row(number + 1, item, item)
            return
        if items is not None or not isinstance(text, str):
            raise StepError("Give one of `items` and `csv`", code="map_each")
        data = text.encode()
        if text.startswith("file://"):
            data, _ = await self._uploads.open(scope, text)
        for row, _ in read_csv(data, _format(given.get("format", {})), CsvPlace()):
            yield row


def _format(given: JsonObject) -> CsvFormat:
    columns = given.get("columns")
    return CsvFormat(
        given.get("delimiter", ","),
        given.get("quote", '"'),
        given.get("encoding", "utf-8"),
        None if columns is None else tuple(columns),
        given.get("types", {}),
    )


def _mapped(given: JsonObject, rows: list[Row]) -> JsonObject:
    """The items made, in order, and what could not be made."""
    if len(rows) > _MOST_ITEMS:
        raise StepError(
            f"There are {len(rows)} items; at most {_MOST_ITEMS} are taken", code="map_too_many"
        )
    make = _maker(given)
    made: list[tuple[Json, str | None]] = []
    rejected: list[JsonObject] = []
    for row in rows:
        try:
            one = _one(row, make, bool(given.get("bundle")))
        except _Unfit as unfit:
            if given.get("onItemError", "fail") == "fail":
                fault = unfit.fault
                raise StepError(f"Item {row.line}: {fault.message}", code=fault.code) from None
            rejected.append(
                {"line": row.line, "code": unfit.fault.code, "message": unfit.fault.message}
            )
            continue
        if one is not None:
            made.append(one)
    output: JsonObject = {
        "items": [item for item, _ in made],
        "count": len(made),
        "rejected": rejected,
    }
    if given.get("bundle"):
        output["bundle"] = _bundle(given["bundle"], made)
    return output


class _Unfit(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def _one(row: Row, make: _Make, resource: bool) -> tuple[Json, str | None] | None:
    if row.fault is not None:
        raise _Unfit(row.fault)
    try:
        made = make(row.item, row.line - 1)
    except ExpressionError as error:
        place = f"{error.path}: " if error.path else ""
        raise _Unfit(Fault(error.code, f"{place}{error.message}")) from None
    if made is None or not resource:
        return made
    if not isinstance(made[0], dict):
        raise _Unfit(Fault("not_a_resource", "What the item becomes is no resource"))
    # A reference may be a search, which the transaction resolves.
    found = validator().validate(made[0], conditional_references=True)
    errors = [one for one in found if one.severity == "error"]
    if errors:
        raise _Unfit(Fault("invalid_resource", f"{errors[0].expression}: {errors[0].message}"))
    return made


def _maker(given: JsonObject) -> _Make:
    """Compile the templates of an item; raises ExpressionError, or StepError for `match` without
    a resource."""
    each, match, only = given["each"], given.get("match"), given.get("only")
    condition = None if only is None else compile_condition(only)
    if match is not None:
        if not isinstance(each, dict) or not isinstance(each.get("resourceType"), str):
            raise StepError("`match` needs an `each` with its resourceType", code="map_each")
        row = read_row_template(each, match, only)

        def resource(item: Json, index: int) -> tuple[Json, str | None] | None:
            return row.render(item, index)

        return resource
    template = compile_template(each)
    references = set(template.references)
    if condition is not None:
        references |= condition.references
    for reference in sorted(references):
        if reference[0] not in _ROOTS:
            raise ExpressionError(
                f"{reference[0]} does not exist in the template of an item",
                code="E-REFROOT",
                path="each",
                fix="read item or index; bring other values into the items first",
            )

    def plain(item: Json, index: int) -> tuple[Json, str | None] | None:
        context = {"item": item, "index": index}
        if condition is not None and not condition.holds(context):
            return None
        made = template.render(context)
        return (prune(made) if given.get("bundle") else made), None

    return plain


def _bundle(kind: str, made: list[tuple[Json, str | None]]) -> JsonObject:
    """http://hl7.org/fhir/R4/bundle.html"""
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [_entry(kind, resource, match) for resource, match in made],
    }


def _entry(kind: str, resource: Json, match: str | None) -> JsonObject:
    if kind == "collection":
        return {"resource": resource}
    name = quote(str(resource["resourceType"]))
    request = (
        {"method": "POST", "url": name}
        if match is None
        else {"method": "PUT", "url": f"{name}?{match}"}
    )
    return {"resource": resource, "request": request}


def _finding(error: CareloomError) -> JsonObject:
    path = error.path or "each"
    return {
        "code": error.code,
        "severity": "error",
        "path": path if path.startswith(("each", "match", "only")) else f"each/{path}",
        "message": error.message,
        "cause": "the template of an item is rendered for each item by itself",
        "fix": error.fix or "see the map step's page",
    }
