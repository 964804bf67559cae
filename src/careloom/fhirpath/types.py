"""Type specifiers: is, as, ofType. http://hl7.org/fhirpath/N1/#types"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careloom.fhirpath.errors import SEMANTIC, FhirPathError
from careloom.fhirpath.model import Model
from careloom.fhirpath.syntax import Member, This, Tree
from careloom.fhirpath.values import Element, TypeInfo, system_type_name

SYSTEM = frozenset(
    ("Any", "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity")
)
Test = Callable[[Any], bool]


def specifier(tree: Tree) -> str:
    """The type name that stands where a function takes one: Patient or FHIR.Patient."""
    if isinstance(tree, Member):
        if isinstance(tree.source, This) and tree.source.implied:
            return tree.name
        if isinstance(tree.source, Member):
            return f"{specifier(tree.source)}.{tree.name}"
    raise FhirPathError(
        "A type name is expected here", tree.at, fix="Write for example is(Patient).", code=SEMANTIC
    )


def is_a(type_name: str, wanted: str, model: Model) -> bool:
    """Whether a model's type is the wanted one or specialises it."""
    current: str | None = type_name
    while current is not None:
        if current == wanted:
            return True
        current = model.parent(current)
    return False


def type_test(name: str, model: Model | None, at: int, *, exact: bool = False) -> Test:
    """A test of items against a type specifier; raises FhirPathError where there is none such.

    `exact` is for as and ofType, which in FHIR R4 take primitive types as they are: a code is
    a string, but not `as` string.
    """
    space, _, local = name.rpartition(".")
    namespace = model.namespace if model is not None else "FHIR"
    if space not in ("", "System", namespace):
        space, local = "", name
    in_system = space in ("", "System") and local in SYSTEM
    in_model = space in ("", namespace) and (model is None or model.is_type(local))
    elsewhere = space == "System" and model is not None and model.is_type(local)
    if not (in_system or in_model or elsewhere):
        raise FhirPathError(
            f"There is no type {name}",
            at,
            fix="Use a type of the model or one of System, for example String.",
            code=SEMANTIC,
        )
    exact = exact and model is not None and model.system_type(local) is not None

    def test(item: Any) -> bool:
        if item.__class__ is Element:
            if not in_model:
                return False
            if model is None or exact:
                return bool(item.type == local)
            return is_a(item.type, local, model)
        return in_system and (local == "Any" or system_type_name(item) == local)

    return test


def info(item: Any, model: Model | None) -> TypeInfo | None:
    """What type() says of an item."""
    if item.__class__ is not Element:
        return TypeInfo("System", system_type_name(item), "System.Any")
    if item.type == "?":
        return None
    name = item.type
    if model is None:
        return TypeInfo("FHIR", name, "FHIR.DomainResource")
    parent = model.parent(name)
    if "." in name and parent is not None:
        name, parent = parent, model.parent(parent)
    space = model.namespace
    return TypeInfo(space, name, f"{space}.{parent}" if parent else "System.Any")
