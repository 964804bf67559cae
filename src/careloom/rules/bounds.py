"""What keeps a calculation of a decision table within bounds, before the engine reads it.

The engine is native code that runs in this process: it has no limit of its own on depth, steps or
memory. So a calculation is short, goes through lists of the input only, and not through a list for
each item of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from careloom.rules.cells import CellError

LONGEST = 4000
"""Characters. The engine's reader calls itself for each level of nesting."""
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_GOES_THROUGH = r"(?:all|none|some|one|filter|map|flatMap|count)\s*\("
_MARK = re.compile(rf"\b{_GOES_THROUGH}|[()\[\]{{}},]")


def check_calculation(text: str) -> None:
    """Raise CellError for a calculation or condition that could take too long or too much."""
    if len(text) > LONGEST:
        raise CellError(f"it is longer than {LONGEST} characters")
    check_together([text], [text])


def check_together(all_texts: Iterable[str], values: Iterable[str]) -> None:
    """Raise CellError when one text goes through a list for each item of another, or when some go
    through lists while others, which make `values`, make ranges."""
    bare = [_QUOTED.sub("''", text) for text in all_texts]
    if any(_nested(text) for text in bare):
        raise CellError("it goes through a list for each item of another")
    goes = any(re.search(rf"\b{_GOES_THROUGH}", text) for text in bare)
    if goes and any(".." in _QUOTED.sub("''", text) for text in values):
        raise CellError("it goes through a range; only a list of the input has a known length")


def _nested(text: str) -> bool:
    """Whether a list is gone through in what is done to each item of another: behind the comma."""
    open_: list[list[bool]] = []
    for mark in _MARK.findall(text):
        if mark == ",":
            if open_:
                open_[-1][1] = True
        elif mark in ")]}":
            if open_:
                open_.pop()
        else:
            goes = len(mark) > 1
            if goes and any(kind and behind for kind, behind in open_):
                return True
            open_.append([goes, False])
    return False
