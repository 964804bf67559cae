"""A query as nodes: criteria by their types, and what the caller may see at every hop.

http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from careloom.errors import Forbidden, InvalidInput, Unavailable
from careloom.fhir.restriction import (
    EVERYTHING,
    Access,
    compartment_keys,
    hides,
    require_parameter,
)
from careloom.fhir.search.composites import (
    composite_leaf,
    near_leaf,
    paired,
    split_value,
)
from careloom.fhir.search.conditions import (
    INSTANT_CONDITIONS,
    date_bounds,
    of_criterion,
    split_prefix,
)
from careloom.fhir.search.extract import KIND
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.nodes import (
    NEVER,
    AllOf,
    AnyOf,
    Identity,
    Inside,
    Leaf,
    Link,
    Node,
    Not,
    Order,
    Present,
    Reverse,
    Updated,
)
from careloom.fhir.search.query import Chain, Criterion, Has, SearchQuery, SortKey, unescape
from careloom.fhir.search.query import Node as Asked

PERMISSION = "fhir:search"


class NodeCompiler:
    """Turns what is asked into nodes; the values go to `args`, of which e.v is made."""

    def __init__(
        self,
        index: SearchIndex,
        access: Access = EVERYTHING,
        *,
        pairs: bool = False,
        stale: bool = False,
    ) -> None:
        self._index = index
        self._pairs = pairs
        self._access = access
        self._stale = stale
        self.args: list[str] = []

    def place(self, value: str) -> str:
        """A place for a value."""
        self.args.append(value)
        return f"(e.v)[{len(self.args)}]"

    def nodes(self, resource_type: str, asked: Iterable[Asked]) -> tuple[Node, ...]:
        """All that must hold for resources of a type, the caller's restriction included.

        Raises Forbidden for a type or an element that the caller may not search.
        """
        rest = list(asked)
        restriction = self._access.require(resource_type, PERMISSION)
        made: list[Node] = []
        if restriction.compartment is not None:
            made.append(self.inside(resource_type, restriction.compartment))
        for one in rest:
            if not isinstance(one, Has):
                self.allow(resource_type, one.parameter.code)
        made += self._pair(resource_type, rest)
        for one in rest:
            node = self._node(resource_type, one)
            made += node.nodes if isinstance(node, AllOf) else [node]
        return _ranges_joined(made)

    def allow(self, resource_type: str, code: str) -> None:
        """Raise Forbidden when a parameter looks at what the caller may not see."""
        restriction = self._access.require(resource_type, PERMISSION)
        require_parameter(self._index.definitions, restriction, resource_type, code)

    def inside(self, resource_type: str, patients: Iterable[str]) -> Node:
        """The resource lies in the compartment of one of the patients."""
        ids = list(patients)
        if resource_type == "Patient":
            return Identity(tuple(self.place(id) for id in ids)) if ids else NEVER
        params = compartment_keys(self._index, resource_type)
        if not params or not ids:
            return NEVER
        return Inside(params, tuple(self.place(f"Patient/{id}") for id in ids))

    def asked_inside(self, resource_type: str, compartment: tuple[str, str]) -> Node:
        """The resource lies in the compartment (type and id) that a caller asks for: not by
        elements that it may not see."""
        kind, id = compartment
        if resource_type == kind:
            return Identity((self.place(id),))
        restriction = self._access.require(resource_type, PERMISSION)
        known = self._index.definitions
        seen = tuple(
            f"{resource_type}.{code}"
            for code in known.compartments[kind].get(resource_type, ())
            if not hides(known, restriction, resource_type, code)
        )
        return Inside(seen, (self.place(f"{kind}/{id}"),)) if seen else NEVER

    def order(self, key: SortKey) -> Order:
        """A key of _sort."""
        parameter = key.parameter
        self.allow(parameter.resource_type, parameter.code)
        kind = {"_id": "", "_lastUpdated": "u"}.get(parameter.code)
        if kind is None:
            kind = KIND[parameter.type]
        return Order(kind, parameter.key, key.descending, parameter.single)

    def _pair(self, resource_type: str, rest: list[Asked]) -> list[Node]:
        if not self._pairs:
            return []
        plain = [one for one in rest if isinstance(one, Criterion)]
        found = paired(resource_type, plain, self._index, self.place)
        if found is None:
            return []
        leaf, answered = found
        rest[:] = [one for one in rest if not any(one is other for other in answered)]
        return [leaf]

    def _node(self, resource_type: str, asked: Asked) -> Node:
        if isinstance(asked, Chain):
            linked = [
                Link(asked.parameter.key, target, self.nodes(target, [inner]))
                for target, inner in asked.targets
                if self._access(target, PERMISSION).allowed or len(asked.targets) == 1
            ]
            if not linked:
                self._access.require(asked.targets[0][0], PERMISSION)
            return linked[0] if len(linked) == 1 else AnyOf(tuple(linked))
        if isinstance(asked, Has):
            inner = self.nodes(asked.source, [asked.inner])
            self.allow(asked.source, asked.parameter.code)
            return Reverse(asked.source, asked.parameter.key, resource_type, inner)
        return self._criterion(asked)

    def _criterion(self, criterion: Criterion) -> Node:
        parameter, modifier = criterion.parameter, criterion.modifier
        if modifier == "missing":
            stored = parameter.code in ("_id", "_lastUpdated")
            present: Node = Present(KIND[parameter.type], parameter.key)
            if stored:
                present = AllOf(())
            elif parameter.type == "reference":
                logical = Present("t", f"{parameter.key}:identifier")
                present = AnyOf((present, logical))
            return Not(present) if is_true(criterion) else present
        if parameter.code == "_id":
            found: Node = Identity(tuple(self.place(unescape(v)) for v in criterion.values))
        elif parameter.code == "_lastUpdated":
            found = AnyOf(tuple(self._updated(value) for value in criterion.values))
        elif parameter.type == "composite":
            found = self._composite(criterion)
        elif parameter.type == "special":
            self._require_fresh(criterion)
            found = near_leaf(criterion, self.place)
        else:
            if criterion.asks_terminology and criterion.codes is None:
                raise InvalidInput(
                    f"{parameter.code}:{modifier} cannot be answered here",
                    code="modifier_not_supported",
                    path=parameter.code,
                    fix="name the codes",
                )
            found = of_criterion(criterion, self._index, self.place)
        return Not(found) if modifier in ("not", "not-in") else found

    def _updated(self, value: str) -> Node:
        prefix, text = split_prefix(value)
        low, high = date_bounds("_lastUpdated", prefix, text)
        lo, hi = f"{self.place(low)}::timestamptz", f"{self.place(high)}::timestamptz"
        return Updated(INSTANT_CONDITIONS[prefix].format(lo=lo, hi=hi, at="r.updated_at"))

    def _composite(self, criterion: Criterion) -> Node:
        parameter = criterion.parameter
        composite = parameter.composite
        assert composite is not None
        if composite.places:
            self._require_fresh(criterion)
        leaf = composite_leaf(criterion, self._index, self.place)
        if not composite.whole:
            return NEVER if leaf is None else leaf
        known = self._index.parameters(parameter.resource_type)
        wholes: list[Node] = []
        for value in criterion.values:
            parts = zip(composite.whole, split_value(parameter, value), strict=True)
            asked = [Criterion(known[code], "", (part,)) for code, part in parts]
            wholes.append(AllOf(tuple(self._criterion(one) for one in asked)))
        if leaf is None:
            return wholes[0] if len(wholes) == 1 else AnyOf(tuple(wholes))
        return AnyOf((*wholes, leaf))

    def _require_fresh(self, criterion: Criterion) -> None:
        if self._stale:
            raise Unavailable(
                f"{criterion.parameter.code}: the store's search index is not complete yet",
                code="reindex_needed",
                fix="run `careloom reindex` once after the upgrade",
            )


def _ranges_joined(nodes: list[Node]) -> tuple[Node, ...]:
    """The ends of one range as one condition: they meet in the same row, as there is only one."""
    kept: list[Node] = []
    for node in nodes:
        other = next((n for n, one in enumerate(kept) if _are_ends(one, node)), None)
        if other is None:
            kept.append(node)
            continue
        first = kept[other]
        assert isinstance(first, Leaf)
        assert isinstance(node, Leaf)
        both = (f"({first.conditions[0]} AND {node.conditions[0]})",)
        kept[other] = replace(first, conditions=both, rank=min(first.rank, node.rank))
    return tuple(kept)


def _are_ends(one: Node, other: Node) -> bool:
    return (
        isinstance(one, Leaf)
        and isinstance(other, Leaf)
        and (one.kind, one.param) == (other.kind, other.param)
        and one.single
        and len(one.conditions) == len(other.conditions) == 1
    )


def is_true(criterion: Criterion) -> bool:
    """The value of :missing; raises InvalidInput for another than true or false."""
    if criterion.values not in (("true",), ("false",)):
        code = criterion.parameter.code
        raise InvalidInput(f"{code}:missing is true or false", path=code)
    return criterion.values == ("true",)


def check_includes(index: SearchIndex, access: Access, query: SearchQuery) -> None:
    """Raise Forbidden for an include that names what the caller may not see."""
    for include in query.includes + query.revincludes:
        name = "_include" if include in query.includes else "_revinclude"
        for type in (include.source, include.target):
            if type and not access(type, PERMISSION).allowed:
                raise Forbidden(
                    f"An include names {type}, which this credential may not read", path=name
                )
        if include.parameter is not None:
            restriction = access(include.source, PERMISSION)
            code = include.parameter.code
            require_parameter(index.definitions, restriction, include.source, code)
