"""Workflows by chance: probes that succeed, fail or need several attempts, inside every control
step, nested. The chance is a `random.Random`: a plain one for many, hypothesis's for shrinking."""

from __future__ import annotations

from random import Random
from typing import Any

JsonObject = dict[str, Any]
PLANS = (["ok"],) * 5 + (["again", "ok"], ["again", "again", "ok"], ["no"], ["again"])
ITEMS: tuple[Any, ...] = (1, "x", None, {"k": 2})
JOINS: tuple[Any, ...] = ("all", "all", "any", "settled", {"atLeast": 2})
MAX_DEPTH = 3


def workflow(chance: Random, size: int) -> JsonObject:
    """A whole definition with up to `size` steps beside each other at its top."""
    return _Drawn(chance).definition(chance.randint(1, size))


class _Drawn:
    """One workflow; its step ids are unique."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def definition(self, size: int) -> JsonObject:
        seen: list[str] = []
        definition: JsonObject = {"steps": self.steps(seen, 0, False, size)}
        if self.chance.random() < 0.5:
            definition["onFailure"] = "rollback"
            for step in _probes(definition["steps"]):
                step["compensate"] = self.undo()
        if seen:
            definition["output"] = {"last": f"{{{{steps.{seen[-1]}.output.said}}}}"}
        return definition

    def undo(self) -> Any:
        if self.chance.random() < 0.5:
            return "none"
        return [{"id": self.new(), "type": "probe", "plan": ["ok"], "say": 0, "write": True}]

    def steps(self, seen: list[str], depth: int, loop: bool, size: int = 3) -> list[JsonObject]:
        """A list; `seen` gathers the probes whose word later steps may read."""
        count = size if depth == 0 else self.chance.randint(1, size)
        return [self.step(seen, depth, loop) for _ in range(count)]

    def step(self, seen: list[str], depth: int, loop: bool) -> JsonObject:
        kinds = ["probe"] * 4
        if depth < MAX_DEPTH:
            kinds += ["if", "switch", "parallel", "parallel", "foreach", "foreach"]
        kind = self.chance.choice(kinds)
        identity = self.new()
        if kind == "probe":
            return self.probe(identity, seen, depth, loop)
        if kind == "if":
            step: JsonObject = {
                "id": identity,
                "type": "if",
                "condition": self.chance.random() < 0.5,
            }
            step["then"] = self.steps(list(seen), depth + 1, loop)
            if self.chance.random() < 0.5:
                step["else"] = self.steps(list(seen), depth + 1, loop)
            return step
        if kind == "switch":
            return self.switch(identity, seen, depth, loop)
        if kind == "parallel":
            step = self.parallel(identity, seen, depth, loop)
        else:
            step = self.foreach(identity, seen, depth)
        return self.handled(step, seen, depth, loop)

    def switch(self, identity: str, seen: list[str], depth: int, loop: bool) -> JsonObject:
        return {
            "id": identity,
            "type": "switch",
            "value": self.chance.choice(["a", "b", "c", "{{trigger.letter}}"]),
            "cases": {name: self.steps(list(seen), depth + 1, loop) for name in ("a", "b")},
            "default": self.steps(list(seen), depth + 1, loop),
        }

    def probe(self, identity: str, seen: list[str], depth: int, loop: bool) -> JsonObject:
        words: list[Any] = [1, "word", {"deep": [1, None]}, "{{trigger.number}}"]
        words += [f"{{{{steps.{other}.output.said}}}}" for other in seen[-2:]]
        words += ["{{item}}"] if loop else []
        step: JsonObject = {
            "id": identity,
            "type": "probe",
            "plan": self.chance.choice(PLANS),
            "say": self.chance.choice(words),
            "write": self.chance.random() < 0.5,
            "retry": {"attempts": 3, "initial": "1ms", "max": "2ms"},
        }
        certain = "ok" in step["plan"]
        draw = self.chance.randint(0, 9)
        if draw == 0:
            step["when"] = self.chance.choice(["true", "false"])
            certain = certain and step["when"] == "true"
        elif draw in (1, 2):
            step["onError"] = "continue"
        elif draw in (3, 4, 5) and depth < MAX_DEPTH:
            step["fallback"] = self.steps(list(seen), depth + 1, loop)
        if certain:
            seen.append(identity)
        return step

    def parallel(self, identity: str, seen: list[str], depth: int, loop: bool) -> JsonObject:
        return {
            "id": identity,
            "type": "parallel",
            "join": self.chance.choice(JOINS),
            "branches": {
                f"b{number}": self.steps(list(seen), depth + 1, loop)
                for number in range(self.chance.randint(2, 4))
            },
        }

    def foreach(self, identity: str, seen: list[str], depth: int) -> JsonObject:
        return {
            "id": identity,
            "type": "foreach",
            "items": [self.chance.choice(ITEMS) for _ in range(self.chance.randint(0, 4))],
            "concurrency": self.chance.randint(1, 3),
            "onItemError": self.chance.choice(["fail", "continue"]),
            "steps": self.steps(list(seen), depth + 1, True),
        }

    def handled(self, step: JsonObject, seen: list[str], depth: int, loop: bool) -> JsonObject:
        """Sometimes with a way to go on after it failed."""
        draw = self.chance.randint(0, 4)
        if draw in (0, 1):
            step["onError"] = "continue"
        elif draw == 2 and depth < MAX_DEPTH:
            step["fallback"] = self.steps(list(seen), depth + 1, loop)
        return step


def _probes(steps: list[JsonObject]) -> list[JsonObject]:
    found = []
    for step in steps:
        if step["type"] == "probe":
            found.append(step)
        for inner in _inside(step):
            found += _probes(inner)
    return found


def _inside(step: JsonObject) -> list[list[JsonObject]]:
    lists = [step[key] for key in ("then", "else", "steps", "default", "fallback") if key in step]
    return [*lists, *step.get("branches", {}).values(), *step.get("cases", {}).values()]
