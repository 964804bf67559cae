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
_GROUP = re.compile(r"\$([0-9]{1,2}|\{\w{1,40}\}|\$)")


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


def found_in(pattern: Any, text: str, full: bool, at: int) -> bool:
    """Whether the pattern matches the text, in full or anywhere."""
    try:
        return (pattern.fullmatch(text) if full else pattern.search(text)) is not None
    except UnicodeEncodeError:
        raise _no_unicode(at) from None


def replaced(pattern: Any, new: str, text: str, at: int) -> str:
    """The text with every match replaced; $1 and ${name} stand for groups, $$ for a $."""
    parts = _template(new, pattern.groups, dict(pattern.groupindex))

    def substitution(match: Any) -> str:
        return "".join(
            (match.group(part) or "") if isinstance(part, int) else part for part in parts
        )

    try:
        return str(pattern.sub(substitution, text))
    except UnicodeEncodeError:
        raise _no_unicode(at) from None


def _no_unicode(at: int) -> FhirPathError:
    return FhirPathError("A text is not valid Unicode", at, fix="Correct the data.")


def _template(new: str, groups: int, names: dict[str, int]) -> list[str | int]:
    """Texts and numbers of groups; a group that the pattern does not have gives nothing."""
    parts: list[str | int] = []
    end = 0
    for mark in _GROUP.finditer(new):
        parts.append(new[end : mark.start()])
        end = mark.end()
        name = mark[1].strip("{}")
        if mark[1] == "$":
            parts.append("$")
        elif name.isdigit():
            parts += [int(name)] if int(name) <= groups else []
        else:
            parts.append(names.get(name, mark[0]))
    parts.append(new[end:])
    return parts
