"""Statements sent to the database: those that arrive together in one shape go as one.

A statement's row `e` (sql.py) is one search; where many of them are asked at once it is many rows,
each with its own values, and the answers come back with their number.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from careloom.errors import CareloomError
from careloom.fhir.search.sql import ENTER, Statement
from careloom.store.database import Database
from careloom.store.gather import Gather
from careloom.types import Scope

SEARCH_S = 10.0
"""Seconds after which a search is given up; PostgreSQL is told to stop."""
_MANY = (
    "(SELECT s.tenant, $2::text AS store, ARRAY(SELECT unnest(($3::text[])[g.n:g.n])) AS v, g.n"
    " FROM (SELECT set_config('app.tenant', $1, true) AS tenant OFFSET 0) s"
    " CROSS JOIN generate_subscripts($3::text[], 1) g(n) OFFSET 0) e"
)


class TooCostly(CareloomError):
    """The search would have to look at too many resources."""

    status, issue, default_code = 403, "too-costly", "too_costly"


class Asked(NamedTuple):
    """One statement by itself."""

    sql: str
    args: tuple[str, ...]


class Statements:
    """Runs the statements of searches. One per database and process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gather: Gather[Asked, list[Any]] = Gather(self._carry)
        self._many: dict[str, str] = {}

    async def rows(self, scope: Scope, statement: Statement, *, quick: bool) -> list[Any]:
        """The rows of a statement; a quick one may go together with others of its shape.

        Raises TooCostly when it takes too long.
        """
        if quick and statement.args and "($3)[" not in statement.sql:
            return await self._gather.ask(scope, Asked(statement.sql, tuple(statement.args)))
        return await self._run(scope, statement.sql, statement.args)

    async def _carry(self, scope: Scope, asked: list[Asked]) -> list[list[Any] | Exception]:
        if len(asked) == 1:
            return [await self._run(scope, asked[0].sql, list(asked[0].args))]
        shapes: dict[tuple[str, int], list[int]] = {}
        for number, one in enumerate(asked):
            shapes.setdefault((one.sql, len(one.args)), []).append(number)
        found: list[list[Any] | Exception] = [[] for _ in asked]
        await asyncio.gather(
            *(self._shape(scope, asked, numbers, found) for numbers in shapes.values())
        )
        return found

    async def _shape(
        self,
        scope: Scope,
        asked: list[Asked],
        numbers: list[int],
        found: list[list[Any] | Exception],
    ) -> None:
        sql = asked[numbers[0]].sql
        try:
            if len(numbers) == 1:
                found[numbers[0]] = await self._run(scope, sql, list(asked[numbers[0]].args))
                return
            values = [list(asked[number].args) for number in numbers]
            answers: list[list[Any]] = [[] for _ in numbers]
            for row in await self._run(scope, self._for_many(sql), values):
                answers[row["n"] - 1].append(row)
        except CareloomError as error:
            for number in numbers:
                found[number] = error
            return
        for number, answer in zip(numbers, answers, strict=True):
            found[number] = answer

    def _for_many(self, sql: str) -> str:
        made = self._many.get(sql)
        if made is None:
            made = sql.replace(ENTER, _MANY, 1).replace("SELECT ", "SELECT e.n, ", 1)
            if len(self._many) < 4096:
                self._many[sql] = made
        return made

    async def _run(self, scope: Scope, sql: str, values: list[Any]) -> list[Any]:
        try:
            return await self._db.select(scope.tenant, sql, scope.store, values, timeout=SEARCH_S)
        except TimeoutError as error:
            raise TooCostly(
                f"The search was given up after {SEARCH_S:.0f} seconds",
                fix="add a parameter that few resources meet, such as patient, identifier or _id",
            ) from error
