"""A pipeline as it is kept: a source, how rows become resources, and the size of a batch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.structure import check_template
from careloom.pipelines.csv_rows import ENCODINGS, TYPES, CsvFormat
from careloom.steps.pipeline.template import RowTemplate, read_row_template
from careloom.types import JsonObject
from careloom.workflows.definition import parse_duration
from careloom.workflows.expressions import ExpressionError

BATCH, MAX_BATCH = 500, 5000
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FILE = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9._ ()*?-]{0,199}")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class CsvSource:
    """Uploaded files of a bucket whose names match a pattern."""

    bucket: str
    pattern: str
    how: CsvFormat


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A reading query of a database. With a cursor only what is behind it is read."""

    connection: str
    query: str
    key: str
    cursor: str | None
    since: str | None
    overlap_s: float


@dataclass(frozen=True, slots=True)
class PipelineDefinition:
    """A pipeline ready to run."""

    source: CsvSource | SqlSource
    maps: tuple[RowTemplate, ...]
    """None when the rows are for the workflow."""
    batch: int

    @property
    def resource_types(self) -> frozenset[str]:
        return frozenset(one.resource_type for one in self.maps)


def read_pipeline(given: JsonObject) -> PipelineDefinition:
    """A pipeline; raises InvalidInput with the place of the first fault."""
    _only(given, {"description", "source", "maps", "batch"}, "")
    source = given.get("source")
    if not isinstance(source, dict):
        raise _fault("source", "the pipeline needs a `source`", "write source: {type: csv, …}")
    batch = given.get("batch", BATCH)
    if isinstance(batch, bool) or not isinstance(batch, int) or not 1 <= batch <= MAX_BATCH:
        raise _fault("batch", f"`batch` is a number of rows from 1 to {MAX_BATCH}")
    maps = given.get("maps", [])
    if not isinstance(maps, list) or ("maps" in given and not 1 <= len(maps) <= 20):
        raise _fault("maps", "`maps` lists 1 to 20 resources that a row becomes")
    kind = source.get("type")
    if kind not in ("csv", "sql"):
        raise _fault("source/type", "the source is none of csv, sql")
    return PipelineDefinition(
        _csv(source) if kind == "csv" else _sql(source),
        tuple(_map(one, f"maps/{n}") for n, one in enumerate(maps)),
        batch,
    )


def _csv(source: JsonObject) -> CsvSource:
    _only(
        source,
        {"type", "files", "delimiter", "quote", "encoding", "columns", "types"},
        "source",
    )
    files = source.get("files")
    bucket, _, pattern = str(files).removeprefix("file://").partition("/")
    if not str(files).startswith("file://") or not _BUCKET.fullmatch(bucket):
        raise _fault("source/files", "write file://<bucket>/<name>, * stands for any text")
    if not _FILE.fullmatch(pattern):
        raise _fault("source/files", "the name has signs that no uploaded file has")
    for name in ("delimiter", "quote"):
        sign = source.get(name, ",")
        if not isinstance(sign, str) or len(sign) != 1 or sign in "\r\n\0 ":
            raise _fault(f"source/{name}", f"`{name}` is one sign")
    encoding = source.get("encoding", "utf-8")
    if encoding not in ENCODINGS:
        raise _fault("source/encoding", f"the encoding is none of {', '.join(ENCODINGS)}")
    columns, types = source.get("columns"), source.get("types", {})
    if columns is not None and not _texts(columns):
        raise _fault("source/columns", "`columns` lists the names of the columns")
    if not isinstance(types, dict):
        raise _fault("source/types", "`types` is an object: column → type")
    for column, kind in types.items():
        if not isinstance(kind, str) or kind.partition(":")[0] not in TYPES:
            raise _fault(f"source/types/{column}", f"the type is none of {', '.join(TYPES)}")
    how = CsvFormat(
        source.get("delimiter", ","),
        source.get("quote", '"'),
        encoding,
        None if columns is None else tuple(columns),
        types,
    )
    return CsvSource(bucket, pattern, how)


def _sql(source: JsonObject) -> SqlSource:
    _only(source, {"type", "connection", "query", "key", "cursor", "since", "overlap"}, "source")
    for name in ("connection", "query", "key"):
        if not isinstance(source.get(name), str) or not source[name].strip():
            raise _fault(f"source/{name}", f"an sql source needs `{name}`")
    for name in ("key", "cursor"):
        column = source.get(name)
        if column is not None and not (isinstance(column, str) and _COLUMN.fullmatch(column)):
            raise _fault(f"source/{name}", f"`{name}` is the name of a column of the query")
    since, overlap = source.get("since"), source.get("overlap", 0)
    if since is not None and not isinstance(since, str):
        raise _fault("source/since", "`since` is a text, for example 2026-01-01T00:00:00Z")
    try:
        overlap_s = parse_duration(overlap)
    except ValueError as error:
        raise _fault("source/overlap", str(error)) from None
    if source.get("cursor") is None and (since is not None or overlap_s):
        raise _fault("source", "`since` and `overlap` need a `cursor`")
    return SqlSource(
        source["connection"],
        source["query"].strip().rstrip(";"),
        source["key"],
        source.get("cursor"),
        since,
        overlap_s,
    )


def _map(given: Any, place: str) -> RowTemplate:
    if not isinstance(given, dict):
        raise _fault(place, "a map is an object with `resource` and `match`")
    _only(given, {"resource", "match", "when"}, place)
    resource = given.get("resource")
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise _fault(f"{place}/resource", "a resource with its `resourceType` is needed")
    if "id" in resource:
        raise _fault(
            f"{place}/resource/id", "ids are the store's; `match` finds the resource again"
        )
    kind = resource["resourceType"]
    body = {key: value for key, value in resource.items() if key != "resourceType"}
    for issue in check_template(kind, body):
        if issue.severity == "error":
            raise _fault(f"{place}/resource", f"{issue.expression}: {issue.message}", issue.fix)
    if not isinstance(given.get("match"), str):
        raise _fault(
            f"{place}/match",
            "`match` says by what search a row finds its resource again",
            "write match: identifier=https://hospital.example/mrn|{{item.mrn}}",
        )
    try:
        return read_row_template(resource, given["match"], given.get("when"))
    except ExpressionError as error:
        raise _fault(f"{place}/{error.path or ''}".rstrip("/"), error.message, error.fix) from None


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _only(given: JsonObject, allowed: set[str], place: str) -> None:
    for name in given:
        if name not in allowed:
            raise _fault(
                f"{place}/{name}".lstrip("/"),
                f"{name!r} does not belong here",
                f"there is {', '.join(sorted(allowed))}",
            )


def _fault(place: str, message: str, fix: str | None = None) -> InvalidInput:
    return InvalidInput(
        f"The pipeline: {place}: {message}",
        code="pipeline_definition",
        path=f"/{place}",
        fix=fix or "see docs/howto/pipelines.md",
    )
