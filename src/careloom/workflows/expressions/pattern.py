"""Regular expressions in linear time, so that no pattern can hang a worker.

A pattern becomes a small non-deterministic automaton, walked once over the text with all its
states at the same time (Thompson 1968, https://swtch.com/~rsc/regexp/regexp1.html). Look-around
and back-references, which need backtracking, are not offered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

from careloom.workflows.expressions.errors import LIMIT, SYNTAX, ExpressionError

MAX_PATTERN = 200
MAX_STATES = 1000
MAX_DEPTH = 20

Test = Callable[[str], bool]
_CLASSES: dict[str, Test] = {
    "d": lambda c: "0" <= c <= "9",
    "w": lambda c: c == "_" or c.isalnum(),
    "s": str.isspace,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(slots=True)
class _State:
    """A character test and where it leads, or a silent fork."""

    test: Test | None = None
    anchor: str = ""
    to: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the automaton: its entry, and the states whose way on is still open."""

    start: int
    open: list[int]


class Pattern:
    """A compiled pattern."""

    def __init__(self, states: list[_State], start: int) -> None:
        self._states = states
        self._start = start

    def found_in(self, text: str, spend: Callable[[int], None]) -> bool:
        """True when the pattern matches anywhere in the text; `^` and `$` bind it to the ends."""
        current: set[int] = set()
        for at in range(len(text) + 1):
            self._enter(self._start, current, at, len(text))
            spend(1 + len(current) // 8)
            if len(self._states) - 1 in current:
                return True
            if at == len(text):
                return False
            following: set[int] = set()
            for index in current:
                state = self._states[index]
                if state.test and state.test(text[at]):
                    for target in state.to:
                        self._enter(target, following, at + 1, len(text))
            current = following
        return False

    def _enter(self, start: int, into: set[int], at: int, length: int) -> None:
        waiting = [start]
        while waiting:
            index = waiting.pop()
            if index in into:
                continue
            state = self._states[index]
            blocked = (state.anchor == "^" and at) or (state.anchor == "$" and at != length)
            if blocked:
                continue
            into.add(index)
            if state.test is None:
                waiting.extend(state.to)


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """The automaton of a pattern; raises ExpressionError when it cannot be read or is too large."""
    if len(text) > MAX_PATTERN:
        raise ExpressionError(
            f"a pattern has at most {MAX_PATTERN} characters", code=LIMIT, fix="shorten it"
        )
    return _Compiler(text).compile()


class _Compiler:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.states: list[_State] = []

    def compile(self) -> Pattern:
        part = self.alternatives()
        if self.at < len(self.text):
            self.refuse("a ) closes nothing")
        self.join(part, self.state())
        return Pattern(self.states, part.start)

    def refuse(self, message: str) -> NoReturn:
        raise ExpressionError(
            f"the pattern cannot be read at {self.at}: {message}",
            code=SYNTAX,
            fix="use letters, classes such as [0-9] and \\d, groups, |, ?, *, +, {m,n}, ^ and $",
        )

    def state(self, test: Test | None = None, anchor: str = "", to: list[int] | None = None) -> int:
        if len(self.states) >= MAX_STATES:
            raise ExpressionError("the pattern is too large", code=LIMIT, fix="repeat less")
        self.states.append(_State(test, anchor, to if to is not None else []))
        return len(self.states) - 1

    def join(self, part: _Part, target: int) -> None:
        for index in part.open:
            self.states[index].to.append(target)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self) -> _Part:
        parts = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.sequence())
        if len(parts) == 1:
            return parts[0]
        fork = self.state(to=[part.start for part in parts])
        return _Part(fork, [index for part in parts for index in part.open])

    def sequence(self) -> _Part:
        start = self.state()
        whole = _Part(start, [start])
        while self.peek() not in ("", "|", ")"):
            part = self.repeated()
            self.join(whole, part.start)
            whole = _Part(start, part.open)
        return whole

    def repeated(self) -> _Part:
        begin = self.at
        part = self.single()
        sign = self.peek()
        if sign and sign in "*+?":
            self.at += 1
            return self.loop(part, sign)
        if sign == "{":
            return self.counted(part, begin)
        return part

    def loop(self, part: _Part, sign: str) -> _Part:
        if self.peek() == "?":
            self.at += 1
        fork = self.state(to=[part.start])
        if sign == "?":
            return _Part(fork, [*part.open, fork])
        self.join(part, fork)
        return _Part(part.start if sign == "+" else fork, [fork])

    def counted(self, first: _Part, begin: int) -> _Part:
        end_of_atom = self.at
        close = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(close, self.at + 1)].partition(",")
        if close < 0 or not low.isdigit() or (high and not high.isdigit()):
            self.refuse("write {2} or {2,4}")
        least, most = int(low), int(high) if high else (None if comma else int(low))
        if least > 100 or (most or 0) > 100 or (most is not None and most < least):
            self.refuse("counts go up to 100")
        whole_start = self.state()
        whole = _Part(whole_start, [whole_start])
        for number in range(max(least, most if most is not None else least + 1)):
            part = first if number == 0 else self.again(begin, end_of_atom)
            if number >= least:
                part = self.loop_plain(part, "*" if most is None else "?")
            self.join(whole, part.start)
            whole = _Part(whole_start, part.open)
        self.at = close + 1
        return whole

    def loop_plain(self, part: _Part, sign: str) -> _Part:
        fork = self.state(to=[part.start])
        if sign == "?":
            return _Part(fork, [*part.open, fork])
        self.join(part, fork)
        return _Part(fork, [fork])

    def again(self, begin: int, end: int) -> _Part:
        self.at = begin
        part = self.single()
        self.at = end
        return part

    def single(self) -> _Part:
        sign = self.peek()
        self.at += 1
        if sign == "(":
            return self.group()
        if sign in "^$":
            index = self.state(anchor=sign)
            return _Part(index, [index])
        if sign in "*+?{":
            self.at -= 1
            self.refuse(f"{sign} repeats nothing")
        index = self.state(test=self.test(sign))
        return _Part(index, [index])

    def group(self) -> _Part:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError("groups are nested too deep", code=LIMIT, fix="flatten them")
        if self.peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                self.refuse("look-around and named groups are not offered")
            self.at += 2
        part = self.alternatives()
        if self.peek() != ")":
            self.refuse("a group is not closed")
        self.at += 1
        self.depth -= 1
        return part

    def test(self, sign: str) -> Test:
        if sign == ".":
            return lambda c: c != "\n"
        if sign == "[":
            return self.bracket()
        if sign == "\\":
            return self.escaped()
        return lambda c, literal=sign: c == literal  # type: ignore[misc]

    def escaped(self) -> Test:
        sign = self.peek()
        self.at += 1
        if sign.lower() in _CLASSES and sign:
            test = _CLASSES[sign.lower()]
            return test if sign.islower() else (lambda c: not test(c))
        if not sign or (sign.isalnum() and sign not in _ESCAPES):
            self.refuse("this escape is not offered")
        literal = _ESCAPES.get(sign, sign)
        return lambda c: c == literal

    def bracket(self) -> Test:
        inverted = self.peek() == "^"
        self.at += inverted
        tests: list[Test] = []
        while self.peek() != "]" or not tests:
            if not self.peek():
                self.refuse("a [ is not closed")
            tests.append(self.bracket_item())
        self.at += 1
        return lambda c: any(test(c) for test in tests) != inverted

    def bracket_item(self) -> Test:
        low = self.peek()
        self.at += 1
        if low == "\\":
            return self.escaped()
        following = self.text[self.at : self.at + 2]
        if len(following) == 2 and following[0] == "-" and following[1] not in "]\\":
            high = following[1]
            self.at += 2
            return lambda c: low <= c <= high
        return lambda c: c == low
