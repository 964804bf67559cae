"""SQL with named parameters, made ready for a server that numbers them.

`:name` outside of literals, quoted names, comments and casts becomes $1, $2 …; the values travel
beside the text and are never written into it.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_CHARACTERS = 100_000
_PARTS = re.compile(
    r"""
      (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<literal>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$)
    | (?P<cast>::|:=)
    | (?P<parameter>(?<![\w:]):(?P<word>[A-Za-z_]\w*))
    | (?P<placed>\$\d+)
    | (?P<open>['"])
    | (?P<rest>[^\W\d]\w*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
READS = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "CALL", "WITH", "SELECT"})


class BadStatement(ValueError):
    """The SQL cannot be used; the message says why and shows nothing of it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered parameters, and the names in their order."""

    sql: str
    names: tuple[str, ...]
    verb: str
    """The first word, in capitals."""


def read_statement(text: str) -> Statement:
    """Read one statement; raises BadStatement for several, for $1, and for what does not end."""
    if len(text) > MOST_CHARACTERS:
        raise BadStatement(f"the statement is longer than {MOST_CHARACTERS} characters")
    made: list[str] = []
    names: list[str] = []
    ended, at = False, 0
    while at < len(text):
        match = _PARTS.match(text, at)
        if match is None:
            raise BadStatement("the statement cannot be read")
        part, at = match.group(), match.end()
        if match["block"]:
            at = _after_comment(text, match.start())
            made.append(" ")
            continue
        if match["dollar"]:
            at = _after_dollar(text, match.end(), part)
            part = text[match.start() : at]
        elif match["open"]:
            raise BadStatement("a quote is not closed")
        elif match["placed"]:
            raise BadStatement("parameters are named (:name), not numbered")
        elif match["parameter"]:
            part = _number_of(match["word"], names)
        elif match["comment"]:
            part = " "
        if part.strip():
            if ended:
                raise BadStatement("there is more than one statement")
            if match["rest"] == ";":
                ended, part = True, ""
        made.append(part)
    return Statement("".join(made).strip(), tuple(names), _verb("".join(made)))


def _verb(sql: str) -> str:
    found = re.match(r"[\s(]*([A-Za-z]+)", sql)
    return found[1].upper() if found else ""


def _number_of(word: str, names: list[str]) -> str:
    if word not in names:
        names.append(word)
    return f"${names.index(word) + 1}"


def _after_comment(text: str, start: int) -> int:
    """Block comments nest in PostgreSQL."""
    depth, at = 0, start
    for mark in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        at = mark.end()
        if depth == 0:
            return at
    raise BadStatement("a comment is not closed")


def _after_dollar(text: str, start: int, tag: str) -> int:
    end = text.find(tag, start)
    if end < 0:
        raise BadStatement("a dollar quote is not closed")
    return end + len(tag)
