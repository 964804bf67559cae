"""An effect: what a step or a request wants written, as data.

It is validated and sealed beforehand and applied by one SQL function (sql/effect.sql), together
with its audit rows, its events and, for a step, its journal row. Nothing is half applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from careloom.types import JsonObject


@dataclass(slots=True)
class Effect:
    """Operations in order; a body is sealed bytes that an operation names by its index."""

    ops: list[JsonObject] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def add(self, op: str, **values: object) -> None:
        """Add one operation, for example `add("message.record", channel="slack", …)`."""
        self.ops.append({"op": op, **values})

    def add_body(self, sealed: bytes) -> int:
        """Keep sealed bytes and return the index by which an operation names them."""
        self.bodies.append(sealed)
        return len(self.bodies) - 1

    def extend(self, other: Effect) -> None:
        """Append another effect, moving its body indexes."""
        self.ops.extend(shifted(other.ops, len(self.bodies)))
        self.bodies.extend(other.bodies)

    def __bool__(self) -> bool:
        return bool(self.ops)


def shifted(ops: Iterable[JsonObject], offset: int) -> list[JsonObject]:
    """The operations with the bodies they name (`body`, `bodies`) `offset` places further on."""
    return [_shifted(op, offset) for op in ops]


def _shifted(op: JsonObject, offset: int) -> JsonObject:
    moved = {**op, "body": op["body"] + offset} if "body" in op else op
    if "bodies" not in op:
        return moved
    return {**moved, "bodies": {name: index + offset for name, index in op["bodies"].items()}}
