"""One cell of a decision table: what it says of its input, as far as that can be reasoned about.

The language is ZEN's unary tests: https://docs.gorules.io/reference/expression-language
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from careloom.types import Json

_NUMBER = r"-?\d+(?:\.\d+)?"
_LITERAL = rf"{_NUMBER}|\"[^\"]*\"|'[^']*'|true|false|null"
_LIST = rf"\[\s*(?:{_LITERAL})(?:\s*,\s*(?:{_LITERAL}))*\s*\]"
_ALTERNATIVE = re.compile(
    rf"\s*(?:(?P<range>(?P<open>[\[(])\s*(?P<low>{_NUMBER})\s*\.\.\s*(?P<high>{_NUMBER})\s*(?P<close>[\])]))"
    rf"|(?P<membership>(?P<no>not\s+)?in\s*(?P<list>{_LIST}))"
    rf"|(?P<sign>>=|<=|==|!=|>|<)?\s*(?P<literal>{_LITERAL}))\s*(?:,|$)"
)
_ONE = re.compile(_LITERAL)


class CellError(ValueError):
    """A cell that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Test:
    """One alternative of a cell. `sign` is one of = != < <= > >= in, `in` with `values`."""

    sign: str
    values: tuple[Json, ...]
    ends: str = "[]"
    """For a range, whether its ends belong to it."""

    def holds(self, value: Json) -> bool:
        """Whether the value passes, as the engine would decide it."""
        match self.sign:
            case "=" | "in":
                return any(_same(value, one) for one in self.values)
            case "!=" | "not in":
                return not any(_same(value, one) for one in self.values)
            case "range":
                return _in_range(value, self.values[0], self.values[1], self.ends)
        return _is_number(value) and _compare(self.sign, value, self.values[0])


def read_cell(text: str) -> tuple[Test, ...] | None:
    """The alternatives of a cell; an empty tuple for any value; None where it can be evaluated but
    not reasoned about."""
    text = text.strip()
    if text in ("", "-"):
        return ()
    tests, at = [], 0
    while at < len(text):
        found = _ALTERNATIVE.match(text, at)
        if found is None:
            return None
        tests.append(_test(found))
        at = found.end()
    return tuple(tests)


def passes(tests: Sequence[Test], value: Json) -> bool:
    """Whether a value passes a cell."""
    return not tests or any(test.holds(value) for test in tests)


def zen_literal(value: Json) -> str:
    """A value as the expression language writes it; raises CellError where it has no way to."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        for quote in "\"'":
            if quote not in value:
                return f"{quote}{value}{quote}"
        raise CellError("a text cannot have both kinds of quotation marks")
    if isinstance(value, list):
        return "[" + ", ".join(zen_literal(one) for one in value) + "]"
    if isinstance(value, dict):
        parts = (f"{zen_literal(key)}: {zen_literal(one)}" for key, one in value.items())
        return "{" + ", ".join(parts) + "}"
    raise CellError("this is no JSON value")


def _test(found: re.Match[str]) -> Test:
    if found["range"]:
        low, high = _value(found["low"]), _value(found["high"])
        return Test("range", (low, high), found["open"] + found["close"])
    if found["membership"]:
        values = tuple(_value(one) for one in _ONE.findall(found["list"]))
        return Test("not in" if found["no"] else "in", values)
    sign = {None: "=", "==": "="}.get(found["sign"], found["sign"])
    return Test(sign, (_value(found["literal"]),))


def _value(text: str) -> Json:
    if text[0] in "\"'":
        return text[1:-1]
    named = {"true": True, "false": False, "null": None}
    if text in named:
        return named[text]
    return float(text) if "." in text else int(text)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Json, other: Json) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _compare(sign: str, value: Json, bound: Json) -> bool:
    if not isinstance(value, int | float) or not isinstance(bound, int | float):
        return False
    return {
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
    }[sign]


def _in_range(value: Json, low: Json, high: Json, ends: str) -> bool:
    if not _is_number(value):
        return False
    return _compare(">=" if ends[0] == "[" else ">", value, low) and _compare(
        "<=" if ends[1] == "]" else "<", value, high
    )
