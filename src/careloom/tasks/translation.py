"""A Questionnaire in another language, by the extension `translation` of its texts.

http://hl7.org/fhir/R4/extension-translation.html, https://www.rfc-editor.org/rfc/rfc4647#section-3.4
"""

from __future__ import annotations

import re

from careloom.types import Json, JsonObject

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*"
)


def languages_of(form: JsonObject) -> list[str]:
    """The languages that a form is offered in; its own first."""
    found: dict[str, None] = {}
    if isinstance(form.get("language"), str):
        found[form["language"]] = None
    _collect(form, found)
    return list(found)


def _collect(value: Json, found: dict[str, None]) -> None:
    if isinstance(value, list):
        for one in value:
            _collect(one, found)
    elif isinstance(value, dict):
        for key, below in value.items():
            if key.startswith("_"):
                for one in below if isinstance(below, list) else [below]:
                    found |= dict.fromkeys(_translations(one))
            elif key != "contained":
                _collect(below, found)


def _translations(extra: Json) -> dict[str, str]:
    """Texts by language of the sibling `_name` of a primitive."""
    found: dict[str, str] = {}
    for one in extra.get("extension", ()) if isinstance(extra, dict) else ():
        if not isinstance(one, dict) or one.get("url") != TRANSLATION:
            continue
        parts = {part.get("url"): part for part in one.get("extension", ())}
        language = parts.get("lang", {}).get("valueCode")
        content = parts.get("content", {})
        text = content.get("valueString") or content.get("valueMarkdown")
        if isinstance(language, str) and isinstance(text, str):
            found[language] = text
    return found


def chosen_language(form: JsonObject, wanted: str | None, accepted: str | None) -> str | None:
    """The language of an answer: what is asked for outright, else by Accept-Language, else the
    form's own; None when the form does not say its language and nothing else is asked for."""
    offered = languages_of(form)
    for asked in ([wanted] if wanted else []) + _ranges(accepted or ""):
        found = _match(asked, offered)
        if found is not None:
            return found
    own: str | None = form.get("language")
    return own


def _ranges(header: str) -> list[str]:
    """Language ranges of an Accept-Language header, the most wanted first."""
    found: list[tuple[float, str]] = []
    for part in header.split(",")[:30]:
        match = _RANGE.fullmatch(part)
        if match and match[1] != "*" and float(match[2] or 1) > 0:
            found.append((float(match[2] or 1), match[1]))
    return [name for _, name in sorted(found, key=lambda one: -one[0])]


def _match(asked: str, offered: list[str]) -> str | None:
    """Look-up: the language itself, then without its last parts, then another form of it."""
    parts = asked.casefold().split("-")
    known = {one.casefold(): one for one in offered}
    while parts:
        if "-".join(parts) in known:
            return known["-".join(parts)]
        parts.pop()
    first = asked.casefold().split("-")[0]
    return next((one for one in offered if one.casefold().split("-")[0] == first), None)


def in_language(form: JsonObject, language: str | None) -> JsonObject:
    """The form with its texts in this language, where they are translated; what is said in other
    languages is left out."""
    if not languages_of(form):
        return form
    made = _translated(form, language)
    if not isinstance(made, dict):
        raise TypeError("a form is an object")
    return {**made, **({"language": language} if language else {})}


def _translated(value: Json, language: str | None) -> Json:
    if isinstance(value, list):
        return [_translated(one, language) for one in value]
    if not isinstance(value, dict):
        return value
    made: JsonObject = {}
    for key, below in value.items():
        if not key.startswith("_"):
            text = _translations(value.get(f"_{key}")).get(language or "")
            made[key] = text if isinstance(below, str) and text else _translated(below, language)
        else:
            rest = _without_translations(below)
            if rest:
                made[key] = rest
    return made


def _without_translations(extra: Json) -> Json:
    if not isinstance(extra, dict):
        return extra
    kept = [one for one in extra.get("extension", ()) if one.get("url") != TRANSLATION]
    rest = {key: value for key, value in extra.items() if key != "extension"}
    return {**rest, "extension": kept} if kept else rest
