"""Text to tokens. The only context it knows: what follows `steps.` is a step id with hyphens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from careloom.workflows.expressions.errors import LIMIT, ExpressionError

MAX_LENGTH = 4096
"""Characters in one expression."""
MAX_DIGITS = 18

_SPACE = re.compile(r"\s+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STEP_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DATE = re.compile(
    r"@([0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?)"
)
_OPERATOR = re.compile(r"!=|!~|<=|>=|\$this|\{\}|[=~<>()\[\].,+\-*/&%|]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression and where it starts."""

    kind: str
    """name, string, number, op or end."""
    text: str
    at: int


def tokenize(text: str) -> list[Token]:
    """All tokens of an expression, ending with an `end` token; raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text)} characters; at most {MAX_LENGTH} are read",
            code=LIMIT,
            fix="split it over several steps, or read the value from a step's output",
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        space = _SPACE.match(text, at)
        if space:
            at = space.end()
            continue
        token, at = _next(text, at, after_steps=_after_steps(tokens))
        tokens.append(token)
    tokens.append(Token("end", "", len(text)))
    return tokens


def _after_steps(tokens: list[Token]) -> bool:
    if len(tokens) < 2 or tokens[-1].text != "." or tokens[-1].kind != "op":
        return False
    if tokens[-2] != Token("name", "steps", tokens[-2].at):
        return False
    return len(tokens) == 2 or tokens[-3].text != "." or tokens[-3].kind != "op"


def _next(text: str, at: int, *, after_steps: bool) -> tuple[Token, int]:
    name = (_STEP_ID if after_steps else _NAME).match(text, at)
    if name:
        return Token("name", name.group(), at), name.end()
    if text[at] in "'\"":
        return _string(text, at)
    if text[at] == "`":
        end = text.find("`", at + 1)
        if end < 0:
            raise _unreadable(text, at, "a name in backticks is not closed", "add the closing `")
        return Token("name", text[at + 1 : end], at), end + 1
    number = _NUMBER.match(text, at)
    if number:
        return _number(text, at, number.group())
    date = _DATE.match(text, at)
    if date:
        return Token("string", date.group(1), at), date.end()
    operator = _OPERATOR.match(text, at)
    if operator:
        return Token("op", operator.group(), at), operator.end()
    raise _unreadable(
        text, at, f"the character {text[at]!r} has no meaning here", "quote text as 'text'"
    )


def _number(text: str, at: int, digits: str) -> tuple[Token, int]:
    end = at + len(digits)
    if len(digits) > MAX_DIGITS:
        raise ExpressionError(
            f"the number at position {at} has more than {MAX_DIGITS} digits",
            code=LIMIT,
            expression=text,
            position=at,
            fix="use a shorter number, or quote it as text",
        )
    if end < len(text) and (text[end].isalpha() or text[end] == "_"):
        raise _unreadable(text, at, "a name cannot begin with a digit", "quote it: ['1st']")
    return Token("number", digits, at), end


def _string(text: str, at: int) -> tuple[Token, int]:
    quote, out, here = text[at], [], at + 1
    while here < len(text) and text[here] != quote:
        if text[here] != "\\":
            out.append(text[here])
            here += 1
            continue
        value, here = _escape(text, here)
        out.append(value)
    if here >= len(text):
        raise _unreadable(text, at, "a quoted text is not closed", f"add the closing {quote}")
    return Token("string", "".join(out), at), here + 1


def _escape(text: str, at: int) -> tuple[str, int]:
    sign = text[at + 1 : at + 2]
    if sign == "u":
        digits = text[at + 2 : at + 6]
        if not re.fullmatch(r"[0-9A-Fa-f]{4}", digits):
            raise _unreadable(text, at, "\\u needs four hexadecimal digits", "write \\u00e9")
        return chr(int(digits, 16)), at + 6
    if sign and sign in "'\"`\\/":
        return sign, at + 2
    if sign in _ESCAPES:
        return _ESCAPES[sign], at + 2
    raise _unreadable(text, at, "this escape has no meaning", "write \\\\ for one backslash")


def _unreadable(text: str, at: int, message: str, fix: str) -> ExpressionError:
    return ExpressionError(f"{message} (position {at})", expression=text, position=at, fix=fix)
