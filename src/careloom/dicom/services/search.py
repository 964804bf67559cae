"""QIDO-RS: search for studies, series and instances by their index attributes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from careloom.dicom.archive import DicomArchive
from careloom.dicom.index import INSTANCE, SERIES, STUDY, Attribute, iso_date
from careloom.errors import InvalidInput, NotSupported
from careloom.types import Json, JsonObject, Scope

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_LEVELS = {"study": (STUDY,), "series": (STUDY, SERIES), "instance": (STUDY, SERIES, INSTANCE)}
_ALIAS = {id(STUDY): "s", id(SERIES): "e", id(INSTANCE): "i"}
_MODALITIES = Attribute("ModalitiesInStudy", "00080061", "CS", "modalities")
_COUNTS = (
    ("00201206", "study_series"),
    ("00201208", "study_instances"),
    ("00201209", "series_instances"),
)
_TYPES = {"DA": "date", "IS": "int", "US": "int"}
_RANGED = frozenset(("DA", "TM"))
_PLAIN = frozenset(("UI", "IS", "US"))


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search."""

    level: str
    filters: list[JsonObject]
    include: frozenset[str]
    include_all: bool
    limit: int
    offset: int
    fuzzy: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One page of data sets in the JSON model, and whether there are more."""

    datasets: list[JsonObject]
    more: bool


def parse_query(level: str, parameters: list[tuple[str, str]], path: dict[str, str]) -> Query:
    """Read the query string; `path` has study and series of the address.

    Raises `InvalidInput` for a broken value and `NotSupported` for an attribute that cannot be
    matched at this level: a filter is never dropped, because that would widen the answer.
    """
    known = _columns(level)
    filters = [
        {"column": f"{'s' if name == 'study' else 'e'}.{name}", "op": "any", "value": [uid]}
        for name, uid in path.items()
    ]
    include: set[str] = set()
    limit, offset, fuzzy, everything = DEFAULT_LIMIT, 0, False, False
    for key, value in parameters:
        match key.lower():
            case "limit":
                limit = min(_number(key, value), MAX_LIMIT)
            case "offset":
                offset = _number(key, value)
            case "fuzzymatching":
                fuzzy = value.lower() == "true"
            case "accept":
                continue
            case "includefield":
                names = [name for name in value.split(",") if name]
                everything = everything or "all" in names
                include |= {_tag(name) for name in names if name != "all"}
            case _:
                filters += _filters(key, value, known)
    return Query(level, filters, frozenset(include), everything, limit, offset, fuzzy)


def _columns(level: str) -> dict[str, tuple[Attribute, str]]:
    found = {_MODALITIES.tag: (_MODALITIES, "modalities")}
    for group in _LEVELS[level]:
        for attribute in group:
            found[attribute.tag] = (attribute, f"{_ALIAS[id(group)]}.{attribute.column}")
    return found


def _number(key: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise InvalidInput(f"The parameter {key} must be a number", path=key)
    return int(value)


def _tag(name: str) -> str:
    """An attribute's tag as eight hexadecimal digits, from a tag or a keyword."""
    if len(name) == 8:
        try:
            return f"{int(name, 16):08X}"
        except ValueError:
            pass
    tag = tag_for_keyword(name)
    if tag is None:
        raise InvalidInput(f"{name[:64]} is neither a DICOM keyword nor a tag", path=name[:64])
    return f"{tag:08X}"


def _filters(key: str, value: str, known: dict[str, tuple[Attribute, str]]) -> list[JsonObject]:
    tag = _tag(key)
    if tag not in known:
        raise NotSupported(
            f"This search cannot match by {keyword_for_tag(tag) or tag}",
            path=key,
            fix="match by " + ", ".join(sorted(a.keyword for a, _ in known.values())),
        )
    if value == "":
        return []
    attribute, column = known[tag]
    if attribute.vr in _RANGED and "-" in value:
        return _range(attribute, column, value)
    if attribute.vr not in _PLAIN | _RANGED and ("*" in value or "?" in value):
        return [{"column": column, "op": "like", "value": _like(value)}]
    if attribute.vr == "PN":
        return [{"column": column, "op": "like", "value": _like(value)}]
    parts = value.replace("\\", ",").split(",") if attribute.vr == "UI" else value.split("\\")
    typed = {"type": _TYPES[attribute.vr]} if attribute.vr in _TYPES else {}
    values = [_value(attribute, part) for part in parts]
    return [{"column": column, "op": "any", "value": values, **typed}]


def _range(attribute: Attribute, column: str, value: str) -> list[JsonObject]:
    first, _, last = value.partition("-")
    ends = (("from", first), ("to", last))
    return [
        {"column": column, "op": op, "value": _value(attribute, end)} for op, end in ends if end
    ]


def _value(attribute: Attribute, text: str) -> str:
    if attribute.vr == "DA":
        date = iso_date(text)
        if date is None:
            raise InvalidInput(
                f"{attribute.keyword} must be YYYYMMDD, or a range of two with -",
                path=attribute.keyword,
            )
        return date
    if attribute.vr in ("IS", "US") and not text.lstrip("-").isdigit():
        raise InvalidInput(f"{attribute.keyword} must be a number", path=attribute.keyword)
    return text


def _like(value: str) -> str:
    for plain in ("\\", "%", "_"):
        value = value.replace(plain, "\\" + plain)
    return value.replace("*", "%").replace("?", "_")


async def search(archive: DicomArchive, scope: Scope, query: Query, address: str) -> Found:
    """Run a search; `address` is the service's root, for Retrieve URLs."""
    rows = await archive.rows(
        scope, "dicom_search", query.level, query.filters, query.limit + 1, query.offset
    )
    found = [row[0] for row in rows[: query.limit]]
    datasets = [_dataset(row, query.level, address) for row in found]
    extra = query.include - {a.tag for group in _LEVELS[query.level] for a in group}
    if extra or query.include_all:
        await _include(archive, scope, query, found, datasets)
    return Found(datasets, len(rows) > query.limit)


async def _include(
    archive: DicomArchive,
    scope: Scope,
    query: Query,
    found: list[JsonObject],
    datasets: list[JsonObject],
) -> None:
    """Add attributes from outside the index, read from the first instance's metadata."""
    samples = [row["sample"] for row in found]
    sealed = {r["instance"]: r for r in await archive.rows(scope, "dicom_metadata", samples)}
    for sample, dataset in zip(samples, datasets, strict=True):
        model = await archive.metadata(scope, sealed[sample])
        everything = query.include_all and query.level == "instance"
        for tag, element in model.items():
            if (everything or tag in query.include) and b'"BulkDataURI"' not in orjson.dumps(
                element
            ):
                dataset.setdefault(tag, element)


def _dataset(row: JsonObject, level: str, address: str) -> JsonObject:
    dataset: JsonObject = {}
    for group in _LEVELS[level]:
        for attribute in group:
            dataset[attribute.tag] = _json_element(attribute.vr, row.get(attribute.column))
    dataset["00080056"] = _json_element("CS", "ONLINE")
    dataset["00080061"] = {"vr": "CS", "Value": row["modalities"]}
    for tag, column in _COUNTS:
        if column in row:
            dataset[tag] = _json_element("IS", row[column])
    dataset["00081190"] = _json_element("UR", _retrieve_url(row, level, address))
    return dict(sorted(dataset.items()))


def _retrieve_url(row: JsonObject, level: str, address: str) -> str:
    url = f"{address}/studies/{row['study']}"
    if level != "study":
        url += f"/series/{row['series']}"
    if level == "instance":
        url += f"/instances/{row['instance']}"
    return url


def _json_element(vr: str, value: Json) -> JsonObject:
    if value is None:
        return {"vr": vr}
    if vr == "DA":
        value = str(value).replace("-", "")
    elif vr == "PN":
        names = zip(("Alphabetic", "Ideographic", "Phonetic"), str(value).split("="), strict=False)
        value = {component: name for component, name in names if name}
    return {"vr": vr, "Value": [value]}
