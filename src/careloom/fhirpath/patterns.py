"""Regular expressions in linear time, by RE2, so that no pattern can hang a worker.

Look-around and back-references, which need backtracking, are refused.
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

from careloom.fhirpath.errors import FhirPathError

MAX_PATTERN = 1000
MAX_MEMORY = 2 << 20
"""Bytes that one pattern may take, its cache of states included."""
_FLAGS = frozenset("ims")
_GROUP = re.compile(r"\$(\d{1,2}|\{\w{1,40}\}|\$)|\\")


@lru_cache(maxsize=64)
def compiled(pattern: str, flags: str) -> Any:
    """The pattern; `.` also takes line ends, as FHIRPath wants. Raises ValueError."""
    if len(pattern) > MAX_PATTERN or not set(flags) <= _FLAGS:
        raise ValueError
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    options.dot_nl = True
    options.case_sensitive = "i" not in flags
    source = f"(?m){pattern}" if "m" in flags else pattern
    try:
        return re2.compile(source, options)
    except re2.error as error:
        raise ValueError from error


def pattern_at(pattern: str, flags: str, at: int) -> Any:
    """The compiled pattern; raises FhirPathError where RE2 does not take it."""
    try:
        return compiled(pattern, flags)
    except ValueError:
        raise FhirPathError(
            f"This regular expression is not valid or is over {MAX_PATTERN} characters",
            at,
            fix="Use RE2's syntax, without look-around and back-references; flags are i, m and s.",
        ) from None


def substitution(text: str, names: dict[str, int]) -> str:
    """$1 and ${name} of FHIRPath as RE2 writes them."""

    def group(match: re.Match[str]) -> str:
        mark = match[0]
        if mark == "\\":
            return "\\\\"
        if mark == "$$":
            return "$"
        name = mark[1:].strip("{}")
        number = int(name) if name.isdigit() else names.get(name)
        return mark if number is None else f"\\g<{number}>"

    return _GROUP.sub(group, text)
