"""What a trained model is: what it is asked, what it looks at, what it learns from.

Two kinds. A `classifier` learns from the cases of a gold set: texts, numbers and codes of the
input, and the class that is right. A `prediction` learns from the store's own records: features
and label are read from FHIR resources by FHIRPath (http://hl7.org/fhirpath/N1/) and searches
(http://hl7.org/fhir/R4/search.html). docs/reference/learning.md explains each key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from careloom.errors import InvalidInput
from careloom.fhirpath import FhirPathError, compile
from careloom.types import Json, JsonObject

PREFIX = "trained/"
"""The names of trained models in steps begin so."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,47}", re.ASCII)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_SEARCH = re.compile(r"[A-Z][A-Za-z]{1,63}\?[^\s]{1,500}", re.ASCII)
_TYPES = ("number", "category", "text")
_SOURCES = ("path", "count", "hours", "days", "years", "hour", "weekday")
_SPANS = ("hours", "days", "years")
MOST_FEATURES = 60
MOST_TEXTS = 4
"""Each is 4,096 columns."""
_COMMON: dict[str, Json] = {
    "kind": None,
    "title": None,
    "description": "",
    "intended": "",
    "limits": "",
    "label": None,
    "positive": None,
    "threshold": 0.5,
    "algorithm": "logistic",
    "heldOut": 0.25,
}
_ONLY: dict[str, dict[str, Json]] = {
    "classifier": {"features": {}},
    "prediction": {
        "subject": None,
        "history": None,
        "at": None,
        "patient": None,
        "related": {},
        "outcome": None,
        "features": {},
    },
}


@dataclass(frozen=True, slots=True)
class Definition:
    """One trained model as it is declared."""

    name: str
    body: JsonObject

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def label(self) -> str:
        """The name of the answer's class in the output, and in the cases of gold sets."""
        return str(self.body["label"])

    @property
    def positive(self) -> str | None:
        found: str | None = self.body["positive"]
        return found

    @property
    def threshold(self) -> float:
        """From this probability of the positive class on, it is the label."""
        return float(self.body["threshold"])

    @property
    def features(self) -> dict[str, JsonObject]:
        found: dict[str, JsonObject] = self.body["features"]
        return found

    @property
    def reference(self) -> str:
        """Its name in steps."""
        return PREFIX + self.name

    @property
    def held_out(self) -> str:
        """The gold set that keeps the cases no version was trained on."""
        return f"{self.name}-held-out"


def read_definition(name: str, given: Json) -> Definition:
    """A definition as it is sent, with what is not given filled in. Raises InvalidInput."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "The name of a trained model is small letters, digits and -, at most 48",
            path="/name",
        )
    if not isinstance(given, dict) or given.get("kind") not in _ONLY:
        raise InvalidInput(f"kind is one of {', '.join(_ONLY)}", path="/kind")
    known = _COMMON | _ONLY[given["kind"]]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InvalidInput(
            f"{unknown[0][:40]!r} is not known here",
            path=f"/{unknown[0][:40]}",
            fix=f"a {given['kind']} has {', '.join(sorted(known))}",
        )
    body = {**known, **given}
    _check_common(body)
    if body["kind"] == "prediction":
        _check_prediction(body)
    _check_features(body)
    return Definition(name, body)


@cache
def shipped() -> dict[str, Definition]:
    """The predictions that come with Careloom, by name; trained by nobody yet."""
    folder = files("careloom.ai.learning") / "definitions"
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".yaml"):
            name = entry.name.removesuffix(".yaml")
            found[name] = read_definition(name, yaml.safe_load(entry.read_text("utf-8")))
    return found


def split_reference(reference: str) -> tuple[str, int | None]:
    """`trained/no-show@3` as name and version; the version is None where none is named. Raises
    InvalidInput."""
    name, at, number = reference.removeprefix(PREFIX).partition("@")
    if not _NAME.fullmatch(name) or (at and not (number.isdecimal() and 0 < int(number) < 10**6)):
        raise InvalidInput(
            f"A trained model is named {PREFIX}<name> or {PREFIX}<name>@<version>",
            code="unknown_model",
        )
    return name, int(number) if at else None


def _check_common(body: JsonObject) -> None:
    for key in ("title", "description", "intended", "limits"):
        if not isinstance(body[key] or "", str):
            raise InvalidInput(f"{key} is a text", path=f"/{key}")
    if not isinstance(body["label"], str) or not _WORD.fullmatch(body["label"]):
        raise InvalidInput("label is the name of the answer's class", path="/label")
    if not (body["positive"] is None or (isinstance(body["positive"], str) and body["positive"])):
        raise InvalidInput("positive is a class", path="/positive")
    if body["algorithm"] not in ("logistic", "boosting"):
        raise InvalidInput("algorithm is logistic or boosting", path="/algorithm")
    if body["algorithm"] == "boosting" and body["positive"] is None:
        raise InvalidInput("boosting is for two classes: name the positive one", path="/positive")
    _check_share(body, "threshold", 0.01, 0.99)
    _check_share(body, "heldOut", 0.1, 0.5)


def _check_share(body: JsonObject, key: str, least: float, most: float) -> None:
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidInput(f"{key} is a number from {least:g} to {most:g}", path=f"/{key}")


def _check_prediction(body: JsonObject) -> None:
    if body["positive"] is None:
        raise InvalidInput("A prediction names the positive class", path="/positive")
    if not isinstance(body["subject"], str) or not re.fullmatch(r"[A-Z][A-Za-z]+", body["subject"]):
        raise InvalidInput("subject is a resource type", path="/subject")
    if not isinstance(body["history"], str) or not body["history"]:
        raise InvalidInput(
            "history is a search for the resources to learn from, such as status=fulfilled",
            path="/history",
        )
    for key in ("at", "patient"):
        _check_path(body[key], f"/{key}")
    if not isinstance(body["related"], dict):
        raise InvalidInput("related is an object of FHIRPaths by name", path="/related")
    for name, path in body["related"].items():
        if not _WORD.fullmatch(name) or name in ("at", "patient", "resource", "context"):
            raise InvalidInput("This name cannot be used", path=f"/related/{name[:64]}")
        _check_path(path, f"/related/{name}")
    _check_outcome(body["outcome"])
    if not body["features"]:
        raise InvalidInput("A prediction has features", path="/features")


def _check_outcome(given: Any) -> None:
    """{"path", "search"?}, or {"hours" | "days": [from, to], "above", "then", "else"}."""
    if not isinstance(given, dict):
        raise InvalidInput("outcome says how it ended", path="/outcome")
    if "path" in given:
        if set(given) - {"path", "search"}:
            raise InvalidInput("outcome has path, and may have search", path="/outcome")
        _check_path(given["path"], "/outcome/path")
        if "search" in given:
            _check_search(given["search"], "/outcome/search")
        return
    span = next((one for one in ("hours", "days") if one in given), None)
    if span is None or set(given) != {span, "above", "then", "else"}:
        raise InvalidInput(
            "outcome has a path, or hours or days with above, then and else", path="/outcome"
        )
    _check_pair(given[span], f"/outcome/{span}")
    above = given["above"]
    if isinstance(above, bool) or not isinstance(above, int | float):
        raise InvalidInput("above is a number", path="/outcome/above")
    for key in ("then", "else"):
        if not isinstance(given[key], str) or not given[key]:
            raise InvalidInput(f"{key} is a class", path=f"/outcome/{key}")


def _check_features(body: JsonObject) -> None:
    given = body["features"]
    if not isinstance(given, dict) or len(given) > MOST_FEATURES:
        raise InvalidInput(f"features is an object of at most {MOST_FEATURES}", path="/features")
    for name, one in given.items():
        path = f"/features/{name[:64]}"
        if not _WORD.fullmatch(name):
            raise InvalidInput("A feature's name is letters, digits, _ and -", path=path)
        if not isinstance(one, dict) or one.get("type") not in _TYPES:
            raise InvalidInput(f"A feature has a type: {', '.join(_TYPES)}", path=path)
        if body["kind"] == "classifier":
            if set(one) != {"type"}:
                raise InvalidInput("A feature of a classifier has a type only", path=path)
        else:
            _check_source(one, path)
    if sum(one["type"] == "text" for one in given.values()) > MOST_TEXTS:
        raise InvalidInput(f"features has at most {MOST_TEXTS} texts", path="/features")


def _check_source(one: JsonObject, path: str) -> None:
    sources = [key for key in _SOURCES if key in one]
    if len(sources) != 1 or set(one) - {"type", "where", "title", sources[0]}:
        raise InvalidInput(
            f"A feature has type, one of {', '.join(_SOURCES)}, and may have title and where",
            path=path,
        )
    [source] = sources
    if one["type"] == "text" or (source == "weekday") != (
        one["type"] == "category" and source != "path"
    ):
        raise InvalidInput(
            "A path gives a number or a category, a weekday a category, the others numbers",
            path=f"{path}/type",
        )
    if "where" in one:
        if source != "count":
            raise InvalidInput("where is of a count", path=f"{path}/where")
        _check_path(one["where"], f"{path}/where")
    if source == "count":
        _check_search(one["count"], f"{path}/count")
    elif source in _SPANS:
        _check_pair(one[source], f"{path}/{source}")
    else:
        _check_path(one[source], f"{path}/{source}")


def _check_pair(given: Any, path: str) -> None:
    if not isinstance(given, list) or len(given) != 2:
        raise InvalidInput("It is two FHIRPaths: from, to", path=path)
    for one in given:
        _check_path(one, path)


def _check_search(given: Any, path: str) -> None:
    if not isinstance(given, str) or not _SEARCH.fullmatch(given):
        raise InvalidInput(
            "It is a search with its type, such as Appointment?patient={patient}", path=path
        )
    unknown = set(re.findall(r"\{([^}]*)\}", given)) - {"patient", "id", "at"}
    if unknown:
        raise InvalidInput("A search may name {patient}, {id} and {at}", path=path)


def _check_path(given: Any, path: str) -> None:
    if not isinstance(given, str) or not 0 < len(given) <= 2000:
        raise InvalidInput("It is a FHIRPath", path=path)
    try:
        compile(given)
    except FhirPathError as error:
        raise InvalidInput(f"The FHIRPath cannot be read: {error}", path=path) from error
