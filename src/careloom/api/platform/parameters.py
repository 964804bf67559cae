"""Forms that parameters of the platform API must have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

WordParam = Annotated[str | None, Query(pattern=r"^[\w.:-]{1,128}$")]
"""An id or a state to look for."""
NameParam = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that is given to something."""
