"""What a value set holds: http://hl7.org/fhir/R4/valueset.html#compositions"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from careloom.errors import InvalidInput, TooLarge
from careloom.fhir.terminology.code_system import CodeSystem, Concept
from careloom.types import JsonObject

MOST_CODES = 200_000
MOST_IMPORTS = 30
Key = tuple[str, str]
"""System and code."""


@dataclass(slots=True)
class Entry:
    """One code of an expansion."""

    system: str
    code: str
    display: str | None = None
    version: str | None = None
    concept: Concept | None = None

    def to_json(self, designations: bool) -> JsonObject:
        """As an element of ValueSet.expansion.contains."""
        made: JsonObject = {"system": self.system, "code": self.code}
        if self.version:
            made["version"] = self.version
        if self.display:
            made["display"] = self.display
        if self.concept is not None:
            if self.concept.is_abstract:
                made["abstract"] = True
            if self.concept.is_inactive:
                made["inactive"] = True
            if designations and self.concept.designations:
                made["designation"] = self.concept.designations
        return made


@dataclass(slots=True)
class Members:
    """The codes of a value set, and the systems of which it cannot be said."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """What is not loaded, by its canonical URL: 'code system' or 'value set'."""
    used: set[str] = field(default_factory=set)
    """Code systems that were read, with their versions."""
    _codes: frozenset[str] | None = None

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all systems; the members must not change afterwards."""
        if self._codes is None:
            self._codes = frozenset(code for _, code in self.entries)
        return self._codes

    def has(self, system: str | None, code: str) -> bool | None:
        """Whether the code is in it; None when that cannot be said."""
        found = self.find(system, code)
        if found is not None:
            return True
        if system is not None and system not in self.missing:
            return None if "value set" in self.missing.values() else False
        return None if self.missing else False

    def find(self, system: str | None, code: str) -> Entry | None:
        """The entry of a code; without a system the one that has this code."""
        if system is not None:
            return self.entries.get((system, code))
        found = [entry for (_, known), entry in self.entries.items() if known == code]
        return found[0] if len(found) == 1 else None


FindSystem = Callable[[str], Awaitable[CodeSystem | None]]
FindMembers = Callable[[str, tuple[str, ...]], Awaitable[Members | None]]


async def compose(
    value_set: JsonObject, system_of: FindSystem, members_of: FindMembers, path: tuple[str, ...]
) -> Members:
    """The members of a value set; `path` are the value sets that led here.

    Raises InvalidInput for a value set that imports itself, TooLarge beyond MOST_CODES.
    """
    if len(path) > MOST_IMPORTS or len(set(path)) < len(path):
        raise InvalidInput(
            "A value set imports itself",
            path="ValueSet.compose.include.valueSet",
            fix="remove the circle of imports",
        )
    made = Members()
    definition = value_set.get("compose")
    if not isinstance(definition, dict):
        _stored_expansion(value_set, made)
        return made
    for part in definition.get("include", ()):
        _merge(made, await _part(part, system_of, members_of, path))
        if len(made.entries) > MOST_CODES:
            raise TooLarge(f"The value set has more than {MOST_CODES:,} codes", code="too_costly")
    for part in definition.get("exclude", ()):
        without = await _part(part, system_of, members_of, path)
        for key in without.entries:
            made.entries.pop(key, None)
        _exclude_missing(made, without)
    if definition.get("inactive") is False:
        made.entries = {
            key: entry
            for key, entry in made.entries.items()
            if entry.concept is None or not entry.concept.is_inactive
        }
    return made


def _merge(made: Members, part: Members) -> None:
    for key, entry in part.entries.items():
        made.entries.setdefault(key, entry)
    made.missing |= part.missing
    made.used |= part.used


def _exclude_missing(made: Members, without: Members) -> None:
    """What may be excluded is not known to be a member."""
    for url, kind in without.missing.items():
        made.missing[url] = kind
        made.entries = {key: entry for key, entry in made.entries.items() if key[0] != url}


async def _part(
    part: JsonObject, system_of: FindSystem, members_of: FindMembers, path: tuple[str, ...]
) -> Members:
    """One include or exclude: the codes of its system that are in one of its value sets."""
    own = await _system_part(part, system_of) if "system" in part else None
    if not part.get("valueSet"):
        return own or Members()
    imported = Members()
    for url in part["valueSet"]:
        found = await members_of(url, path)
        if found is None:
            imported.missing[url] = "value set"
        else:
            _merge(imported, found)
    return imported if own is None else _both(own, imported)


def _both(own: Members, imported: Members) -> Members:
    made = Members(missing=own.missing | imported.missing, used=own.used | imported.used)
    made.entries = {key: e for key, e in own.entries.items() if key in imported.entries}
    return made


async def _system_part(part: JsonObject, system_of: FindSystem) -> Members:
    url, version = part["system"], part.get("version")
    system = await system_of(f"{url}|{version}" if version else url)
    made = Members()
    if system is not None and (system.version or version):
        made.used.add(f"{url}|{system.version or version}")
    else:
        made.used.add(url)
    if "concept" in part:
        made.entries = {(e.system, e.code): e for e in _enumerated(part, system)}
        if not part["concept"]:
            made.missing[url] = "code system"
        return made
    if system is None or not (system.concepts or system.is_complete):
        made.missing[url] = "code system"
        return made
    for concept in system.select(part.get("filter", [])):
        entry = Entry(url, concept.code, concept.display, system.version, concept)
        made.entries[url, concept.code] = entry
    if not system.is_complete:
        made.missing[url] = "code system"
    return made


def _enumerated(part: JsonObject, system: CodeSystem | None) -> Iterable[Entry]:
    for one in part["concept"]:
        concept = system.find(one["code"]) if system is not None else None
        display = one.get("display") or (concept.display if concept is not None else None)
        version = system.version if system is not None else part.get("version")
        yield Entry(part["system"], one["code"], display, version, concept)


def _stored_expansion(value_set: JsonObject, made: Members) -> None:
    """A value set without a definition is what its stored expansion lists."""
    expansion = value_set.get("expansion")
    if not isinstance(expansion, dict):
        return
    stack = list(reversed(expansion.get("contains", [])))
    while stack:
        one = stack.pop()
        if one.get("code") and one.get("system") and not one.get("abstract"):
            entry = Entry(one["system"], one["code"], one.get("display"), one.get("version"))
            made.entries.setdefault((entry.system, entry.code), entry)
        stack.extend(reversed(one.get("contains", [])))
