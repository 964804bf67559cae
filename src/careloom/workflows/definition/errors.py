"""A definition that cannot be taken as it stands."""

from __future__ import annotations

from typing import ClassVar

from careloom.errors import Unprocessable
from careloom.types import JsonObject


class DefinitionError(Unprocessable):
    """Names the code, the place (path, line, column), the cause and the fix."""

    default_code: ClassVar[str] = "E-SHAPE"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        path: str | None = None,
        fix: str | None = None,
        line: int | None = None,
        column: int | None = None,
        details: JsonObject | None = None,
    ) -> None:
        where = f" (line {line}, column {column})" if line and column else ""
        super().__init__(message + where, code=code, path=path, fix=fix, details=details)
        if line:
            self.details["line"] = line
        if column:
            self.details["column"] = column

    @property
    def line(self) -> int | None:
        """Line in the text, from 1."""
        return self.details.get("line")

    @property
    def column(self) -> int | None:
        """Column in the text, from 1."""
        return self.details.get("column")
