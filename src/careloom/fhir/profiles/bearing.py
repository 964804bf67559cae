"""Which nodes of a profile ask for more than their types do, so that a check passes the others by.

A snapshot repeats every element of its type; most of them say nothing new.
"""

from __future__ import annotations

from functools import cache

from careloom.fhir.definitions import Definitions, Element
from careloom.fhir.definitions.archive import load_invariants
from careloom.fhir.profiles.compilation import TYPE_PREFIX
from careloom.fhir.profiles.tree import ABSENT, Node, Profile


@cache
def base_keys() -> frozenset[str]:
    """Keys of R4's own invariants, which every write is held against anyway."""
    types, elements = load_invariants()
    return frozenset(
        rule[0] for rules in (types, elements) for listed in rules.values() for rule in listed
    )


def mark(profile: Profile, definitions: Definitions) -> None:
    """Say of each node whether it, or what is below it, may give errors or warnings."""
    seen: set[int] = set()
    for child in profile.root.children.values():
        _mark(profile, child, profile.type, definitions, seen)


def _mark(
    profile: Profile, node: Node, owner: str, definitions: Definitions, seen: set[int]
) -> None:
    """`owner` is the type that has the element; empty where several types are possible."""
    if id(node) in seen:
        return
    seen.add(id(node))
    stated = definitions.elements(owner).get(node.name) if owner else None
    kind = _kind(node, stated)
    node.may_err = _errs(node, stated)
    node.may_warn = _warns(node)
    below = list(profile.children(node).values()) + list(node.slices.values())
    for child in profile.children(node).values():
        _mark(profile, child, kind, definitions, seen)
    for one in node.slices.values():
        _mark(profile, one, owner, definitions, seen)
        one.may_err = True
    node.may_err = node.may_err or any(one.may_err for one in below)
    node.may_warn = node.may_warn or any(one.may_warn for one in below)


def _kind(node: Node, stated: Element | None) -> str:
    if stated is not None and len(stated.types) == 1:
        return stated.types[0]
    return next(iter(node.types)) if len(node.types) == 1 else ""


def _errs(node: Node, stated: Element | None) -> bool:
    """Whether the node itself asks for more than the definition of its element."""
    if node.fixed is not ABSENT or node.pattern is not ABSENT or node.slices:
        return True
    if node.max_length is not None or node.low is not None or node.high is not None:
        return True
    if node.binding is not None and node.binding[0] == "required":
        return True
    if any(r["severity"] == "error" and r["key"] not in base_keys() for r in node.constraints):
        return True
    if any(node.types.values()) or node.same_as is not None:
        return True
    if stated is None:
        return node.min > 0 or node.max is not None or bool(node.targets)
    if node.min > stated.min:
        return True
    if node.max is not None and (stated.is_list or node.max == 0):
        return True
    if stated.is_choice and node.types and set(node.types) != set(stated.types):
        return True
    allowed = {target.removeprefix(TYPE_PREFIX) for target in node.targets}
    return bool(allowed) and allowed != set(stated.targets) and "Resource" not in allowed


def _warns(node: Node) -> bool:
    if node.binding is not None and node.binding[0] != "preferred":
        return True
    return any(r["key"] not in base_keys() for r in node.constraints) or any(node.types.values())
