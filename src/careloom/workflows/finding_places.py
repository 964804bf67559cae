"""Where a finding stands in the source as it was handed in, and the edit that its fix is.

A path names steps by their ids (`steps/read-image/worker`); its pointer names the same place in the
source, as a JSON Pointer (RFC 6901). Where a fix can only mean one thing, it is an edit as well:
`{"path": pointer, "value": …}` sets a value, `{"path": pointer, "rename": …}` gives a key its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from careloom.types import Json, JsonObject
from careloom.workflows.definition import ParseResult, StepDefinition
from careloom.workflows.verification import Finding

Place = tuple[str | int, ...]
Coerce = Callable[[str, JsonObject], tuple[JsonObject, list[JsonObject]]]
_WRITE = re.compile(r"write (%?[^\s:,(]+)")
_EVENT = re.compile(r"write event: (\S+)")
_QUOTED = re.compile(r"'([^']+)'")
_NOT_GIVEN = object()


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one text."""

    parsed: ParseResult
    coerce: Coerce
    steps: Mapping[str, StepDefinition]
    """The steps by their paths."""

    @classmethod
    def of(cls, parsed: ParseResult, coerce: Coerce) -> Places:
        return cls(parsed, coerce, {step.path: step for step in parsed.definition.walk()})

    def finding(self, finding: Finding) -> JsonObject:
        """The finding with `step`, `pointer` and, where there is exactly one, `edit`."""
        shown = finding.to_json()
        place, exact = self._nearest(finding.path)
        self._tell(shown, finding.path, place)
        if self._restored:
            shown.pop("column", None)
            return shown
        edit = self._edit(finding, place, exact)
        return shown if edit is None else {**shown, "edit": edit}

    def receipt(self, shown: JsonObject) -> JsonObject:
        """A receipt with `step`, `pointer` and the edit that would make the repair in the text."""
        path = str(shown["path"])
        place, _ = self._nearest(path)
        told = dict(shown)
        self._tell(told, path, place)
        edit = None if self._restored else self._coerced(path)
        return told if edit is None else {**told, "edit": edit}

    @property
    def _restored(self) -> bool:
        """Lost indentation was restored: lines are those of the text, columns and places not."""
        return any(one.code == "W-INDENT" for one in self.parsed.receipts)

    def _tell(self, shown: JsonObject, path: str, place: Place | None) -> None:
        step = self._step(path)
        if step is not None:
            shown["step"] = step
        if place is not None and not self._restored:
            shown["pointer"] = pointer(place)

    def _step(self, path: str) -> str | None:
        while path and path not in self.steps:
            path = path.rpartition("/")[0]
        found = self.steps.get(path)
        return None if found is None else found.id

    def _nearest(self, path: str) -> tuple[Place | None, bool]:
        """The place of a path or of the nearest around it, and whether it is the path's own."""
        places, exact = self.parsed.places, True
        while path not in places and "/" in path:
            path, exact = path.rpartition("/")[0], False
        return places.get(path), exact

    def _edit(self, finding: Finding, place: Place | None, exact: bool) -> JsonObject | None:
        if finding.code == "E-FHIRSTRUCTURE":
            return self._coerced(finding.path)
        event = _EVENT.fullmatch(finding.fix)
        if event is not None and finding.code == "E-EVENT":
            where = self._own(finding.path)
            return None if where is None else {"path": pointer(where), "value": event[1]}
        found = _WRITE.fullmatch(finding.fix)
        if found is None or place is None or not exact:
            return None
        wrong = _wrong(finding)
        value = self._value(place)
        if wrong is None or value is _NOT_GIVEN:
            return None
        if finding.code == "E-UNKNOWNKEY":
            return self._renamed(place, wrong, found[1])
        if not isinstance(value, str):
            return None
        if value == wrong:
            return {"path": pointer(place), "value": found[1]}
        text = _corrected(finding.code, value, wrong, found[1])
        return None if text is None else {"path": pointer(place), "value": text}

    def _renamed(self, place: Place, wrong: str, name: str) -> JsonObject | None:
        parent = self._value(place[:-1])
        if place[-1] != wrong or not isinstance(parent, dict) or name in parent:
            return None
        return {"path": pointer(place), "rename": name}

    def _own(self, path: str) -> Place | None:
        """The place of a key that may still be missing, in an object that is there."""
        place, exact = self._nearest(path)
        if place is None or exact:
            return place
        parent, _, key = path.rpartition("/")
        if self.parsed.places.get(parent) != place or not isinstance(self._value(place), dict):
            return None
        return (*place, key)

    def _value(self, place: Place) -> Json:
        value = self.parsed.value
        for part in place:
            if isinstance(value, dict) and part in value:
                value = value[str(part)]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return _NOT_GIVEN
        return value

    def _coerced(self, path: str) -> JsonObject | None:
        """FHIR data that has one sensible reading, written out in that way."""
        head, mark, rest = path.partition("/data/")
        element = rest.split("/")[0].split("[")[0]
        step = self.steps.get(head)
        if not mark or not element or step is None:
            return None
        kind, data = step.params.get("resourceType"), step.params.get("data")
        place = self.parsed.places.get(f"{head}/data")
        if not isinstance(kind, str) or not isinstance(data, dict) or place is None:
            return None
        after, _ = self.coerce(kind, data)
        if after.get(element) == data.get(element):
            return None
        return {"path": pointer((*place, element)), "value": after[element]}


def _wrong(finding: Finding) -> str | None:
    """The name that a finding is about: what is read stands in its cause, else in its message."""
    if finding.code in ("E-OUTPUTKEY", "E-INPUTKEY", "E-ELEMENT", "W-ELEMENT"):
        read = _QUOTED.match(finding.cause)
        named = [read[1]] if read else _QUOTED.findall(finding.message)[-1:]
    else:
        named = _QUOTED.findall(finding.message)[:1]
    return named[0] if named else None


def _corrected(code: str, text: str, wrong: str, name: str) -> str | None:
    """The text with the wrong name in its expressions exchanged; None where that is not certain."""
    if code == "E-REF":
        pattern = rf"(?<=\bsteps\.){re.escape(wrong)}(?![\w-])"
    elif code == "E-REFSHAPE":
        parts = name.split(".")
        if len(parts) < 4 or parts[0] not in ("steps", "loops"):
            return None
        pattern = rf"\b{re.escape('.'.join([*parts[:2], parts[-1]]))}(?![\w-])"
    elif name.startswith("%"):
        pattern = rf"(?<![%\w.]){re.escape(wrong)}(?![\w-])"
    else:
        last = wrong.rpartition(".")[2]
        pattern = rf"(?<=\.){re.escape(last)}(?![\w-])"
    found = re.findall(pattern, text)
    if not found or (len(found) > 1 and code != "E-REF"):
        return None
    return re.sub(pattern, lambda _match: name, text)


def pointer(place: Place) -> str:
    """A place as JSON Pointer; the whole document is the empty text."""
    return "".join(_escaped(str(part)) for part in place)


def _escaped(part: str) -> str:
    return "/" + part.replace("~", "~0").replace("/", "~1")
