"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field

from careloom.types import JsonObject

MOST_FINDINGS = 1000
"""Findings kept one by one; beyond that they are only counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written. `kind` is stable; `where` names row or position."""

    kind: str
    where: str
    message: str


@dataclass(slots=True)
class Report:
    """The outcome; `ok` is true when nothing was found."""

    tenant: str
    rows: int = 0
    """Audit rows read."""
    sealed: int = 0
    """Positions of the chain."""
    waiting: int = 0
    """Rows not sealed yet."""
    checkpoints: int = 0
    signed: int = 0
    """The last position under a valid signature."""
    effects: int = 0
    """Resource versions, instances and steps compared with their audit rows."""
    findings: list[Finding] = field(default_factory=list)
    found: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.found == 0

    @property
    def exit_code(self) -> int:
        """For the command line: 0 unbroken, 1 when something was found."""
        return 0 if self.ok else 1

    def add(self, kind: str, where: str, message: str) -> None:
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(kind, where, message))

    def kinds(self) -> set[str]:
        return {finding.kind for finding in self.findings}

    def to_json(self) -> JsonObject:
        values: JsonObject = {
            name: getattr(self, name)
            for name in ("tenant", "rows", "sealed", "waiting", "checkpoints", "signed", "effects")
        }
        findings = [{"kind": f.kind, "where": f.where, "message": f.message} for f in self.findings]
        values |= {"ok": self.ok, "found": self.found, "findings": findings}
        return values | {"warnings": list(self.warnings)}
