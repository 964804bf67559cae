"""Forms that parameters of the platform API must have."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query

WordParam = Annotated[str | None, Query(pattern=r"^[\w.:-]{1,128}$")]
"""An id or a state to look for."""
RunParam = Annotated[
    str | None, Query(pattern=r"^run_[0-9a-f]{32}$", description="A run id: list what is older")
]
RunStatusParam = Literal["running", "waiting", "succeeded", "failed", "cancelled"] | None
TaskStatusParam = Literal["requested", "accepted", "completed", "rejected", "cancelled"] | None
"""http://hl7.org/fhir/R4/valueset-task-status.html, those that a human task has here."""
NameParam = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that is given to something."""
