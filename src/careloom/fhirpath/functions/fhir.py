"""What FHIR adds. http://hl7.org/fhir/R4/fhirpath.html#functions"""

from __future__ import annotations

from typing import Any

from careloom.fhirpath import navigation
from careloom.fhirpath.evaluation import Env, Run, failure, single
from careloom.fhirpath.functions.definition import Function, Scope, on_value, text_of
from careloom.fhirpath.functions.xhtml import problems
from careloom.fhirpath.navigation import actual_type
from careloom.fhirpath.syntax import Call
from careloom.fhirpath.types import is_a
from careloom.fhirpath.values import Element, root, system

PROFILES = "http://hl7.org/fhir/StructureDefinition/"


def _extension(scope: Scope, call: Call, source: Run) -> Run:
    model, at, url = scope.model, call.at, scope.compile(call.arguments[0])

    def run(env: Env) -> list[Any]:
        wanted = system(single(url(env), at, "The argument of extension()"), model)
        found: list[Any] = []
        for item in source(env):
            navigation.named(item, "extension", model, found)
        return [each for each in found if each.value.get("url") == wanted]

    return run


def _has_value(scope: Scope, call: Call, source: Run) -> Run:
    model, asks = scope.model, call.name == "hasValue"

    def run(env: Env) -> list[Any]:
        items = source(env)
        value = system(items[0], model) if len(items) == 1 else None
        has = value is not None and value.__class__ is not Element
        if items and items[0].__class__ is Element and isinstance(items[0].value, dict):
            has = False
        return [has] if asks else [value] if has else []

    return run


def _resolve(scope: Scope, call: Call, source: Run) -> Run:
    model, at = scope.model, call.at

    def run(env: Env) -> list[Any]:
        items = source(env)
        env.spend(len(items), at)
        out: list[Any] = []
        for item in items:
            address = _address(item, model)
            found = _resolved(address, item, env) if address else None
            if isinstance(found, dict):
                kind = actual_type(found, "Resource", model) if model is not None else ""
                out.append(root(found, kind))
            elif found is not None:
                out.append(found)
        return out

    return run


def _address(item: Any, model: Any) -> str | None:
    value = item.value if item.__class__ is Element else item
    if isinstance(value, dict):
        value = value.get("reference")
    return value if isinstance(value, str) else None


def _resolved(address: str, item: Any, env: Env) -> Any:
    """Contained and bundled resources are found here, others by the hook."""
    for holder in (*env.resource, *env.root_resource):
        found = _inside(address, holder)
        if found is not None:
            return found
    return env.hooks.resolve(address, item) if env.hooks.resolve is not None else None


def _inside(address: str, holder: Any) -> Any:
    value = holder.value if holder.__class__ is Element else None
    if not isinstance(value, dict):
        return None
    if address == "#":
        return holder
    if address.startswith("#"):
        return _first(value.get("contained"), "id", address[1:])
    if value.get("resourceType") == "Bundle":
        entry = _first(value.get("entry"), "fullUrl", address)
        return entry.get("resource") if entry is not None else None
    return None


def _first(items: Any, name: str, wanted: str) -> Any:
    if not isinstance(items, list):
        return None
    for item in items:
        if isinstance(item, dict) and item.get(name) == wanted:
            return item
    return None


def _conforms_to(scope: Scope, call: Call, source: Run) -> Run:
    model, at, profile = scope.model, call.at, scope.compile(call.arguments[0])

    def run(env: Env) -> list[Any]:
        item = single(source(env), at, "conformsTo()")
        url = single(profile(env), at, "The argument of conformsTo()")
        if item is None or url is None:
            return []
        address = text_of(system(url, model), at, "conformsTo()")
        answer = None
        if env.hooks.conforms_to is not None and item.__class__ is Element:
            answer = env.hooks.conforms_to(item.value, address)
        name = address.removeprefix(PROFILES)
        if answer is None and model is not None and name != address and model.is_type(name):
            answer = item.__class__ is Element and is_a(item.type, name, model)
        if answer is None:
            raise failure(
                "The profile of conformsTo() is not known here", at, "Load the profile first."
            )
        return [answer]

    return run


def _member_of(scope: Scope, call: Call, source: Run) -> Run:
    model, at, value_set = scope.model, call.at, scope.compile(call.arguments[0])

    def run(env: Env) -> list[Any]:
        item = single(source(env), at, "memberOf()")
        url = single(value_set(env), at, "The argument of memberOf()")
        if item is None or url is None:
            return []
        hook = env.hooks.member_of
        if hook is None:
            raise failure(
                "memberOf() needs terminology, which is not offered here", at, "Leave it out."
            )
        value = item.value if item.__class__ is Element else item
        answer = hook(value, text_of(system(url, model), at, "memberOf()"))
        return [] if answer is None else [answer]

    return run


def _subsumes(scope: Scope, call: Call, source: Run) -> Run:
    at, other, down = call.at, scope.compile(call.arguments[0]), call.name == "subsumes"

    def run(env: Env) -> list[Any]:
        items = [single(source(env), at, f"{call.name}()"), single(other(env), at, "Its argument")]
        if None in items:
            return []
        hook = env.hooks.subsumes
        if hook is None:
            raise failure(
                f"{call.name}() needs terminology, which is not offered here", at, "Leave it out."
            )
        one, two = (item.value if item.__class__ is Element else item for item in items)
        answer = hook(one, two) if down else hook(two, one)
        return [] if answer is None else [answer]

    return run


def _html_checks(env: Env, at: int, value: Any) -> bool:
    return not problems(text_of(value, at, "htmlChecks()"))


def _element_definition(scope: Scope, call: Call, source: Run) -> Run:
    at, model = call.at, scope.model

    def run(env: Env) -> list[Any]:
        hook = env.hooks.definition
        if hook is None:
            raise failure(
                "elementDefinition() needs definitions, not offered here", at, "Leave it out."
            )
        found = [hook(item) for item in source(env) if item.__class__ is Element]
        kind = "ElementDefinition" if model is not None else ""
        return [root(each, kind) for each in found if each is not None]

    return run


def _slice(scope: Scope, call: Call, source: Run) -> Run:
    at, model = call.at, scope.model
    structure, name = (scope.compile(argument) for argument in call.arguments)

    def run(env: Env) -> list[Any]:
        hook = env.hooks.slice
        if hook is None:
            raise failure("slice() needs definitions, not offered here", at, "Leave it out.")
        given = [system(single(each(env), at, "slice()"), model) for each in (structure, name)]
        if None in given:
            return []
        url, wanted = (text_of(each, at, "slice()") for each in given)
        items = [item for item in source(env) if item.__class__ is Element]
        return [item for item in items if hook(item, url, wanted)]

    return run


def _check_modifiers(scope: Scope, call: Call, source: Run) -> Run:
    at, model = call.at, scope.model
    known = [scope.compile(argument) for argument in call.arguments]

    def run(env: Env) -> list[Any]:
        items = source(env)
        allowed = {system(url, model) for each in known for url in each(env)}
        found: list[Any] = []
        for item in items:
            navigation.named(item, "modifierExtension", model, found)
        if any(each.value.get("url") not in allowed for each in found):
            raise failure(
                "An element has a modifier extension that is not understood",
                at,
                "Name the extension in checkModifiers(), or do not process the element.",
            )
        return items

    return run


FUNCTIONS = {
    "extension": Function(_extension, 1, 1),
    "hasValue": Function(_has_value),
    "getValue": Function(_has_value),
    "resolve": Function(_resolve),
    "conformsTo": Function(_conforms_to, 1, 1),
    "memberOf": Function(_member_of, 1, 1),
    "subsumes": Function(_subsumes, 1, 1),
    "subsumedBy": Function(_subsumes, 1, 1),
    "htmlChecks": on_value(_html_checks),
    "elementDefinition": Function(_element_definition),
    "slice": Function(_slice, 2, 2),
    "checkModifiers": Function(_check_modifiers, 1, 20),
}
