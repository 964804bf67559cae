"""Which literal words a pattern cannot match without: a cheap look before an expensive search.

The long patterns of the red flags cost milliseconds each on a letter that contains none of their
words; a plain substring test rules most of them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants, _parser  # type: ignore[attr-defined]  # no public parser exists
from typing import Any

SHORTEST = 3


def needles(pattern: str) -> frozenset[str]:
    """Lower-case substrings of which at least one stands in every match; empty: cannot tell."""
    found = _of_sequence(_parser.parse(pattern, re.IGNORECASE))
    return found or frozenset()


def _of_sequence(sequence: Iterable[Any]) -> frozenset[str] | None:
    """The best of the parts that every match has to contain."""
    options: list[frozenset[str]] = []
    run = ""
    for operation, argument in sequence:
        if operation is _constants.LITERAL and chr(argument).isalnum():
            run += chr(argument).lower()
            continue
        if run:
            options.append(frozenset({run}))
            run = ""
        inner = _of_operation(operation, argument)
        if inner:
            options.append(inner)
    if run:
        options.append(frozenset({run}))
    usable = [option for option in options if min(map(len, option)) >= SHORTEST]
    return max(usable, key=lambda option: (min(map(len, option)), -len(option)), default=None)


def _of_operation(operation: Any, argument: Any) -> frozenset[str] | None:
    if operation is _constants.SUBPATTERN:
        return _of_sequence(argument[3])
    if operation is _constants.MAX_REPEAT and argument[0] >= 1:
        return _of_sequence(argument[2])
    if operation is _constants.BRANCH:
        branches = [_of_sequence(branch) for branch in argument[1]]
        if all(branch is not None for branch in branches):
            return frozenset().union(*(branch for branch in branches if branch is not None))
    return None
