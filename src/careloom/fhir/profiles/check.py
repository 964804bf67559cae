"""Holds a resource against a profile: http://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.definitions import Definitions
from careloom.fhir.fhirpath_model import TYPE_ONLY
from careloom.fhir.invariants import Holds, general
from careloom.fhir.issue import Issue
from careloom.fhir.profiles.bearing import base_keys
from careloom.fhir.profiles.compilation import TYPE_PREFIX
from careloom.fhir.profiles.environment import CHECKED, Environment
from careloom.fhir.profiles.items import Item, items_of, matches_fixed, matches_pattern, target_type
from careloom.fhir.profiles.slicing import Slicer
from careloom.fhir.profiles.tree import ABSENT, Node, Profile
from careloom.fhir.quick_rules import Scene
from careloom.fhir.resource import serialize
from careloom.fhirpath import Hooks
from careloom.types import JsonObject

MOST_DEPTH = 60


class ProfileCheck:
    """One check of one resource; `issues` holds what was found."""

    def __init__(
        self, env: Environment, definitions: Definitions, scene: Scene, *, advice: bool, most: int
    ) -> None:
        """With `advice` warnings are given too: codes outside of extensible value sets, what is
        not loaded, and rules that are best practice."""
        self.issues: list[Issue] = []
        self._env = env
        self._definitions = definitions
        self._scene = scene
        self._advice = advice
        self._most = most
        self._depth = 0
        self._seen: set[tuple[str, str]] = set()
        self._hooks = Hooks(
            resolve=TYPE_ONLY.resolve,
            member_of=lambda value, value_set: env.is_bound(value_set, value),
            conforms_to=self._is_of,
        )

    def check(self, profile: Profile, item: Item) -> None:
        """Look at a resource, or at a value of a type that has a profile of its own."""
        if item.type and profile.type != item.type:
            self._error(
                "invalid",
                item.path,
                f"The profile is one of {profile.type}",
                "name a profile of this type",
                profile,
                profile.root,
            )
            return
        if self._depth > MOST_DEPTH:
            return
        self._depth += 1
        self._constraints(profile, profile.root, item)
        self._children(profile, profile.root, item)
        self._depth -= 1

    def _children(self, profile: Profile, node: Node, item: Item) -> None:
        for child in profile.children(node).values():
            if not (child.may_err or (self._advice and child.may_warn)):
                continue
            items = items_of(item.value, child, item.path, self._definitions)
            place = f"{item.path}.{child.name}"
            self._cardinality(profile, child, items, place)
            for one in items:
                self._value(profile, child, one)
            if child.slices:
                self._slices(profile, child, items, place)

    def _slices(self, profile: Profile, node: Node, items: list[Item], place: str) -> None:
        slicer = Slicer(profile, self._env, self._definitions, self._conforms)
        slicing = slicer.slicing(node)
        if slicing is None:
            return
        members: dict[str, list[Item]] = {name: [] for name in node.slices}
        order = list(node.slices)
        last = -1
        for item in items:
            name = next((n for n in order if slicer.belongs(slicing, node.slices[n], item)), None)
            if name is None:
                if slicing.rules == "closed":
                    message = "This is in no slice of the profile, and no other is allowed"
                    fix = f"allowed: {', '.join(order[:8])}"
                    self._error("structure", item.path, message, fix, profile, node)
                continue
            members[name].append(item)
            if slicing.is_ordered and order.index(name) < last:
                fix = f"the order is {', '.join(order[:8])}"
                self._error(
                    "structure", item.path, "The slices are out of order", fix, profile, node
                )
            last = max(last, order.index(name))
        for name, one in node.slices.items():
            self._cardinality(profile, one, members[name], place)
            for item in members[name]:
                self._value(profile, one, item)
            if one.slices:
                self._slices(profile, one, members[name], place)

    def _cardinality(self, profile: Profile, node: Node, items: list[Item], place: str) -> None:
        what = f"{node.name} ({node.slice_name})" if node.slice_name else node.name
        if len(items) < node.min:
            known = self._wanted(node)
            message = f"The profile needs {what} at least {node.min} time" + "s" * (node.min > 1)
            self._error("required", place, message, known, profile, node)
        elif node.max is not None and len(items) > node.max:
            message = f"The profile allows {what} at most {node.max} time" + "s" * (node.max != 1)
            fix = "remove it" if node.max == 0 else "keep fewer"
            self._error("structure", place, message, fix, profile, node)

    def _wanted(self, node: Node) -> str:
        if node.name in ("extension", "modifierExtension") and node.types.get("Extension"):
            return f"add the extension {node.types['Extension'][0]}"
        kinds = ", ".join(list(node.types)[:6])
        return f"add it, as {kinds}" if node.is_choice and kinds else "add it"

    def _value(self, profile: Profile, node: Node, item: Item) -> None:
        if node.is_choice and node.types and item.type not in node.types:
            fix = f"allowed: {', '.join(list(node.types)[:8])}"
            self._error(
                "structure",
                item.path,
                "The profile allows no value of this type",
                fix,
                profile,
                node,
            )
            return
        if item.value is not None:
            self._fixed(profile, node, item)
            self._limits(profile, node, item)
            self._binding(profile, node, item)
            self._targets(profile, node, item)
        self._constraints(profile, node, item)
        self._typed(profile, node, item)
        self._children(profile, node, item)

    def _fixed(self, profile: Profile, node: Node, item: Item) -> None:
        if node.fixed is not ABSENT and not matches_fixed(node.fixed, item.value):
            fix = f"it is {_shown(node.fixed)}"
            self._error("value", item.path, "The profile fixes this value", fix, profile, node)
        if node.pattern is not ABSENT and not matches_pattern(node.pattern, item.value):
            fix = f"it has {_shown(node.pattern)}"
            self._error(
                "value", item.path, "The value has not the profile's pattern", fix, profile, node
            )

    def _limits(self, profile: Profile, node: Node, item: Item) -> None:
        value = item.value
        if node.max_length is not None and isinstance(value, str) and len(value) > node.max_length:
            fix = f"at most {node.max_length} characters"
            self._error("too-long", item.path, "The text is too long", fix, profile, node)
        for limit, is_low in ((node.low, True), (node.high, False)):
            if isinstance(limit, bool) or type(limit) not in (int, float, str):
                continue
            if isinstance(value, str) is not isinstance(limit, str) or isinstance(value, dict):
                continue
            if value < limit if is_low else value > limit:
                fix = f"{'at least' if is_low else 'at most'} {limit}"
                self._error("value", item.path, "The value is out of range", fix, profile, node)

    def _binding(self, profile: Profile, node: Node, item: Item) -> None:
        if node.binding is None or node.binding[0] not in CHECKED:
            return
        strength, value_set = node.binding
        verdict = self._env.is_bound(value_set, item.value)
        if verdict is None:
            message = "The code cannot be checked: the value set or its code system is not loaded"
            self._warn("not-found", item.path, message, f"load {value_set}", profile, node)
        elif verdict is False and strength == "required":
            message = "The code is not in the required value set"
            self._error(
                "code-invalid", item.path, message, f"use a code of {value_set}", profile, node
            )
        elif verdict is False:
            message = "The code is not in the value set, which should be used where it has a code"
            self._warn("code-invalid", item.path, message, f"see {value_set}", profile, node)

    def _targets(self, profile: Profile, node: Node, item: Item) -> None:
        """By type only: what a reference points at is not read."""
        kind = target_type(item.value) if node.targets and item.type == "Reference" else None
        if kind is None or not self._definitions.is_resource(kind):
            return
        allowed = {self._target(canonical) for canonical in node.targets}
        if kind not in allowed and None not in allowed and "Resource" not in allowed:
            fix = f"allowed: {', '.join(sorted(str(one) for one in allowed))}"
            message = f"The profile allows no reference to {kind} here"
            self._error("value", f"{item.path}.reference", message, fix, profile, node)

    def _target(self, canonical: str) -> str | None:
        known = self._env.profile(canonical)
        if known is not None:
            return known.type
        kind = canonical.removeprefix(TYPE_PREFIX)
        return kind if self._definitions.is_resource(kind) or kind == "Resource" else None

    def _typed(self, profile: Profile, node: Node, item: Item) -> None:
        """A type with profiles: the value meets one of them."""
        canonicals = node.types.get(item.type) or (
            node.types.get("Resource", ()) if "Resource" in node.types else ()
        )
        known = [p for p in map(self._env.profile, canonicals) if p is not None]
        for canonical in canonicals:
            if self._env.profile(canonical) is None:
                message = "The profile of this value is not loaded"
                self._warn("not-found", item.path, message, f"load {canonical}", profile, node)
        if not known or len(known) < len(canonicals):
            return
        if len(known) == 1:
            self.check(known[0], item)
        elif not any(self._meets(one, item) for one in known):
            fix = f"meet one of {', '.join(one.url for one in known[:5])}"
            self._error(
                "structure", item.path, "The value meets no allowed profile", fix, profile, node
            )

    def _is_of(self, resource: JsonObject, canonical: str) -> bool | None:
        """For conformsTo() in a rule."""
        kind = str(resource.get("resourceType", ""))
        if self._env.profile(canonical) is None:
            return None
        return self._conforms(canonical, Item(resource, kind, kind))

    def _conforms(self, canonical: str, item: Item) -> bool:
        known = self._env.profile(canonical)
        return known is not None and self._meets(known, item)

    def _meets(self, profile: Profile, item: Item) -> bool:
        trial = ProfileCheck(self._env, self._definitions, self._scene, advice=False, most=1)
        trial._depth = self._depth
        trial.check(profile, item)
        return not trial.issues

    def _constraints(self, profile: Profile, node: Node, item: Item) -> None:
        for rule in node.constraints:
            if rule["key"] in base_keys() or (rule["severity"] != "error" and not self._advice):
                continue
            if not self._holds(rule, profile, node, item):
                message = f"{rule['human']} ({rule['key']})"
                fix = f"this must be true: {rule['expression']}"
                add = self._error if rule["severity"] == "error" else self._warn
                add("invariant", item.path, message, fix, profile, node, rule["key"])

    def _holds(self, rule: JsonObject, profile: Profile, node: Node, item: Item) -> bool:
        kind = self._kind(profile, node, item)
        try:
            holds: Holds = general(rule["expression"], kind, hooks=self._hooks)
        except InvalidInput:
            if self._advice:
                self.issues.append(
                    Issue(
                        "warning",
                        "not-supported",
                        item.path,
                        f"The rule {rule['key']} cannot be read",
                        "correct its expression in the profile",
                        rule["key"],
                    )
                )
            return True
        return holds(item.value, self._scene)

    def _kind(self, profile: Profile, node: Node, item: Item) -> str:
        """The type of a value as the definitions name it: Observation.component, not its base."""
        if item.type not in ("", "BackboneElement", "Element"):
            return item.type
        steps = [step.partition(":")[0].removesuffix("[x]") for step in node.id.split(".")]
        stated = self._definitions.element(steps[0], ".".join(steps[1:])) if steps[1:] else None
        return profile.type if stated is None else stated.types[0]

    def _error(
        self,
        code: str,
        path: str,
        message: str,
        fix: str,
        profile: Profile,
        node: Node,
        rule: str = "",
    ) -> None:
        self._add("error", code, path, message, fix, rule or f"{profile.url}#{node.id}")

    def _warn(
        self,
        code: str,
        path: str,
        message: str,
        fix: str,
        profile: Profile,
        node: Node,
        rule: str = "",
    ) -> None:
        if self._advice:
            self._add("warning", code, path, message, fix, rule or f"{profile.url}#{node.id}")

    def _add(self, severity: str, code: str, path: str, message: str, fix: str, rule: str) -> None:
        """Once for each place: a slice repeats what its element says."""
        if (path, message) not in self._seen and len(self.issues) < self._most:
            self._seen.add((path, message))
            self.issues.append(Issue(severity, code, path, message, fix, rule))


def _shown(value: Any) -> str:
    """A value of the profile, which is no patient data, cut to a line."""
    return serialize(value).decode()[:200]
