"""A PlanDefinition applied to a subject: a CarePlan, with the RequestGroup and requests in it.

http://hl7.org/fhir/R4/plandefinition.html#12.18.4.3. Conditions and dynamic values are FHIRPath;
a plan that needs another language is refused as a whole, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from careloom.errors import Unprocessable
from careloom.fhir.forms.expressions import Surroundings, Unevaluated
from careloom.fhir.forms.setting import Misplaced, put
from careloom.fhir.plans.activity import Parties, canonical_of, request_of
from careloom.fhir.resource import instant, now
from careloom.types import JsonObject

MOST_NESTED = 10
MOST_MADE = 1000
_COPIED = (
    *("prefix", "title", "description", "textEquivalent", "priority", "code", "documentation"),
    *("groupingBehavior", "selectionBehavior", "requiredBehavior", "precheckBehavior"),
    *("cardinalityBehavior", "type"),
)
"""Elements that an action of a plan and one of a RequestGroup share."""
_ROLES = {"patient": "subject", "practitioner": "practitioner"}
Find = Callable[[str, str], Awaitable[JsonObject]]
"""The stored definition of a type and canonical URL."""


class Application:
    """Applies one plan; `contained` grows."""

    def __init__(self, around: Surroundings, parties: Parties, find: Find) -> None:
        self._around = around
        self._definitions = around.fhir.context.definitions
        self._parties = parties
        self._find = find
        self._path: list[str] = []
        self.contained: list[JsonObject] = []

    async def care_plan(self, plan: JsonObject) -> JsonObject:
        """The CarePlan; raises Unprocessable for what cannot be applied."""
        group = await self._group(plan)
        made: JsonObject = {"resourceType": "CarePlan"}
        goals = [self._kept(one) for one in self._goals(plan)]
        activity = [{"reference": {"reference": self._kept(group)}}]
        made["contained"] = self.contained
        made |= self._instantiates(plan)
        made |= {"status": "draft", "intent": "proposal"}
        made |= {name: plan[name] for name in ("title", "description") if name in plan}
        made["subject"] = {"reference": self._parties.subject}
        if self._parties.encounter is not None:
            made["encounter"] = {"reference": self._parties.encounter}
        made["created"] = instant(now())
        if self._parties.author is not None:
            made["author"] = {"reference": self._parties.author}
        if goals:
            made["goal"] = [{"reference": one} for one in goals]
        return {**made, "activity": activity}

    def _kept(self, resource: JsonObject) -> str:
        """Contain a resource; the reference to it."""
        if len(self.contained) >= MOST_MADE:
            raise _refused(f"a plan makes at most {MOST_MADE} requests")
        id = f"{resource['resourceType'].lower()}-{len(self.contained) + 1}"
        kept = {"resourceType": resource["resourceType"], "id": id}
        self.contained.append({**kept, **resource, "id": id})
        return f"#{id}"

    @staticmethod
    def _instantiates(plan: JsonObject) -> JsonObject:
        return {"instantiatesCanonical": [canonical_of(plan)]} if "url" in plan else {}

    def _goals(self, plan: JsonObject) -> list[JsonObject]:
        copied = {"category": "category", "priority": "priority", "description": "description"}
        made = []
        for goal in plan.get("goal", ()):
            one: JsonObject = {"resourceType": "Goal", "lifecycleStatus": "proposed"}
            one |= {name: goal[key] for key, name in copied.items() if key in goal}
            if isinstance(one.get("category"), dict):
                one["category"] = [one["category"]]
            one["subject"] = {"reference": self._parties.subject}
            if "start" in goal:
                one["startCodeableConcept"] = goal["start"]
            targets = [
                {("dueDuration" if key == "due" else key): value for key, value in target.items()}
                for target in goal.get("target", ())
            ]
            made.append({**one, "target": targets} if targets else one)
        return made

    async def _group(self, plan: JsonObject) -> JsonObject:
        """The RequestGroup of a plan."""
        name = str(plan.get("url", plan.get("id", "")))
        if name in self._path or len(self._path) >= MOST_NESTED:
            raise _refused("a plan names itself, or plans are nested too deep")
        self._path.append(name)
        made: JsonObject = {
            "resourceType": "RequestGroup",
            **self._instantiates(plan),
            "status": "draft",
            "intent": "proposal",
            "subject": {"reference": self._parties.subject},
            "authoredOn": instant(now()),
        }
        if self._parties.encounter is not None:
            made["encounter"] = {"reference": self._parties.encounter}
        if self._parties.author is not None:
            made["author"] = {"reference": self._parties.author}
        actions = await self._actions(plan, "PlanDefinition")
        self._path.pop()
        if actions:
            made["action"] = _without_loose_ends(actions)
        return made

    async def _actions(self, holder: JsonObject, place: str) -> list[JsonObject]:
        found = []
        for number, action in enumerate(holder.get("action", ())):
            at = f"{place}.action[{number}]"
            if await self._applies(action, at):
                found.append(await self._action(action, at))
        return found

    async def _applies(self, action: JsonObject, place: str) -> bool:
        for number, condition in enumerate(action.get("condition", ())):
            if condition.get("kind") != "applicability":
                continue
            at = f"{place}.condition[{number}].expression"
            values = await self._evaluated(condition.get("expression"), at)
            if [one.value for one in values] != [True]:
                return False
        return True

    async def _evaluated(self, expression: Any, place: str) -> list[Any]:
        subject = self._around.resource
        try:
            return await self._around.evaluated(expression, subject)
        except Unevaluated as error:
            raise Unprocessable(
                f"The plan cannot be applied: {error}",
                code="expression_not_served",
                path=place,
                fix="write the expression as FHIRPath over %subject, %encounter or %practitioner",
            ) from error

    async def _action(self, action: JsonObject, place: str) -> JsonObject:
        made: JsonObject = {"id": action["id"]} if "id" in action else {}
        for name in _COPIED:
            if name in action:
                made[name] = action[name]
        if isinstance(made.get("code"), dict):
            made["code"] = [made["code"]]
        kept = [one for one in action.get("condition", ()) if one.get("kind") != "applicability"]
        if kept:
            made["condition"] = kept
        if "relatedAction" in action:
            made["relatedAction"] = action["relatedAction"]
        made |= {key: action[key] for key in action if key.startswith("timing")}
        people = [self._participant(one) for one in action.get("participant", ())]
        if any(people):
            made["participant"] = [one for one in people if one is not None]
        resource = await self._defined(action)
        inner = await self._actions(action, place)
        if resource is None and not inner:
            resource = self._task(action)
        await self._set(action, made, resource, place)
        if inner:
            made["action"] = inner
        if resource is not None and not inner:
            made["resource"] = {"reference": self._kept(resource)}
        elif resource is not None:
            # An action has a resource or actions: the resource becomes one of them.
            made["action"] = [{"resource": {"reference": self._kept(resource)}}, *inner]
        return made

    def _task(self, action: JsonObject) -> JsonObject:
        """An action without a definition of ours is something to do in its own words."""
        names = ("textEquivalent", "description", "title")
        words = next((action[name] for name in names if name in action), None)
        described: JsonObject = {"kind": "Task", "description": words}
        made = request_of(self._definitions, described, self._parties)
        if "definitionUri" in action:
            made["instantiatesUri"] = action["definitionUri"]
        return made

    def _participant(self, one: JsonObject) -> JsonObject | None:
        role = _ROLES.get(str(one.get("type")))
        reference = None if role is None else getattr(self._parties, role)
        return None if reference is None else {"reference": reference}

    async def _defined(self, action: JsonObject) -> JsonObject | None:
        """What the definition of an action makes."""
        canonical = action.get("definitionCanonical")
        if not isinstance(canonical, str):
            return None
        if "/PlanDefinition/" in canonical:
            return await self._group(await self._find("PlanDefinition", canonical))
        if "/Questionnaire/" in canonical:
            task: JsonObject = {"kind": "Task", "code": {"text": "Fill in the Questionnaire"}}
            made = request_of(self._definitions, task, self._parties)
            asked = {"type": {"text": "Questionnaire"}, "valueCanonical": canonical}
            return {**made, "input": [asked]}
        activity = await self._find("ActivityDefinition", canonical)
        made = request_of(self._definitions, activity, self._parties)
        await self._set(activity, {}, made, "ActivityDefinition")
        return made

    async def _set(
        self, definition: JsonObject, action: JsonObject, resource: JsonObject | None, place: str
    ) -> None:
        """Dynamic values: into the resource, or into the action where the path says so."""
        for number, dynamic in enumerate(definition.get("dynamicValue", ())):
            at = f"{place}.dynamicValue[{number}]"
            steps = str(dynamic.get("path", "")).removeprefix("%").split(".")
            holder, kind = resource, "" if resource is None else str(resource["resourceType"])
            if steps[0] == "action":
                holder, kind, steps = action, "RequestGroup.action", steps[1:]
            elif steps[0] == kind:
                steps = steps[1:]
            if holder is None or not all(steps):
                raise Unprocessable("The path of a dynamic value leads nowhere", path=f"{at}.path")
            values = await self._evaluated(dynamic.get("expression"), f"{at}.expression")
            for one in values:
                try:
                    put(self._definitions, holder, kind, steps, one.value)
                except Misplaced as error:
                    raise Unprocessable(f"A dynamic value: {error}", path=f"{at}.path") from error


def _without_loose_ends(actions: list[JsonObject]) -> list[JsonObject]:
    """Relations to actions that do not apply are left out."""
    known: set[str] = set()
    stack = list(actions)
    while stack:
        one = stack.pop()
        known.add(str(one.get("id")))
        stack += one.get("action", ())

    def kept(one: JsonObject) -> JsonObject:
        related = [r for r in one.get("relatedAction", ()) if r.get("actionId") in known]
        made = {key: value for key, value in one.items() if key != "relatedAction"}
        if related:
            made["relatedAction"] = related
        if "action" in one:
            made["action"] = [kept(inner) for inner in one["action"]]
        return made

    return [kept(one) for one in actions]


def _refused(why: str) -> Unprocessable:
    return Unprocessable(f"The plan cannot be applied: {why}", code="plan_too_deep")
