"""Arrays that travel as text, for the calls that every step of every run goes through.

The driver looks at each element of an array several times before it encodes it; a text it encodes
at once. PostgreSQL takes the text apart in the statement itself.
"""

from __future__ import annotations

from collections.abc import Iterable

_PLAIN, _LINES = "${}", "string_to_array(${}, E'\\n')"


def _array(element: str) -> str:
    return f"${{}}::text::{element}[]"


_UUIDS, _LONGS, _INTS = _array("uuid"), _array("bigint"), _array("int")
_FLOATS, _WORDS = _array("float8"), _array("text")

# In the order of the functions' parameters (sql/flush.sql, sql/control.sql).
_FLUSH = (
    *(_PLAIN, _PLAIN, _PLAIN),
    *(_UUIDS, _LONGS, _PLAIN),
    *(_UUIDS, _LONGS, _LINES, _WORDS, _INTS, _INTS, _WORDS, _FLOATS, _PLAIN),
    _PLAIN,
    *(_LINES, _WORDS, _LINES, _PLAIN, _LINES),
    *(_UUIDS, _PLAIN),
    *(_PLAIN, _PLAIN),
)
_BORN = (_UUIDS, _LINES, _LINES, _INTS, _LINES, _LINES, _LINES, _PLAIN, _PLAIN)
# Lines of which some may be empty, which stand for none.
_SOME_LINES = "string_to_array(${}, E'\\n', '')"
# In the order of the function's parameters (sql/fhir.sql).
_CREATES = (
    *(_PLAIN, _PLAIN),
    *(_LINES, _LINES, _LINES, f"{_LINES}::timestamptz[]", _PLAIN, f"{_LINES}::jsonb[]", _PLAIN),
    *(_SOME_LINES, _SOME_LINES, _LINES),
    *(_PLAIN, _PLAIN, _PLAIN, _PLAIN),
)
PLACES: dict[str, tuple[str, ...]] = {
    "fhir_create_many": _CREATES,
    "engine_flush": _FLUSH,
    "engine_flush_locked": (*_FLUSH, _PLAIN, _PLAIN),
    "engine_flush_born": (_PLAIN, _PLAIN, *_BORN, _FLOATS, *_FLUSH[1:]),
    "run_births": (*(_PLAIN, _PLAIN, _PLAIN, _PLAIN), *_BORN, _PLAIN, _LINES, _PLAIN),
}
"""How the parameters of a function stand in the statement that calls it."""


def array(values: Iterable[object]) -> str:
    """Ids and numbers, as PostgreSQL writes an array of them."""
    return "{" + ",".join(map(str, values)) + "}"


def words(values: Iterable[str]) -> str:
    """Texts of letters, digits, dots and hyphens, or empty ones."""
    return '{"' + '","'.join(values) + '"}'


def lines(values: Iterable[str]) -> str:
    """Texts in which no line ends: names and JSON. At least one, and none of them empty."""
    return "\n".join(values)
