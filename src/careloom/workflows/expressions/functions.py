"""The fixed table of functions. What is not listed here cannot be called."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from careloom.types import Json
from careloom.workflows.expressions.errors import LIMIT, TYPE, ExpressionError
from careloom.workflows.expressions.pattern import compile_pattern
from careloom.workflows.expressions.values import (
    arithmetic,
    checked_number,
    checked_text,
    equal,
    json_number,
    kind,
    single,
    text_of,
    weight,
)

Items = list[Json]


class Clock(Protocol):
    """What a function may ask of the evaluation around it."""

    def spend(self, steps: int) -> None:
        """Counts work against the budget; raises E-EXPR-LIMIT beyond it."""

    def now(self) -> str:
        """The run's clock, ISO 8601."""


Implementation = Callable[[Clock, Items, list[Items]], Items]


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes, and what it does."""

    least: int
    most: int
    apply: Implementation


def _text(items: Items, name: str) -> str | None:
    value = single(items, f"the text before {name}()")
    if value is not None and not isinstance(value, str):
        raise ExpressionError(
            f"{name}() works on text, not on {kind(value)}", code=TYPE, fix="use toString() first"
        )
    return value


def _argument(args: list[Items], index: int, name: str) -> Json:
    return single(args[index], f"argument {index + 1} of {name}()")


def _text_argument(args: list[Items], index: int, name: str) -> str:
    value = _argument(args, index, name)
    if not isinstance(value, str):
        raise ExpressionError(
            f"argument {index + 1} of {name}() must be text", code=TYPE, fix="quote it: 'text'"
        )
    return value


def _whole_argument(args: list[Items], index: int, name: str) -> int:
    value = _argument(args, index, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ExpressionError(
            f"argument {index + 1} of {name}() must be a whole number", code=TYPE, fix="write 0"
        )
    return int(value)


def _on_text(name: str, work: Callable[[str, list[Items]], Json]) -> Implementation:
    def apply(clock: Clock, items: Items, args: list[Items]) -> Items:
        value = _text(items, name)
        if value is None:
            return []
        clock.spend(1 + len(value) // 64)
        result = work(value, args)
        return result if isinstance(result, list) else [] if result is None else [result]

    return apply


def _replace(value: str, args: list[Items]) -> str:
    old, new = _text_argument(args, 0, "replace"), _text_argument(args, 1, "replace")
    growth = (value.count(old) if old else len(value) + 1) * max(0, len(new) - len(old))
    if len(value) + growth > 1_000_000:
        raise ExpressionError("replace() makes a text too long", code=LIMIT, fix="use less text")
    return value.replace(old, new)


def _substring(value: str, args: list[Items]) -> str | None:
    start = _whole_argument(args, 0, "substring")
    if start < 0 or start >= len(value):
        return None
    if len(args) == 1:
        return value[start:]
    return value[start : start + max(0, _whole_argument(args, 1, "substring"))]


def _split(value: str, args: list[Items]) -> Items:
    separator = _text_argument(args, 0, "split")
    if not separator:
        raise ExpressionError("split() needs a separator", code=TYPE, fix="write split(',')")
    return list(value.split(separator))


def _matches(clock: Clock, items: Items, args: list[Items]) -> Items:
    value, pattern = _text(items, "matches"), _text_argument(args, 0, "matches")
    return [] if value is None else [compile_pattern(pattern).found_in(value, clock.spend)]


def _contains(clock: Clock, items: Items, args: list[Items]) -> Items:
    return _on_text("contains", lambda v, a: _text_argument(a, 0, "contains") in v)(
        clock, items, args
    )


def _join(clock: Clock, items: Items, args: list[Items]) -> Items:
    separator = _text_argument(args, 0, "join") if args else ""
    clock.spend(len(items))
    texts = [text_of(item, "an item of join()") for item in items]
    size = sum(map(len, texts)) + len(separator) * len(texts)
    return [checked_text(separator.join(texts) if size <= 1_000_000 else " " * 1_000_001)]


def _to_string(clock: Clock, items: Items, args: list[Items]) -> Items:
    value = single(items, "the value before toString()")
    return [] if value is None else [text_of(value, "the value before toString()")]


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


def _to_integer(clock: Clock, items: Items, args: list[Items]) -> Items:
    value = single(items, "the value before toInteger()")
    if isinstance(value, bool):
        return [int(value)]
    if isinstance(value, int):
        return [checked_number(value)]
    fits = isinstance(value, str) and _INTEGER.fullmatch(value)
    return [int(value)] if fits else []


def _to_decimal(clock: Clock, items: Items, args: list[Items]) -> Items:
    value = single(items, "the value before toDecimal()")
    if isinstance(value, bool):
        return [int(value)]
    if isinstance(value, (int, float)):
        return [checked_number(value)]
    fits = isinstance(value, str) and _DECIMAL.fullmatch(value)
    return [json_number(decimal.Decimal(value))] if fits else []


def _round(clock: Clock, items: Items, args: list[Items]) -> Items:
    value = single(items, "the value before round()")
    digits = _whole_argument(args, 0, "round") if args else 0
    if not 0 <= digits <= 18:
        raise ExpressionError("round() keeps 0 to 18 digits", code=LIMIT, fix="write round(2)")
    if value is None:
        return []
    exact = decimal.Decimal(repr(checked_number(value)))
    if exact.adjusted() + digits >= 27:
        return [value]
    step = decimal.Decimal(1).scaleb(-digits)
    return [json_number(exact.quantize(step, rounding=decimal.ROUND_HALF_UP))]


def _not(clock: Clock, items: Items, args: list[Items]) -> Items:
    value = single(args[0] if args else items, "the value of not()")
    if value is None:
        return []
    if not isinstance(value, bool):
        raise ExpressionError(
            f"not() needs true or false, not {kind(value)}", code=TYPE, fix="compare first: x = 1"
        )
    return [not value]


def _distinct(clock: Clock, items: Items, args: list[Items]) -> Items:
    out: Items = []
    for item in items:
        clock.spend(weight([item]) * (1 + len(out)))
        if not any(equal(item, other) for other in out):
            out.append(item)
    return out


def _sum(clock: Clock, items: Items, args: list[Items]) -> Items:
    total: Json = 0
    for item in items:
        clock.spend(1)
        total = arithmetic("+", total, checked_number(item))
    return [total]


FUNCTIONS: dict[str, Function] = {
    "first": Function(0, 0, lambda c, items, a: items[:1]),
    "last": Function(0, 0, lambda c, items, a: items[-1:]),
    "tail": Function(0, 0, lambda c, items, a: items[1:]),
    "take": Function(1, 1, lambda c, items, a: items[: max(0, _whole_argument(a, 0, "take"))]),
    "skip": Function(1, 1, lambda c, items, a: items[max(0, _whole_argument(a, 0, "skip")) :]),
    "count": Function(0, 0, lambda c, items, a: [len(items)]),
    "empty": Function(0, 0, lambda c, items, a: [not items]),
    "not": Function(0, 1, _not),
    "distinct": Function(0, 0, _distinct),
    "sum": Function(0, 0, _sum),
    "toString": Function(0, 0, _to_string),
    "toInteger": Function(0, 0, _to_integer),
    "toDecimal": Function(0, 0, _to_decimal),
    "lower": Function(0, 0, _on_text("lower", lambda v, a: v.lower())),
    "upper": Function(0, 0, _on_text("upper", lambda v, a: v.upper())),
    "trim": Function(0, 0, _on_text("trim", lambda v, a: v.strip())),
    "length": Function(0, 0, _on_text("length", lambda v, a: len(v))),
    "contains": Function(1, 1, _contains),
    "startsWith": Function(
        1, 1, _on_text("startsWith", lambda v, a: v.startswith(_text_argument(a, 0, "startsWith")))
    ),
    "endsWith": Function(
        1, 1, _on_text("endsWith", lambda v, a: v.endswith(_text_argument(a, 0, "endsWith")))
    ),
    "replace": Function(2, 2, _on_text("replace", _replace)),
    "substring": Function(1, 2, _on_text("substring", _substring)),
    "split": Function(1, 1, _on_text("split", _split)),
    "join": Function(0, 1, _join),
    "matches": Function(1, 1, _matches),
    "round": Function(0, 1, _round),
    "today": Function(0, 0, lambda c, items, a: [c.now()[:10]]),
    "now": Function(0, 0, lambda c, items, a: [c.now()]),
}
"""Functions over collections that are already computed."""

LAZY: dict[str, tuple[int, int]] = {
    "where": (1, 1),
    "select": (1, 1),
    "all": (1, 1),
    "any": (0, 1),
    "exists": (0, 1),
    "iif": (2, 3),
    "coalesce": (1, 16),
    "default": (1, 1),
}
"""Functions that decide which of their arguments to compute, with their argument counts."""
