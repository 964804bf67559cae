"""Named parameters: found where they are, left where they only look like it."""

from __future__ import annotations

import pytest

from careloom.connections.statement import BadStatement, read_statement


@pytest.mark.parametrize(
    ("text", "sql", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT :a::int", "SELECT $1::int", ("a",)),
        ("SELECT 'x :a' || :b", "SELECT 'x :a' || $1", ("b",)),
        ("SELECT 'it''s :a'", "SELECT 'it''s :a'", ()),
        (r"SELECT E'\' :a' || :b", r"SELECT E'\' :a' || $1", ("b",)),
        ('SELECT ":a" FROM t', 'SELECT ":a" FROM t', ()),
        ("SELECT $$ :a $$", "SELECT $$ :a $$", ()),
        ("SELECT $t$ $$ :a $t$, :b", "SELECT $t$ $$ :a $t$, $1", ("b",)),
        ("SELECT 1 -- :a\n, :b", "SELECT 1  \n, $1", ("b",)),
        ("SELECT 1 /* :a /* :b */ :c */, :d", "SELECT 1  , $1", ("d",)),
        ("SELECT a[1:2]", "SELECT a[1:2]", ()),
        ("SELECT 1;", "SELECT 1", ()),
        ("SELECT 1; -- done", "SELECT 1", ()),
        ("  (SELECT :a)", "(SELECT $1)", ("a",)),
    ],
)
def test_parameters_are_numbered(text: str, sql: str, names: tuple[str, ...]) -> None:
    read = read_statement(text)
    assert (read.sql, read.names, read.verb) == (sql, names, "SELECT")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; SELECT 2",
        "SELECT ';' ; DROP TABLE x",
        "SELECT 'open",
        'SELECT "open',
        "SELECT /* open",
        "SELECT $$ open",
        "SELECT $1",
        "SELECT " + "x" * 100_001,
    ],
)
def test_what_cannot_be_one_statement_is_refused(text: str) -> None:
    with pytest.raises(BadStatement):
        read_statement(text)


@pytest.mark.parametrize(
    ("text", "verb"),
    [("-- x\nINSERT INTO t", "INSERT"), ("/* */ with x", "WITH"), ("1", ""), ("", "")],
)
def test_the_verb_is_the_first_word(text: str, verb: str) -> None:
    assert read_statement(text).verb == verb
