"""What an evaluation carries along: $this, variables, hooks, the clock and the limits."""

from __future__ import annotations

import datetime as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from careloom.fhirpath.errors import FhirPathError, too_costly
from careloom.fhirpath.model import Model
from careloom.fhirpath.temporal import Temporal, from_clock
from careloom.fhirpath.values import Element

Trace = Callable[[str, list[Any]], None]
Run = Callable[["Env"], list[Any]]
"""A compiled expression: the collection that it gives in an environment."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """The only ways out of an expression; what is None is not offered to it.

    `resolve` takes a reference and the item that carries it and gives the resource's JSON;
    `member_of` takes a coded JSON value and a value set; `conforms_to` a resource and a profile.
    Both give None where the value set or profile is not known.
    """

    resolve: Callable[[str, Any], Any] | None = None
    resolve_type: Callable[[str], str | None] | None = None
    """The type of resource that a reference names, for `resolve() is T` without a read."""
    member_of: Callable[[Any, str], bool | None] | None = None
    conforms_to: Callable[[Any, str], bool | None] | None = None
    subsumes: Callable[[Any, Any], bool | None] | None = None
    definition: Callable[[Element], Any] | None = None
    """The ElementDefinition of an element, for elementDefinition()."""
    slice: Callable[[Element, str, str], bool] | None = None
    """Whether an element is in the slice of that name of a structure definition."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one evaluation may do."""

    steps: int = 2_000_000
    """Items that all loops together may visit."""
    items: int = 200_000
    """Items in one collection."""
    text: int = 1_000_000
    """Characters in one text."""
    nesting: int = 200
    """Depth to which descendants() and repeat() follow the data."""


NO_HOOKS = Hooks()
LIMITS = Limits()


def system_clock() -> clock.datetime:
    """Now, in UTC."""
    return clock.datetime.now(clock.UTC)


class Meter:
    """The limits of one evaluation, and how much of them is left."""

    __slots__ = ("left", "limits", "model")

    def __init__(self, model: Model | None, limits: Limits = LIMITS) -> None:
        self.model = model
        self.limits = limits
        self.left = limits.steps

    def spend(self, items: int, at: int = 0) -> None:
        """Count items against the limit; raises FhirPathError beyond it."""
        self.left -= items
        if self.left < 0:
            raise too_costly(f"The evaluation took more than {self.limits.steps} steps", at)

    def bounded(self, items: list[Any], at: int) -> list[Any]:
        """The collection, where it is within the limit."""
        if len(items) > self.limits.items:
            raise too_costly(f"A collection has more than {self.limits.items} items", at)
        return items

    def text(self, text: str, at: int) -> str:
        """The text, where it is within the limit; long ones count as steps."""
        self.spend(len(text) >> 6, at)
        if len(text) > self.limits.text:
            raise too_costly(f"A text has more than {self.limits.text} characters", at)
        return text


class Env(Meter):
    """The state of one evaluation; functions with a scope change `this` and put it back."""

    __slots__ = (
        "context",
        "hooks",
        "index",
        "now",
        "resource",
        "root_resource",
        "started",
        "this",
        "total",
        "trace",
        "variables",
    )

    def __init__(
        self,
        context: list[Any],
        resource: list[Any],
        root_resource: list[Any],
        variables: Mapping[str, Any],
        hooks: Hooks = NO_HOOKS,
        model: Model | None = None,
        limits: Limits = LIMITS,
        now: Callable[[], clock.datetime] = system_clock,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(model, limits)
        self.this = context
        self.index: int | None = 0
        self.total: list[Any] | None = None
        self.context = context
        self.resource = resource
        self.root_resource = root_resource
        self.variables = variables
        self.hooks = hooks
        self.now = now
        self.started: Temporal | None = None
        self.trace = trace

    def moment(self) -> Temporal:
        """Now; the same throughout one evaluation."""
        if self.started is None:
            self.started = from_clock(self.now())
        return self.started


def failure(message: str, at: int, fix: str) -> FhirPathError:
    """The error that ends an evaluation."""
    return FhirPathError(message, at, fix=fix)


def single(items: list[Any], at: int, what: str) -> Any:
    """The only item, or None for an empty collection; raises where there are more."""
    if not items:
        return None
    if len(items) > 1:
        raise failure(
            f"{what} takes one item, not {len(items)}",
            at,
            "Choose one with first(), [0] or where(…), or use select(…) for each.",
        )
    return items[0]
