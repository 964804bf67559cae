"""What becomes of a step whose effects are off, or may not leave the house.

`run`: it reads or computes inside the house, and is carried out. `plan`: what it wants written is
in its effect alone, so it is carried out and the effect thrown away. `say`: it is not carried out;
what it would be given is shown instead.
"""

from __future__ import annotations

from typing import Literal

from careloom.store.effect import Effect
from careloom.types import JsonObject
from careloom.workflows.step import is_computed, stays_inside

How = Literal["run", "plan", "say"]


def how(schema: JsonObject, given: JsonObject) -> How:
    """By the step's schema and what the step would be given."""
    if is_computed(schema, given):
        return "run"
    planned = schema.get("planned")
    if isinstance(planned, dict) and all(given.get(name) is None for name in planned["unless"]):
        return "plan"
    return "say"


def leaves(schema: JsonObject, given: JsonObject) -> bool:
    """Whether the step calls something outside the house, other than by messages, which can be
    captured."""
    if not stays_inside(schema, given):
        return True
    if not schema.get("egress", False) or set(schema.get("effects", ())) <= {"message", "task"}:
        return False
    return how(schema, given) == "say"


def goes_out(schema: JsonObject, given: JsonObject) -> str:
    """What a step that leaves the house would do there, in words."""
    if stays_inside(schema, given):
        return "calls something outside this house"
    model = given.get("model")
    whose = f"the model {model}" if model else f"the model of the worker {given.get('worker')}"
    return f"would ask {whose}, which is outside this house"


def kept_inside(effect: Effect) -> Effect:
    """The effect with messages that would be sent later captured instead."""
    ops = [
        {**op, "state": "captured", "connection": None}
        if op["op"] == "message.record" and op.get("state") == "pending"
        else op
        for op in effect.ops
    ]
    return Effect(ops, effect.bodies)


_WORDS = {
    "fhir.put": "write",
    "fhir.delete": "delete",
    "message.record": "send a message",
    "task.create": "ask a person",
    "run.start": "start a run",
    "incident.open": "open an incident",
}


def in_words(effect: Effect) -> list[JsonObject]:
    """What an effect would write, for people; without bodies, which are sealed."""
    said = []
    for op in effect.ops:
        words = _WORDS.get(op["op"])
        if words is None:
            continue
        kind = op.get("type") or op.get("resourceType") or op.get("channel")
        target = f"{kind}/{op['id']}" if op["op"].startswith("fhir.") and "id" in op else kind
        said.append({"op": op["op"], "words": f"{words} {target or ''}".strip()})
    return said
