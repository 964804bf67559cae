"""What a run queues for: the order and the limit that its definition asks for, as keys.

The keys are hashes, so that the queues hold nothing of a patient. They are made once, when the run
is born, from what it is started with; store/sql/admission.sql does the rest.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import orjson

from careloom.types import Json, JsonObject, Scope
from careloom.workflows.definition import Definition
from careloom.workflows.expressions import Template, compile_template


def gate_of(scope: Scope, definition: Definition, trigger: JsonObject) -> JsonObject | None:
    """`{order, key, limit}` for the run's row, or None when nothing holds it up.

    Raises ExpressionError when a key cannot be told from the trigger: a run whose order is unknown
    must not overtake another. An order key that is null puts the run in no order.
    """
    gate: JsonObject = {}
    if definition.order_by is not None:
        order = _render(definition.order_by, trigger)
        if order is not None:
            gate["order"] = _hashed(scope, definition.id, "order", order)
    limit = definition.concurrency
    if limit is not None:
        key = None if limit.key is None else _render(limit.key, trigger)
        gate |= {"limit": limit.limit, "key": _hashed(scope, definition.id, "limit", key)}
    return gate or None


def gated(scope: Scope, definition: Definition, fields: JsonObject, trigger: JsonObject) -> None:
    """Add the gate to the fields of a run that is about to be born; `queued` in its actor lets the
    worker that closes it look for the next."""
    gate = gate_of(scope, definition, trigger)
    if gate is not None:
        fields["gate"] = gate
        fields["actor"] = {**fields["actor"], "queued": True}


def _render(text: str, trigger: JsonObject) -> Json:
    value = _template(text).render({"trigger": trigger})
    # A patient is one and the same, named by id or by reference.
    return value.removeprefix("Patient/") if isinstance(value, str) else value


@lru_cache(maxsize=1024)
def _template(text: str) -> Template:
    return compile_template(text)


def _hashed(scope: Scope, workflow_id: str, kind: str, value: Json) -> str:
    place = f"{scope.tenant}\0{scope.store}\0{workflow_id}\0{kind}\0".encode()
    return hashlib.sha256(place + orjson.dumps(value)).hexdigest()[:40]
