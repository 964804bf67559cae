"""Text to tokens. http://hl7.org/fhirpath/N1/#lexical-elements"""

from __future__ import annotations

import re
from dataclasses import dataclass

from careloom.fhirpath.errors import LIMIT, SYNTAX, FhirPathError

MAX_TEXT = 32_768

_CLOCK = r"\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)
    | (?P<time>@T{_CLOCK})
    | (?P<datetime>@\d{{4}}(?:-\d{{2}}(?:-\d{{2}})?)?T(?:{_CLOCK}(?:Z|[+-]\d{{2}}:\d{{2}})?)?)
    | (?P<date>@\d{{4}}(?:-\d{{2}}(?:-\d{{2}})?)?)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<variable>\$[a-z]+)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<symbol><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_PLAIN = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SELF = frozenset("`\"'\\/")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the expression; `text` of strings and quoted names is unescaped."""

    kind: str
    text: str
    at: int


def tokenize(text: str) -> list[Token]:
    """The tokens with an `end` token after the last; raises FhirPathError."""
    if len(text) > MAX_TEXT:
        raise FhirPathError(
            f"The expression is longer than {MAX_TEXT} characters",
            MAX_TEXT,
            fix="Shorten the expression.",
            code=LIMIT,
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        kind = match.lastgroup or ""
        if kind in ("string", "quoted"):
            tokens.append(Token(kind, _unescape(match.group()[1:-1], at + 1), at))
        elif kind != "space":
            tokens.append(Token(kind, match.group(), at))
        at = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _unescape(text: str, at: int) -> str:
    if "\\" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] == "u" and len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape in _SELF:
            return escape
        if escape not in _PLAIN:
            raise FhirPathError(
                "This escape sequence is not one of FHIRPath's",
                at + match.start(),
                fix="Write \\\\ for \\; others are \\` \\' \\\" \\/ \\f \\n \\r \\t \\uXXXX.",
                code=SYNTAX,
            )
        return _PLAIN[escape]

    found = joined_surrogates(_ESCAPE.sub(plain, text))
    if found is None:
        raise FhirPathError(
            "Half a character is no text",
            at,
            fix="Write both \\u codes of a character beyond \\uFFFF.",
            code=SYNTAX,
        )
    return found


def joined_surrogates(text: str) -> str | None:
    """The text with pairs of \\u codes as one character; None where half of a pair is left."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return None


def _unreadable(text: str, at: int) -> FhirPathError:
    if text[at] in "'`":
        message, fix = "A quoted text is not closed", f"Add the closing {text[at]}."
    elif text.startswith("/*", at):
        message, fix = "A comment is not closed", "Add the closing */."
    elif text[at] == "@":
        message, fix = (
            "This is not a date or time",
            "Write it as @2024-01-31, @2024-01-31T10:30:00Z or @T10:30.",
        )
    elif text[at] == '"':
        message, fix = "Texts are written in single quotes", "Write 'text' in place of \"text\"."
    else:
        message, fix = "This character has no meaning here", "Remove it or put it into quotes."
    return FhirPathError(message, at, fix=fix, code=SYNTAX)
