"""Static checks: elements that a type does not have.

http://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation

A type that cannot be known before the evaluation, as after resolve(), is not checked further.
"""

from __future__ import annotations

from careloom.fhirpath.errors import SEMANTIC, FhirPathError
from careloom.fhirpath.model import Model
from careloom.fhirpath.syntax import (
    Binary,
    Call,
    Chain,
    Index,
    Literal,
    Member,
    Sign,
    This,
    Tree,
    TypeTest,
)
from careloom.fhirpath.types import SYSTEM, is_a, specifier
from careloom.fhirpath.values import system_type_name

Types = frozenset[str] | None
"""The types that a part may have; System types as System.String. None where unknown."""

_BOOLEAN: Types = frozenset(("System.Boolean",))
_SAME_AS_SOURCE = (
    "where first last tail skip take single distinct trace defineVariable sort exclude intersect"
)
_SAME = frozenset(_SAME_AS_SOURCE.split())
_PER_ITEM = frozenset(("where", "select", "all", "exists", "repeat", "sort", "aggregate"))
_OPEN = frozenset(("Resource", "DomainResource"))


def check(tree: Tree, model: Model, type_name: str) -> Types:
    """The types of the result; raises FhirPathError for an element that cannot exist."""
    return _Checker(model).types(tree, frozenset((type_name,)) if type_name else None)


class _Checker:
    def __init__(self, model: Model) -> None:
        self._model = model

    def types(self, tree: Tree, this: Types) -> Types:
        """The types that a part of the expression may have where $this has these."""
        match tree:
            case Literal():
                known = isinstance(tree.value, list)
                return None if known else frozenset((f"System.{system_type_name(tree.value)}",))
            case This():
                return this if tree.name == "$this" else None
            case Member():
                return self._member(tree, this)
            case Call():
                return self._call(tree, this)
            case TypeTest():
                self.types(tree.operand, this)
                return _BOOLEAN if tree.operator == "is" else self._named(tree.type)
            case Index():
                self.types(tree.index, this)
                return self.types(tree.source, this)
            case Sign():
                return self.types(tree.operand, this)
            case Chain():
                found = [self.types(operand, this) for operand in tree.operands]
                return _merged(found) if tree.operator == "|" else _BOOLEAN
            case Binary():
                self.types(tree.left, this)
                self.types(tree.right, this)
                return None
        return None

    def _member(self, tree: Member, this: Types) -> Types:
        source = self.types(tree.source, this)
        if source is None:
            return None
        implied = isinstance(tree.source, This) and tree.source.implied
        is_type = implied and tree.name[:1].isupper() and self._model.is_type(tree.name)
        if is_type and any(is_a(each, tree.name, self._model) for each in source):
            return source
        found: set[str] = set()
        for each in source:
            if each in _OPEN or not self._model.is_type(each):
                return None
            child = self._model.child(each, tree.name)
            found |= set(child.types.values()) if child is not None else set()
        if not found:
            raise FhirPathError(
                f"{' and '.join(sorted(source)[:3])} has no element {tree.name}",
                tree.at,
                fix="Correct the name; a choice such as value[x] is written value.",
                code=SEMANTIC,
            )
        return frozenset(found)

    def _named(self, name: str) -> Types:
        local = name.rpartition(".")[2]
        if self._model.is_type(local) and not name.startswith("System."):
            return frozenset((local,))
        return frozenset((f"System.{local}",)) if local in SYSTEM else None

    def _call(self, tree: Call, this: Types) -> Types:
        source = self.types(tree.source, this)
        if tree.name in ("ofType", "as"):
            return self._named(specifier(tree.arguments[0])) if tree.arguments else None
        if tree.name == "is":
            return _BOOLEAN
        inner = source if tree.name in _PER_ITEM or tree.name == "iif" else this
        found = [self.types(argument, inner) for argument in tree.arguments]
        if tree.name == "iif":
            self._criterion(tree, found)
            return _merged(found[1:])
        if tree.name == "select" and found:
            return found[0]
        if tree.name == "extension":
            return frozenset(("Extension",))
        if tree.name in ("union", "combine") and found:
            return _merged([source, found[0]])
        return source if tree.name in _SAME else None

    def _criterion(self, tree: Call, found: list[Types]) -> None:
        kinds = found[0] if found else None
        if kinds and all(kind.startswith("System.") and kind != "System.Boolean" for kind in kinds):
            raise FhirPathError(
                "The criterion of iif() is never a Boolean",
                tree.at,
                fix="Write a comparison or exists().",
                code=SEMANTIC,
            )


def _merged(found: list[Types]) -> Types:
    merged: frozenset[str] = frozenset()
    for types in found:
        if types is None:
            return None
        merged |= types
    return merged
